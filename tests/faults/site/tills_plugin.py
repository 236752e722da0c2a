"""A connector of somebody else: sales from a queue of the tills, which every process of a cell may consume."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiormq
from pydantic import Field

from engine import sdk

IN_HAND = 50


class QueueOptions(sdk.Options):
    """Which queue."""

    url: str = Field(description="address of the broker")
    queue: str = Field(description="name of the queue")


@sdk.source("tills")
class Queue(sdk.Source):
    """What tills publish; acked once it is durable."""

    Config = QueueOptions
    default_format = "json"

    def __init__(self, config: QueueOptions, connection: Any, route: str) -> None:
        self._config = config

    async def arrivals(self, ctx: sdk.SourceContext) -> AsyncIterator[sdk.Arrival]:
        came: asyncio.Queue[Any] = asyncio.Queue()
        connection = await aiormq.connect(self._config.url)
        try:
            channel = await connection.channel()
            await channel.basic_qos(prefetch_count=IN_HAND)
            await channel.basic_consume(self._config.queue, came.put)
            ctx.ready()
            while True:
                yield self._arrival(channel, await came.get())
        finally:
            await connection.close()

    def _arrival(self, channel: Any, message: Any) -> sdk.Arrival:
        async def ack(refused: int) -> None:
            await channel.basic_ack(message.delivery_tag)

        async def release(failure: sdk.Failure) -> None:
            await channel.basic_nack(message.delivery_tag)

        return sdk.Arrival("sale", ack, release, message.body)


connector = sdk.Connector("tills", (Queue,), None, "what a storm needs")
