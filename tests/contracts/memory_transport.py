"""A third transport, for tests only: lists. It passes the contract suite, and the runtime runs on it unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from msgspec import structs

from engine.core.clock import Clock
from engine.core.errors import SettingsError, TransportBlocked
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Receipt, Topology


@dataclass(frozen=True)
class Item:
    """One thing in a queue. `due` is 0 or UTC microseconds."""

    tag: int
    at: int
    due: int
    receipt: Receipt


@dataclass
class Broker:
    """What a restart keeps."""

    queues: dict[Address, dict[int, Item]] = field(default_factory=dict)
    bindings: set[tuple[str, str]] = field(default_factory=set)
    last: int = 0


class MemorySubscription:
    def __init__(self, transport: MemoryTransport, queue: Address, prefetch: int) -> None:
        self.queue = queue
        self.hand: dict[int, Item] = {}
        self.closed = False
        self._transport = transport
        self._prefetch = prefetch

    async def receive(self, most: int) -> list[Receipt]:
        while not self.closed:
            room = min(most, self._prefetch - len(self.hand))
            taken = self._transport.ready(self.queue)[: max(0, room)]
            if taken:
                self.hand.update((item.tag, item) for item in taken)
                return [item.receipt for item in taken]
            await self._transport.changed(self.queue, watch_time=room > 0)
        return []

    async def ack(self, receipts: Sequence[Receipt]) -> None:
        if self._transport.blocked:
            raise TransportBlocked("the memory transport is blocked")
        for receipt in receipts:
            if self.hand.pop(receipt.tag, None):
                del self._transport.broker.queues[self.queue][receipt.tag]
        self._transport.notify()

    async def release(self, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            item = self.hand.pop(receipt.tag, None)
            if item is not None:
                again = structs.replace(item.receipt, redelivered=item.receipt.redelivered + 1)
                self._transport.broker.queues[self.queue][item.tag] = replace(item, receipt=again)
        self._transport.notify()

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            await self.release([item.receipt for item in self.hand.values()])
            self._transport.subscriptions.remove(self)


class MemoryTransport:
    """`broker` is what a restart keeps. `blocked` makes it take nothing."""

    def __init__(self, clock: Clock, broker: Broker | None = None) -> None:
        self.broker = broker or Broker()
        self.subscriptions: list[MemorySubscription] = []
        self.blocked = False
        self._clock = clock
        self._wakers: list[Callable[[], None]] = []

    async def open(self) -> None:
        self.blocked = False

    async def close(self) -> None:
        for subscription in list(self.subscriptions):
            await subscription.close()
        self.blocked = True

    async def declare(self, topology: Topology) -> None:
        routes = [Address("route", route) for _, route in topology.bindings]
        for address in (*topology.queues, *routes):
            if address.kind == "event":
                raise ValueError(f"{address} is no queue")
            self.broker.queues.setdefault(address, {})
        self.broker.bindings |= set(topology.bindings)

    async def unbind(self, type_name: str, route: str) -> None:
        self.broker.bindings.discard((type_name, route))

    async def remove(self, queue: Address) -> bool:
        if self.broker.queues.get(queue):
            return False
        self.broker.queues.pop(queue, None)
        if queue.kind == "route":
            self.broker.bindings = {bound for bound in self.broker.bindings if bound[1] != queue.name}
        for subscription in [s for s in self.subscriptions if s.queue == queue]:
            await subscription.close()
        return True

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        if self.blocked:
            raise TransportBlocked("the memory transport is blocked")
        confirms = [self._put(outgoing) for outgoing in batch]
        self.notify()
        return confirms

    def _put(self, outgoing: Outgoing) -> Confirm:
        to, now = outgoing.to, self._clock.now()
        queues = [to] if to in self.broker.queues else []
        if to.kind == "event":
            queues = [Address("route", route) for name, route in self.broker.bindings if name == to.name]
        for queue in queues:
            self.broker.last += 1
            due = now + round(outgoing.delay * 1_000_000) if outgoing.delay else 0
            receipt = Receipt(self.broker.last, dict(outgoing.headers), bytes(outgoing.body))
            self.broker.queues[queue][self.broker.last] = Item(self.broker.last, now, due, receipt)
        return Confirm(True) if queues else Confirm(False, "unroutable")

    async def subscribe(self, queue: Address, prefetch: int) -> MemorySubscription:
        if queue not in self.broker.queues:
            raise SettingsError(f"{queue} is not declared")
        self.subscriptions.append(MemorySubscription(self, queue, prefetch))
        return self.subscriptions[-1]

    async def depths(self) -> dict[Address, Depth]:
        return {queue: self._depth(queue) for queue in self.broker.queues}

    def in_hand(self) -> dict[Address, int]:
        return {queue: count for queue in self.broker.queues if (count := self._hand(queue))}

    def problems(self) -> dict[str, str]:
        return {}

    def _hand(self, queue: Address) -> int:
        return sum(len(one.hand) for one in self.subscriptions if one.queue == queue)

    def _depth(self, queue: Address) -> Depth:
        items, now = self.broker.queues[queue].values(), self._clock.now()
        delayed = sum(item.due > now for item in items)
        unacked = self._hand(queue)
        oldest = (now - min((item.at for item in items), default=now)) / 1_000_000
        return Depth(len(items) - delayed - unacked, delayed, unacked, oldest)

    def ready(self, queue: Address) -> list[Item]:
        """What may be received now, oldest first."""
        in_hand = {tag for s in self.subscriptions if s.queue == queue for tag in s.hand}
        items = self.broker.queues.get(queue, {}).values()
        now = self._clock.now()
        return sorted((i for i in items if i.due <= now and i.tag not in in_hand), key=lambda item: item.tag)

    async def changed(self, queue: Address, *, watch_time: bool) -> None:
        """Wait for any change, or for the next due time of the queue."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        wake = lambda: None if future.done() else future.set_result(None)  # noqa: E731
        self._wakers.append(wake)
        dues = [item.due for item in self.broker.queues.get(queue, {}).values() if item.due > self._clock.now()]
        timer = None
        if dues and watch_time:
            timer = loop.call_later((min(dues) - self._clock.now() + 1) / 1_000_000, wake)
        try:
            await future
        finally:
            self._wakers.remove(wake)
            if timer is not None:
                timer.cancel()

    def notify(self) -> None:
        for wake in list(self._wakers):
            wake()
