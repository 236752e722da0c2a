"""Looking at what passes between the engine and its transport and store, without changing it.

One thing is different from a real run: an event nobody subscribes to in this case is confirmed, because its sink is
captured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from engine.core.clock import Clock
from engine.core.event import Event
from engine.ports.store import Op, Store
from engine.ports.store.journal import Entry, JournalAppend
from engine.ports.store.ledger import LedgerKey, LedgerSettle, SettleRow
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Subscription, Topology, Transport
from engine.runtime.carrying.codec import Delivery, Routed

R = TypeVar("R")


class Settled(NamedTuple):
    """How a try of a delivery ended. `at` in UTC microseconds."""

    key: LedgerKey
    state: str
    at: int


@dataclass
class Tapped:
    """What the taps noted.

    published    (event, at) of everything that went to the bus, by event id, the first copy of each
    deliveries   what waits or waited in lanes, by delivery id: the first body is the one that is sent
    settled      endings of tries, in order
    entries      lines of the journal, in order
    """

    published: dict[str, tuple[Event, int]] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class TappedTransport:
    """A Transport that notes what is published."""

    def __init__(self, inner: Transport, seen: Tapped, clock: Clock) -> None:
        self._inner = inner
        self._seen = seen
        self._clock = clock

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        confirms = await self._inner.publish(batch)
        for outgoing in batch:
            self._note(outgoing)
        return [
            Confirm(True) if outgoing.to.kind == "event" and confirm.problem == "unroutable" else confirm
            for outgoing, confirm in zip(batch, confirms, strict=True)
        ]

    def _note(self, outgoing: Outgoing) -> None:
        if outgoing.to.kind == "event":
            event = Routed.read(outgoing.headers, outgoing.body).event
            self._seen.published.setdefault(event.id, (event, self._clock.now()))
        elif outgoing.to.kind == "lane":
            delivery = Delivery.read(outgoing.headers, outgoing.body)
            self._seen.deliveries.setdefault(delivery.id, delivery)

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def declare(self, topology: Topology) -> None:
        await self._inner.declare(topology)

    async def unbind(self, type_name: str, route: str) -> None:
        await self._inner.unbind(type_name, route)

    async def remove(self, queue: Address) -> bool:
        return await self._inner.remove(queue)

    async def subscribe(self, queue: Address, prefetch: int) -> Subscription:
        return await self._inner.subscribe(queue, prefetch)

    async def depths(self) -> dict[Address, Depth]:
        return await self._inner.depths()

    def in_hand(self) -> dict[Address, int]:
        return self._inner.in_hand()

    def problems(self) -> dict[str, str]:
        return self._inner.problems()


class TappedStore:
    """A Store that notes journal lines and how deliveries end."""

    def __init__(self, inner: Store, seen: Tapped, clock: Clock) -> None:
        self._inner = inner
        self._seen = seen
        self._clock = clock

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def apply(self, op: Op[R]) -> R:
        answer = await self._inner.apply(op)
        self._note(op, answer)
        return answer

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        answers = await self._inner.apply_all(*ops)
        for op, answer in zip(ops, answers, strict=True):
            self._note(op, answer)
        return answers

    def _note(self, op: Op[Any], answer: Any) -> None:
        if isinstance(op, JournalAppend):
            self._seen.entries += op.entries
        elif isinstance(op, LedgerSettle):
            rows: list[tuple[SettleRow, bool]] = list(zip(op.rows, answer, strict=True))
            self._seen.settled += [Settled(row.key, row.state, self._clock.now()) for row, done in rows if done]
