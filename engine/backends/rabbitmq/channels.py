"""Channels of the aiormq data plane: one to publish on, one to consume on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel

from engine.backends.rabbitmq import frames, properties
from engine.backends.rabbitmq.address import LOST, answered, reason, told
from engine.backends.rabbitmq.dataplane import Delivered, Listener, Parcel, Sent, Unreachable
from engine.backends.rabbitmq.sieve import Assembly

if TYPE_CHECKING:
    from engine.backends.rabbitmq.aiormq_plane import AiormqWire

CHANNEL_WITHIN = 10.0  # seconds for an answer of the broker about a channel


class AiormqOutlet:
    """See dataplane.Outlet. Publishes are numbered from 1, as the broker counts them."""

    def __init__(self, wire: AiormqWire, channel: Channel) -> None:
        self._wire = wire
        self._channel = channel.number
        self._stem = uuid4().hex[:8].encode() + b"."
        self._number = 0
        self._lowest = 1  # every publish below this one is answered
        self._under_way: dict[int, tuple[Sent, int]] = {}
        self._why = ""
        self._assembly = wire.sieve.channels[channel.number] = Assembly(self)
        channel.closing.add_done_callback(self._gone)

    @property
    def problem(self) -> str:
        """Why it is of no use any more; empty while it is."""
        return self._why

    def send(self, parcels: Sequence[Parcel]) -> Sent:
        if self._why:
            raise Unreachable(self._why)
        sent = Sent(len(parcels), self._wire.loop.create_future())
        largest = self._wire.frame_max
        for place, parcel in enumerate(parcels):
            data = frames.publish(self._channel, self._number + 1, parcel, self._stem, largest)
            if data is None:
                sent.confirmed(place, "refused")
                continue
            self._number += 1
            self._under_way[self._number] = (sent, place)
            self._wire.write(data)
        return sent

    def delivered(self, consumer: bytes, tag: int, again: bool, properties: bytes, body: bytes) -> None:
        """Nothing is consumed here."""

    def closing(self, why: str) -> None:
        """Nothing is written on it any more: behind aiormq's answer the broker would close the connection over it."""
        self._why = why or "the broker closed it"

    def returned(self, raw: bytes) -> None:
        """No queue takes it; its confirm follows."""
        number = int(properties.message_id(raw).removeprefix(self._stem) or b"0")
        found = self._under_way.get(number)
        if found is not None:
            found[0].answer(found[1], "unroutable")

    def confirmed(self, number: int, multiple: bool, ok: bool) -> None:
        under_way = self._under_way
        numbers = range(self._lowest, number + 1) if multiple else (number,)
        for one in numbers:
            found = under_way.pop(one, None)
            if found is not None:
                found[0].confirmed(found[1], "" if ok else "refused")
        if multiple:
            self._lowest = max(self._lowest, number + 1)

    def _gone(self, closing: asyncio.Future[Any]) -> None:
        self._why = self._why or reason(closing)
        self._wire.sieve.forget(self._channel, self._assembly)
        for sent, _ in self._under_way.values():
            sent.give_up()
        self._under_way.clear()


