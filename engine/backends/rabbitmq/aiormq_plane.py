"""The data plane on aiormq: its connection and channels for what is rare, our own bytes for what is frequent."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

import aiormq
from aiormq.channel import Channel
from aiormq.connection import TransportFactory
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity
from yarl import URL

from engine.backends.rabbitmq.address import LOST, answered, failed, reason, told, with_defaults
from engine.backends.rabbitmq.channels import AiormqInlet, AiormqOutlet
from engine.backends.rabbitmq.dataplane import Listener, QueueMissing, Taken, Unreachable
from engine.backends.rabbitmq.sieve import Sieve

CONNECT_WITHIN = 10.0  # seconds, for each of connecting and opening a channel
CLOSE_WITHIN = 2.0

# What matters of what aiormq writes is told through the engine's own log; without a handler Python prints it to stderr.
_library = logging.getLogger("aiormq")
_library.addHandler(logging.NullHandler())
_library.propagate = False


class AiormqPlane:
    """See dataplane.DataPlane."""

    async def connect(self, url: str, name: str) -> AiormqWire:
        address = with_defaults(url, name)
        factory = _Factory()
        connection = aiormq.Connection(address, transport_factory=factory)
        try:
            with answered():
                async with asyncio.timeout(CONNECT_WITHIN):
                    await connection.connect()
        except LOST as error:
            raise failed(address, error) from error
        except asyncio.CancelledError:
            await _quietly(connection)
            raise
        assert factory.sieve is not None and factory.writer is not None
        return AiormqWire(connection, factory.sieve, factory.writer)


class AiormqWire:
    """One connection. Bytes written in one turn of the loop leave in one piece."""

    def __init__(self, connection: aiormq.Connection, sieve: Sieve, writer: asyncio.StreamWriter) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[str] = self.loop.create_future()
        self.sieve = sieve
        self._connection = connection
        self._writer = writer
        self._pending: list[bytes] = []
        self._acking: dict[AiormqInlet, None] = {}
        self._flushing = False
        connection.closing.add_done_callback(lambda closing: self._gone(reason(closing)))

    @property
    def frame_max(self) -> int:
        """Bytes of the largest frame."""
        return int(self._connection.connection_tune.frame_max) or 1 << 17

    @property
    def blocked(self) -> bool:
        """Asked without waiting: `ready` returns at once unless the broker said that it is blocked."""
        asking = self._connection.ready()
        try:
            asking.send(None)
        except StopIteration:
            return False
        finally:
            asking.close()
        return True

    async def outlet(self) -> AiormqOutlet:
        return AiormqOutlet(self, await self._channel(confirms=True))

    async def inlet(
        self, queue: str, prefetch: int, listener: Listener, offset: int | None = None, *, exclusive: bool = False
    ) -> AiormqInlet:
        channel = await self._channel(confirms=False)
        inlet = AiormqInlet(self, channel, queue, listener, offset, exclusive=exclusive)
        try:
            await inlet.begin(prefetch)
        except BaseException as error:
            await inlet.close()
            if isinstance(error, ChannelNotFoundEntity):
                raise QueueMissing(f"there is no queue {queue}") from error
            if isinstance(error, ChannelAccessRefused) and "exclusive" in str(error):
                raise Taken(f"{queue} is consumed by another") from error
            if isinstance(error, LOST):
                raise Unreachable(f"{queue} cannot be consumed: {told(error)}") from error
            raise
        return inlet

    async def _channel(self, *, confirms: bool) -> Channel:
        try:
            with answered():
                async with asyncio.timeout(CONNECT_WITHIN):  # opening and selecting confirms together
                    channel = await self._connection.channel(publisher_confirms=confirms)
        except LOST as error:
            raise Unreachable(f"no channel could be opened: {told(error)}") from error
        assert isinstance(channel, Channel)
        return channel

    def write(self, data: bytes) -> None:
        """At the end of this turn."""
        self._pending.append(data)
        self._soon()

    def acking(self, inlet: AiormqInlet) -> None:
        """It has acks to write."""
        self._acking[inlet] = None
        self._soon()

    def flush(self) -> None:
        """Now: what is written later through aiormq comes behind it."""
        self._flushing = False
        pending = self._pending
        pending += [inlet.take_acks() for inlet in self._acking]
        self._acking.clear()
        if pending and not self._writer.is_closing():
            self._writer.write(b"".join(pending))
        pending.clear()

    async def close(self) -> None:
        self.flush()
        self._gone("closed")
        await _quietly(self._connection)

    def _soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self.loop.call_soon(self.flush)

    def _gone(self, why: str) -> None:
        if not self.closed.done():
            self.closed.set_result(why)


async def _quietly(connection: aiormq.Connection) -> None:
    try:
        with answered():
            async with asyncio.timeout(CLOSE_WITHIN):
                await connection.close(ConnectionAbortedError("the connection was closed here"))
    except (*LOST, AttributeError):
        return  # it never was open, or is gone by now


class _Factory(TransportFactory):
    """Opens the socket as aiormq would, with our reader on it."""

    sieve: Sieve | None = None
    writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        provider = kwargs.pop("ssl_context_provider")
        context: ssl.SSLContext | None = await provider.get_context() if url.scheme == "amqps" else None
        loop = asyncio.get_running_loop()
        sieve = Sieve(loop)
        protocol = asyncio.StreamReaderProtocol(sieve, loop=loop)
        host, port = url.host or "", url.port or 0
        transport, _ = await loop.create_connection(lambda: protocol, host, port, ssl=context, **kwargs)
        self.sieve, self.writer = sieve, asyncio.StreamWriter(transport, protocol, sieve, loop)
        return sieve, self.writer
