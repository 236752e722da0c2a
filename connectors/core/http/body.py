"""The body of a request as it comes in: read up to a cap, or thrown away up to a bound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.requests import ClientDisconnect

from connectors.core.http.exchange import Limits, Reply

MOST_DRAINED = 1 << 20  # bytes
LONGEST_DRAIN = 2.0  # seconds


class Refused(Exception):
    """The request is answered with `reply`, whatever else it holds."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.says)
        self.reply = reply


class Body:
    """One body. `receive` is that of ASGI."""

    def __init__(self, headers: Mapping[str, str], receive: Any) -> None:
        self._headers = headers
        self._receive = receive
        self._begun = False
        self._ended = "content-length" not in headers and "transfer-encoding" not in headers

    async def read(self, limits: Limits) -> bytes:
        """All of it. Raises Refused 413 or 408, ClientDisconnect."""
        cap = limits.max_body
        too_large = Refused(Reply(413, f"a body has at most {cap} bytes"))
        announced = self._headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > cap:
            raise too_large
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(limits.read_timeout):
                async for chunk in self._chunks():
                    size += len(chunk)
                    if size > cap:
                        raise too_large
                    chunks.append(chunk)
        except TimeoutError:
            self._ended = True  # it is not waited for any longer
            raise Refused(Reply(408, "the body took too long to arrive")) from None
        return b"".join(chunks)

    async def drain(self) -> None:
        """Take what is left of it and throw it away, up to a bound, so that its sender reads the answer.

        A connection closed over unread bytes is reset, and with it goes the answer, which most clients only read when
        they have sent everything. One that asked whether to send at all has sent nothing.
        """
        if not self._begun and self._headers.get("expect", "").lower() == "100-continue":
            return
        left = MOST_DRAINED
        try:
            async with asyncio.timeout(LONGEST_DRAIN):
                async for chunk in self._chunks():
                    left -= len(chunk)
                    if left < 0:
                        return
        except TimeoutError:
            return

    async def _chunks(self) -> AsyncIterator[bytes]:
        self._begun = True
        while not self._ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._ended = not message.get("more_body", False)
            yield message.get("body", b"")
