"""An in-process mail server that keeps what it is given, and misbehaves on demand.

async with FakeSmtp() as server:
    server.refuse["DATA"] = "451 try later"
"""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.message import Message


class FakeSmtp:
    """Keeps mails in `mails`. `refuse` answers a verb once so; `drop_after_data` loses the last word."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refuse: dict[str, str] = {}
        self.drop_after_data = False
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> FakeSmtp:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 fake ready\r\n")
        try:
            while line := await reader.readline():
                if not await self._answer(line.decode().strip(), reader, writer):
                    break
                await writer.drain()
        except ConnectionError:
            pass  # the client hung up: its own affair, a fake of a server goes on
        finally:
            writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        verb = line.partition(" ")[0].upper()
        refusal = self.refuse.pop(verb, "")
        if refusal:
            writer.write(f"{refusal}\r\n".encode())
            return True
        if verb == "DATA":
            writer.write(b"354 go on\r\n")
            await writer.drain()
            content = await reader.readuntil(b"\r\n.\r\n")
            self.mails.append(message_from_bytes(content[:-5].replace(b"\r\n..", b"\r\n.")))
            if self.drop_after_data:
                self.drop_after_data = False
                return False
        writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
        return verb != "QUIT"
