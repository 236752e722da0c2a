"""A TCP proxy that tests break: it can swallow bytes in either direction, or cut a connection in the middle of them."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Proxy:
    """Between a client and a server. Both `swallow` flags drop what comes; `cut_after` bytes to the server it cuts."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.swallow_to_server = self.swallow_to_client = False
        self.cut_after: int | None = None
        self._server_at = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        await self.come_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Cut every connection and take no new one."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def come_back(self) -> None:
        """Listen, at the port it had."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def heal(self) -> None:
        """Let everything pass again."""
        self.swallow_to_server = self.swallow_to_client = False
        self.cut_after = None

    async def _connected(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            server_in, server_out = await asyncio.open_connection(*self._server_at)
        except OSError:  # the server is away
            client_out.transport.abort()
            self._tasks.discard(task)
            return
        try:
            both = [
                asyncio.create_task(self._to_server(client_in, server_out)),
                asyncio.create_task(self._to_client(server_in, client_out)),
            ]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        finally:
            client_out.transport.abort()
            server_out.transport.abort()
            self._tasks.discard(task)

    async def _to_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.swallow_to_server:
                continue
            if self.cut_after is not None and len(data) >= self.cut_after:
                writer.write(data[: self.cut_after])
                return
            writer.write(data)

    async def _to_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self.swallow_to_client:
                writer.write(data)
