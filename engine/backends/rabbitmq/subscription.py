"""One consumer of one queue, over any number of connections."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from engine.backends.rabbitmq.dataplane import Delivered, Inlet, Unreachable, Wire
from engine.ports.transport import DIED_IN, Address, Receipt

_SHIFT = 48  # a receipt's tag is the number of the channel it came on, and its tag there


class RabbitSubscription:
    """See ports.transport.Subscription. It outlives its channel: what was in hand comes back on the next one.

    `place` gives the address behind a queue: what comes from work/ tells where it died.
    An ack of what came on an earlier channel is passed over; nothing is ever acked on another channel than its own.
    """

    def __init__(
        self,
        address: Address,
        queue: str,
        prefetch: int,
        changed: Callable[[RabbitSubscription], None],
        place: Callable[[str], str],
    ) -> None:
        self.address = address
        self.queue = queue
        self.problem = "not consuming yet"
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()  # it was attached once, or closed
        self._prefetch = max(1, min(prefetch, 65_535))
        self._changed = changed
        self._place = place if address.kind == "work" else None
        self._inlet: Inlet | None = None
        self._channel = 0
        self._waiting: deque[Delivered] = deque()
        self._hand: dict[int, int] = {}  # tag -> when it was published
        self._paused = False
        self._closed = False
        self._wakers: set[asyncio.Future[None]] = set()

    # --- what it does now --------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def attached(self) -> bool:
        """It has a channel on which the broker confirmed its consumer."""
        return self._inlet is not None

    @property
    def consuming(self) -> bool:
        """The broker counts it as a consumer."""
        return self._inlet is not None and not self._paused

    @property
    def unacked(self) -> int:
        """How many were received and not acked."""
        return len(self._hand)

    @property
    def waiting(self) -> int:
        """How many were delivered and not received yet."""
        return len(self._waiting)

    def oldest(self) -> int:
        """When the oldest of what is here was published, UTC seconds; 0 when there is nothing."""
        times = [*self._hand.values(), *(delivered.at for delivered in self._waiting)]
        return min((at for at in times if at), default=0)

    # --- the contract ------------------------------------------------------------------------------------------------

    async def receive(self, most: int) -> list[Receipt]:
        while not self._closed:
            if self._waiting and self._inlet is not None:
                return [self._receipt(self._waiting.popleft()) for _ in range(min(most, len(self._waiting)))]
            if self._paused and self._inlet is not None:
                await self._resume(self._inlet)
                continue
            await self._something()
        return []

    async def ack(self, receipts: Sequence[Receipt]) -> None:
        tags = self._out_of_hand(receipts)
        if tags and self._inlet is not None:
            self._inlet.ack(tags)

    async def release(self, receipts: Sequence[Receipt]) -> None:
        tags = self._out_of_hand(receipts)
        if tags and self._inlet is not None:
            await self._give_back(self._inlet, tags)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        inlet = self._let_go("")
        self._changed(self)
        if inlet is not None:
            await inlet.close()

    # --- told by the data plane --------------------------------------------------------------------------------------

    def arrived(self, delivered: Delivered) -> None:
        self._waiting.append(delivered)
        if self._wakers:
            self._wake()

    def ended(self, why: str) -> None:
        self._let_go(why)
        self._changed(self)

    # --- told by the supervisor --------------------------------------------------------------------------------------

    async def attach(self, wire: Wire) -> None:
        """Consume on a new channel. Raises QueueMissing, Unreachable."""
        self._waiting.clear()
        try:
            inlet = await wire.inlet(self.queue, self._prefetch, self)
        except BaseException:
            self._waiting.clear()
            raise
        if self._closed or inlet.ended:
            self._waiting.clear()
            await inlet.close()
            return
        self._channel += 1
        self._inlet, self._paused, self.problem = inlet, False, ""
        self._wake()

    async def detach(self, why: str) -> None:
        """Let go of the channel; the supervisor attaches another one."""
        inlet = self._let_go(why)
        if inlet is not None:
            await inlet.close()
        self._changed(self)

    async def pause(self) -> None:
        """No more deliveries until somebody receives."""
        inlet = self._inlet
        if inlet is None or self._paused:
            return
        try:
            await inlet.pause()
        except Unreachable:
            return  # all of it comes back with the next channel
        self._paused = inlet is self._inlet

    def resume(self) -> None:
        """After a pause: whoever waits to receive goes on."""
        self._wake()

    # -----------------------------------------------------------------------------------------------------------------

    def _receipt(self, delivered: Delivered) -> Receipt:
        tag = (self._channel << _SHIFT) | delivered.tag
        self._hand[tag] = delivered.at
        headers = delivered.headers
        if self._place is not None and delivered.died:
            headers[DIED_IN] = self._place(delivered.died)
        return Receipt(tag, headers, delivered.body, delivered.tries)

    def _out_of_hand(self, receipts: Sequence[Receipt]) -> list[int]:
        hand = self._hand
        mask = (1 << _SHIFT) - 1
        return [receipt.tag & mask for receipt in receipts if hand.pop(receipt.tag, None) is not None]

    async def _give_back(self, inlet: Inlet, tags: list[int]) -> None:
        """What was not received yet goes back too, so that all keep their places; we stop consuming until asked."""
        await self.pause()
        if inlet is not self._inlet:
            return
        tags += [delivered.tag for delivered in self._waiting]
        self._waiting.clear()
        inlet.give_back(sorted(tags))
        self._wake()

    async def _resume(self, inlet: Inlet) -> None:
        self._paused = False
        try:
            await inlet.resume()
        except Unreachable:
            if inlet is self._inlet:
                await self.detach("it could not be consumed again after a pause")

    def _let_go(self, why: str) -> Inlet | None:
        inlet, self._inlet = self._inlet, None
        self.problem = why
        self._waiting.clear()
        self._hand.clear()
        self._wake()
        return inlet

    async def _something(self) -> None:
        waker = asyncio.get_running_loop().create_future()
        self._wakers.add(waker)
        try:
            await waker
        finally:
            self._wakers.discard(waker)

    def _wake(self) -> None:
        if not self.first.done() and (self._closed or self._inlet is not None):
            self.first.set_result(None)
        for waker in self._wakers:
            if not waker.done():
                waker.set_result(None)
        self._wakers.clear()