class AiormqInlet:
    """See dataplane.Inlet.

    On a channel that is being closed nothing is written any more: the broker takes that for a broken client and closes
    the connection, with every other consumer on it.
    """

    def __init__(
        self,
        wire: AiormqWire,
        channel: Channel,
        queue: str,
        listener: Listener,
        offset: int | None,
        *,
        exclusive: bool = False,
    ) -> None:
        self._wire = wire
        self._exclusive = exclusive
        self._channel = channel
        self._queue = queue
        self._listener: Listener | None = listener
        self._offset = offset
        self._consumer = ""
        self._closing: asyncio.Future[None] | None = None
        self._shut = False  # the channel is closed, or about to be
        self._order: deque[int] = deque()  # tags in hand, and those of `_settled`, as they came
        self._done: set[int] = set()  # acked by us, not yet written
        self._settled: set[int] = set()  # written one by one while an earlier one is still in hand
        self._assembly = wire.sieve.channels[channel.number] = Assembly(self)
        channel.closing.add_done_callback(self._gone)
        channel.on_consumer_cancel_callbacks.add(self._cancelled)

    @property
    def ended(self) -> bool:
        return self._listener is None

    async def begin(self, prefetch: int) -> None:
        """Consume. Raises what aiormq raises."""
        with answered():
            await self._channel.basic_qos(prefetch_count=prefetch, timeout=CHANNEL_WITHIN)
            await self._consume()

    async def _consume(self) -> None:
        self._consumer = uuid4().hex
        await self._channel.basic_consume(
            self._queue,
            _never,
            exclusive=self._exclusive,
            consumer_tag=self._consumer,
            arguments=None if self._offset is None else {"x-stream-offset": self._offset},
            timeout=CHANNEL_WITHIN,
        )

    # --- frequent ----------------------------------------------------------------------------------------------------

    def delivered(self, consumer: bytes, tag: int, again: bool, raw: bytes, body: bytes) -> None:
        listener = self._listener
        if listener is None:  # it goes back with the channel
            return
        if consumer != self._consumer.encode():  # it was on its way while we paused
            self._wire.write(frames.nacks(self._channel.number, (tag,)))
            return
        headers, tries, at, offset, died = properties.read(raw)
        self._order.append(tag)
        listener.arrived(Delivered(tag, headers, body, max(tries, int(again)), at, offset, died))

    def closing(self, why: str) -> None:
        """No acks any more; `ended` is called when aiormq has read it too."""
        self._shut = True

    def returned(self, raw: bytes) -> None:
        """Nothing is published here."""

    def confirmed(self, number: int, multiple: bool, ok: bool) -> None:
        """Nothing is published here."""

    def ack(self, tags: Sequence[int]) -> None:
        if not self._shut:
            self._done.update(tags)
            self._wire.acking(self)

    def take_acks(self) -> bytes:
        """What `ack` collected, as frames: cumulative up to the first one still in hand, the rest one by one."""
        if self._shut:
            return b""
        order, done, settled, upto = self._order, self._done, self._settled, 0
        while order:
            tag = order[0]
            if tag in done:
                done.discard(tag)
                upto = tag
            elif tag in settled:
                settled.discard(tag)
            else:
                break
            order.popleft()
        single = sorted(done)
        settled |= done
        done.clear()
        return frames.acks(self._channel.number, upto, single)

    def give_back(self, tags: Sequence[int]) -> None:
        if self._shut:
            return
        self._settled.update(tags)
        self._wire.write(frames.nacks(self._channel.number, tags))
        self._wire.acking(self)

    # --- rare --------------------------------------------------------------------------------------------------------

    async def pause(self) -> None:
        consumer, self._consumer = self._consumer, ""
        if consumer:
            await self._rare(self._channel.basic_cancel(consumer, timeout=CHANNEL_WITHIN))

    async def resume(self) -> None:
        self._wire.flush()
        await self._rare(self._consume())

    async def _rare(self, asked: Awaitable[object]) -> None:
        try:
            with answered():
                await asked
        except LOST as error:
            raise Unreachable(f"{self._queue} cannot be consumed: {told(error)}") from error

    async def close(self) -> None:
        self._listener = None
        self._wire.flush()
        self._shut = True
        try:
            with answered():
                async with asyncio.timeout(CHANNEL_WITHIN):
                    await self._channel.close()
        except LOST:
            pass  # gone with its connection
        finally:
            self._wire.sieve.forget(self._channel.number, self._assembly)

    def _cancelled(self, frame: Any) -> None:
        if frame.consumer_tag == self._consumer:
            self._end("the broker ended the consumer: its queue was deleted or is not available")
            self._closing = asyncio.ensure_future(self.close())

    def _gone(self, closing: asyncio.Future[Any]) -> None:
        self._shut = True
        self._wire.sieve.forget(self._channel.number, self._assembly)
        self._end(reason(closing))

    def _end(self, why: str) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.ended(why)


async def _never(message: DeliveredMessage) -> None:
    """Deliveries are taken out before aiormq sees them."""
