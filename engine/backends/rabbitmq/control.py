"""The control plane, on aio-pika: declare, bind, count, delete. Rare, one thing at a time, each with a deadline."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity, ChannelPreconditionFailed

from engine.backends.rabbitmq.address import LOST, answered, failed, told, with_defaults
from engine.backends.rabbitmq.dataplane import Unreachable
from engine.backends.rabbitmq.layout import Exchange, Queue
from engine.core.errors import SettingsError

WITHIN = 10.0  # seconds for each answer
_DIFFERS = re.compile(
    r"inequivalent arg '(?P<argument>[^']*)' for (?P<kind>queue|exchange) '(?P<name>[^']*)' in vhost '[^']*': "
    r"received (?P<wanted>.*?) but current is (?P<there>.*)",
    re.DOTALL,
)
_VALUE = re.compile(r"(?:the value )?'(?P<value>[^']*)'(?: of type '\w+')?")


class Missing(SettingsError):
    """There is no such queue or exchange."""


class Different(SettingsError):
    """It exists, with other arguments."""


class Forbidden(SettingsError):
    """The user may not do that."""


class Counts(NamedTuple):
    """What a queue says of itself: ready ones, and how many consume."""

    ready: int
    consumers: int


class Control:
    """One connection, opened when it is needed, and one channel, opened again after every refusal."""

    def __init__(self, url: str) -> None:
        self._address = with_defaults(url, "tillflow control")
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            try:
                with answered():
                    async with asyncio.timeout(WITHIN):
                        await connection.close()
            except LOST:
                return

    async def exchange(self, exchange: Exchange, *, passive: bool = False) -> None:
        """Make it, or see that it is there. Raises Missing, Different, Forbidden, Unreachable."""
        async with self._talk(exchange.name) as channel:
            await channel.declare_exchange(
                exchange.name,
                exchange.type,
                durable=True,
                passive=passive,
                arguments=dict(exchange.arguments) or None,
            )

    async def queue(self, queue: Queue, *, passive: bool = False) -> Counts:
        """Make it, or see that it is there. Raises Missing, Different, Forbidden, Unreachable."""
        async with self._talk(queue.name) as channel:
            made = await channel.declare_queue(
                queue.name, durable=True, passive=passive, arguments=None if passive else dict(queue.arguments)
            )
            result = made.declaration_result
            return Counts(result.message_count or 0, result.consumer_count or 0)

    async def counts(self, name: str) -> Counts:
        """Of a queue. Raises Missing, Forbidden, Unreachable."""
        return await self.queue(Queue(name, {}), passive=True)

    async def bind(self, queue: str, exchange: str, key: str) -> None:
        """Additive. Raises Missing, Forbidden, Unreachable."""
        async with self._talk(queue) as channel:
            await (await channel.get_queue(queue, ensure=False)).bind(exchange, key)

    async def unbind(self, queue: str, exchange: str, key: str) -> None:
        """Nothing happens when there is no such binding. Raises Forbidden, Unreachable."""
        async with self._talk(queue) as channel:
            await (await channel.get_queue(queue, ensure=False)).unbind(exchange, key)

    async def delete(self, queue: str) -> None:
        """Whatever is in it. Raises Forbidden, Unreachable."""
        async with self._talk(queue) as channel:
            await channel.queue_delete(queue)

    async def delete_exchange(self, exchange: str) -> None:
        """With its bindings; nothing happens when there is none. Raises Forbidden, Unreachable."""
        async with self._talk(exchange) as channel:
            await channel.exchange_delete(exchange)

    async def publish_to_queue(self, queue: str) -> None:
        """An empty one through the default exchange, to see whether that is forbidden. Raises Forbidden."""
        async with self._talk("the default exchange") as channel:
            underlay = await channel.get_underlay_channel()
            await underlay.basic_publish(b"", routing_key=queue)
            await underlay.basic_qos(prefetch_count=1)  # a refusal comes before this is answered

    @asynccontextmanager
    async def _talk(self, about: str) -> AsyncIterator[AbstractChannel]:
        async with self._turn:
            channel = await self._open()
            try:
                with answered():
                    async with asyncio.timeout(WITHIN):
                        yield channel
            except ChannelPreconditionFailed as error:
                raise Different(explain(told(error), about)) from error
            except ChannelNotFoundEntity as error:
                raise Missing(f"RabbitMQ has no {about}, or nothing it is bound to: {told(error)}") from error
            except ChannelAccessRefused as error:
                raise Forbidden(f"the user `{self._address.user or 'guest'}` may not: {told(error)}") from error
            except LOST as error:
                await self.close()
                raise Unreachable(f"RabbitMQ did not answer about {about}: {told(error)}") from error
            finally:
                if channel.is_closed:
                    self._channel = None

    async def _open(self) -> AbstractChannel:
        if self._channel is not None and not self._channel.is_closed:
            return self._channel
        if self._connection is not None:
            try:
                return await self._new_channel(self._connection)
            except LOST:
                await self.close()  # it was lost while nobody looked
        try:
            with answered():
                async with asyncio.timeout(WITHIN):
                    self._connection = await aio_pika.connect(self._address)
            return await self._new_channel(self._connection)
        except LOST as error:
            self._connection = None
            raise failed(self._address, error) from error

    async def _new_channel(self, connection: AbstractConnection) -> AbstractChannel:
        with answered():
            async with asyncio.timeout(WITHIN):
                self._channel = await connection.channel(publisher_confirms=False)
        return self._channel


def explain(text: str, name: str) -> str:
    """The broker's refusal in words that say what to do."""
    found = _DIFFERS.search(text)
    if found is None:
        return f"RabbitMQ refuses {name} as it is wanted: {text}"
    argument, kind = found["argument"], found["kind"]
    return (
        f"{kind} `{found['name']}` exists with {argument} = {_value(found['there'])}; this version needs "
        f"{_value(found['wanted'])}. A {kind} keeps what it was made with: let it run empty, delete it, and run "
        "`tillflow topology apply`"
    )


def _value(text: str) -> str:
    found = _VALUE.fullmatch(text.strip())
    return found["value"] if found else text.strip()
