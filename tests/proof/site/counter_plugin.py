"""A package of somebody else: tills that wait at the counter for what their receipt has to carry.

Each process listens at a socket of its own in `folder`, named after its process id. A till sends one line of JSON and
gets one: `{"reply": ..}` or `{"refused": reason}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pydantic import Field

from engine import sdk


class Nothing(sdk.Options):
    """No options."""


class Place(sdk.Options):
    """Where tills look."""

    folder: str = Field(description="where the socket of each process is")


class Counter(sdk.Connection):
    """Where tills look for somebody who answers."""

    Config = Place

    def __init__(self, config: Place) -> None:
        self.folder = Path(config.folder)

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""


@sdk.source("counter")
class Tills(sdk.Source):
    """Hands on each receipt and tells its till what came of it."""

    Config = Nothing
    default_format = "json"
    answers = True

    def __init__(self, config: Any, connection: Counter, route: str) -> None:
        self._folder = connection.folder

    async def arrivals(self, ctx: sdk.SourceContext) -> AsyncIterator[sdk.Arrival]:
        asked: asyncio.Queue[sdk.Arrival] = asyncio.Queue()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if line := await reader.readline():
                asked.put_nowait(_arrival(line, writer))

        door = self._folder / str(os.getpid())
        partial = door.with_suffix(".part")
        server = await asyncio.start_unix_server(take, partial)
        partial.rename(door)  # whoever sees it is heard
        ctx.ready()
        try:
            while True:
                yield await asked.get()
        finally:
            door.unlink(missing_ok=True)
            server.close()


def _arrival(content: bytes, writer: asyncio.StreamWriter) -> sdk.Arrival:
    async def tell(answer: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):  # its till went away; what was done is done
            writer.write(json.dumps(answer, default=str).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def ack(refused: int) -> None:
        """It was told already."""

    async def release(failure: sdk.Failure) -> None:
        await tell({"refused": failure.reason})

    async def reply(value: Any) -> None:
        await tell({"reply": value})

    return sdk.Arrival("receipt", ack, release, content, reply=reply)


connector = sdk.Connector("counter", (Tills,), Counter, "tills that wait for an answer")
