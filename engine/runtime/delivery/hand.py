"""Deliveries in the hands of one lane: received, not started yet. Routes take turns; a key that is busy waits."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.compile.plan import Plan, PlannedConnection, PlannedSink
from engine.core.jsonx import encode
from engine.ports.transport import Address, Receipt
from engine.runtime.carrying.codec import Delivery
from engine.runtime.delivery.limits import LOOK, Gate, TokenBucket
from engine.runtime.delivery.order import is_fenced


class OrderSlot(NamedTuple):
    """What is in flight once at a time: a key at a fence (or at a sink with `ordering: latest`)."""

    fence: str
    order_key: str


@dataclass(slots=True, eq=False)
class InHand:
    """One received delivery with what the current Plan says of it. `sink` None: the Plan has no such sink any more.

    home      the queue it came from
    order     the slot it needs, where its sink keeps an order; `number` its place there
    maybe     an earlier try may have had its effect
    probe     it is the one probe of an open breaker
    deadline  monotonic moment after which no request may leave for it
    poison    it killed a process twice
    past      its number was settled before it came
    weight    the part of a request it makes, where several go out as one
    took      seconds its request took
    """

    receipt: Receipt
    delivery: Delivery
    home: Address
    plan: Plan | None = None
    sink: PlannedSink | None = None
    connection: PlannedConnection | None = None
    gate: Gate | None = None
    bucket: TokenBucket | None = None
    order: OrderSlot | None = None
    number: int = 0
    maybe: bool = False
    probe: bool = False
    deadline: float = math.inf
    poison: bool = False
    past: bool = False
    weight: float = 1.0
    took: float = 0.0

    @property
    def fenced(self) -> bool:
        """It goes through a fence."""
        return self.order is not None and self.sink is not None and is_fenced(self.sink)

    def wait(self) -> float:
        """Seconds until it may start as far as limits go; infinity: when something that runs has ended."""
        gate = self.gate.wait() if self.gate else 0.0
        return max(gate, self.bucket.wait()) if self.bucket else gate

    def shut_for(self) -> float:
        """Seconds for which nothing like it may start, whatever runs: see Gate.shut_for."""
        if self.bucket is not None and self.bucket.idle:
            return LOOK
        return self.gate.shut_for() if self.gate is not None else 0.0

    def start(self) -> None:
        """Use up what it needs of the limits; only when `wait()` is 0."""
        if self.gate:
            self.probe = self.gate.start(self.weight)
        if self.bucket:
            self.bucket.take()

    def drop(self) -> None:
        """It turned out to need no request."""
        if self.gate:
            self.gate.drop(self.probe, self.weight)
        if self.bucket:
            self.bucket.give_back()

    def body(self) -> bytes:
        """The body as the transport carries it."""
        return self.receipt.body or encode(self.delivery.body)


@dataclass
class Hand:
    """In order of arrival within (route, sink), these in turns."""

    _queues: dict[tuple[str, str], deque[InHand]] = field(default_factory=dict)
    _turns: deque[tuple[str, str]] = field(default_factory=deque)
    _busy: set[OrderSlot] = field(default_factory=set)
    _parked: dict[OrderSlot, list[tuple[int, int, InHand]]] = field(default_factory=dict)
    _serial: Callable[[], int] = field(default_factory=lambda: itertools.count().__next__)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, one: InHand, front: bool = False) -> None:
        """Take one in; `front`: before the others of its sink."""
        name = (one.delivery.route, one.delivery.sink)
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = deque()
            self._turns.append(name)
        if front:
            queue.appendleft(one)
        else:
            queue.append(one)

    def take(self, most: int) -> list[InHand]:
        """Start as many as their limits allow, at most `most`, one of each sink after the other."""
        taken: list[InHand] = []
        idle = 0
        while self._turns and idle < len(self._turns) and len(taken) < most:
            name = self._turns[0]
            one = self._next(self._queues[name])
            if one is not None:
                taken.append(one)
            idle = 0 if one is not None else idle + 1
            self._turns.rotate(-1)
            if not self._queues[name]:
                del self._queues[name]
                self._turns.remove(name)
                idle = 0
        return taken

    def _next(self, queue: deque[InHand]) -> InHand | None:
        while queue:
            one = queue[0]
            if one.order is not None and one.order in self._busy:
                heapq.heappush(self._parked.setdefault(one.order, []), (one.number, self._serial(), queue.popleft()))
                continue
            if one.wait() > 0:
                return None
            queue.popleft()
            one.start()
            if one.order is not None:
                self._busy.add(one.order)
            return one
        return None

    def ended(self, one: InHand) -> None:
        """It is done with: the next of its key may start."""
        if one.order is None:
            return
        self._busy.discard(one.order)
        parked = self._parked.get(one.order)
        if not parked:
            return
        newest_first = one.sink is not None and one.sink.ordered is not None and one.sink.ordered.mode == "latest"
        if newest_first:
            parked.sort(reverse=True)
            self.add(parked.pop(0)[2], front=True)
            heapq.heapify(parked)
        else:
            self.add(heapq.heappop(parked)[2], front=True)
        if not parked:
            del self._parked[one.order]

    def failed(self, one: InHand) -> list[InHand]:
        """It did not settle its number: those of its key that wait behind it are early, and not in hand any more."""
        if one.order is None:
            return []
        self._busy.discard(one.order)
        return [early for _, _, early in sorted(self._parked.pop(one.order, []), key=lambda item: item[:2])]

    def wait(self) -> float:
        """Seconds until `take` may give something; infinity: when something arrives or ends."""
        return min((queue[0].wait() for queue in self._queues.values() if queue), default=math.inf)

    def shut(self, longer_than: float) -> bool:
        """True when there is something, and nothing like it may start for longer than that."""
        heads = [queue[0] for queue in self._queues.values() if queue]
        return bool(heads) and all(one.shut_for() > longer_than for one in heads)

    def shut_for(self) -> float:
        """Seconds until the first of what is in hand may start again; 0 when one may."""
        return min((queue[0].shut_for() for queue in self._queues.values() if queue), default=0.0)

    @property
    def probing(self) -> bool:
        """What is in hand goes to a system that does not answer: one of it is enough to see whether it does again."""
        heads = [queue[0] for queue in self._queues.values() if queue]
        return any(one.gate is not None and one.gate.breaker.open for one in heads)
