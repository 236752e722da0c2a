"""Delivery: one lane's worker. Receive, claim in the ledger, call the sink, write down how it ended, ack.

Claims and endings are written in groups: while one group is being written, the next one gathers; a few claims do not wait
for the group before them, since somebody waits for each of them. Nothing waits inside the worker for a later try: that
is a copy in the transport. While the breaker of a lane's connection is open, the lane
lets go of everything and stops consuming until the next probe, for which it takes one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from uuid import uuid4

from engine.compile.plan import PlannedSink
from engine.core.ids import key_text
from engine.ports.transport import Address, Receipt, Subscription
from engine.runtime.carrying.codec import Delivery
from engine.runtime.crash import point
from engine.runtime.delivery import endings
from engine.runtime.delivery.attempt import Tried, attempt
from engine.runtime.delivery.claim import admit, claim
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.endings import Ending
from engine.runtime.delivery.hand import Hand, InHand, OrderSlot
from engine.runtime.delivery.limits import until
from engine.runtime.delivery.order import fence_name, is_fenced
from engine.runtime.delivery.settle import settle

PREFETCH = 256
MOST_AT_ONCE = 256
FEW = 20  # deliveries in hand: more are written together, one group after the other
WRITES_AT_ONCE = 3  # groups of claims of a few
SHORTEST_WAIT = 0.001  # seconds: less may not move the clock
LONG_WAIT = 1.0  # seconds an open breaker must have left before the lane lets go of what it has


class Worker:
    """Consumes one queue of deliveries. `alone`: the quarantine queue, one at a time."""

    def __init__(self, desk: Desk, home: Address, *, alone: bool = False) -> None:
        self.home = home
        self._desk = desk
        self._alone = alone
        self._token = f"{desk.cell.worker}/{uuid4().hex[:12]}"
        self._hand = Hand()
        self._known = Hand()  # the last one that held something: whose limits this lane waits for
        self._narrow = False  # one at a time, to see whether the system answers again
        self._tried = False
        self._running: set[asyncio.Task[None]] = set()
        self._started = 0  # claimed, or being claimed
        self._claiming: set[asyncio.Task[None]] = set()
        self._settling: asyncio.Task[None] | None = None
        self._ended: list[tuple[InHand | None, Ending]] = []
        self._wake = asyncio.Event()
        self._gates: set[int] = set()
        self._stopping = False
        self._renewing = False
        self._consuming = False

    @property
    def consuming(self) -> bool:
        """It has a subscription now."""
        return self._consuming

    async def run(self) -> None:
        """Work until `stop`. May be cancelled at any await: what was not settled comes back from the transport."""
        try:
            while not self._stopping:
                await self._consume()
                if len(self._hand) and not self._renewing:
                    self._known = self._hand
                await self._pause()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            self._forget_gates()

    def stop(self) -> None:
        """Take nothing new, finish what was claimed, then `run` returns."""
        self._stopping = True
        self._wake.set()

    def renew(self) -> None:
        """Let go of what was not started, and take it in hand again as the Plans say now."""
        self._renewing = True
        self._known = Hand()
        self._wake.set()

    async def _pause(self) -> None:
        """As long as nothing of what was last seen here may start. Each look at it would count as a redelivery."""
        while (seconds := self._known.shut_for()) > 0 and not self._stopping:
            self._wake.clear()
            await until(self._wake, max(seconds, SHORTEST_WAIT))

    async def _consume(self) -> None:
        """One subscription: until we stop, the queue is gone, or there is nothing to do but wait for a probe."""
        self._narrow = self._known.probing
        self._hand, self._ended, self._started, self._tried = Hand(), [], 0, False
        self._claiming, self._settling = set(), None
        self._renewing = False
        subscription = await self._desk.cell.transport.subscribe(
            self.home, 1 if self._alone or self._narrow else PREFETCH
        )
        receiving = asyncio.create_task(self._receive(subscription))
        receiving.add_done_callback(lambda _: self._wake.set())
        self._consuming = True
        try:
            while not self._finished(receiving):
                self._wake.clear()
                self._go_on(subscription)
                await until(self._wake, self._hand.wait() if self._may_claim() else math.inf)
                self._forget_done()
            if receiving.done():
                receiving.result()
        finally:
            self._consuming = False
            await _cancelled(receiving, *self._writing())
            await subscription.close()

    def _go_on(self, subscription: Subscription) -> None:
        """Write down what ended and start what may start, side by side: a store that can has one commit for both."""
        if self._ended and self._settling is None:
            ended, self._ended = self._ended, []
            self._settling = asyncio.create_task(self._settle(subscription, ended))
            self._settling.add_done_callback(lambda _: self._wake.set())
        picked = self._hand.take(self._room()) if self._may_claim() else []
        if picked:
            self._started += len(picked)
            claiming = asyncio.create_task(self._start(picked))
            self._claiming.add(claiming)
            claiming.add_done_callback(lambda _: self._wake.set())

    def _writing(self) -> list[asyncio.Task[None]]:
        return [*self._claiming, *([self._settling] if self._settling else [])]

    def _forget_done(self) -> None:
        """Of the writes. Raises what one of them raised."""
        for task in self._writing():
            if task.done():
                self._claiming.discard(task)
                self._settling = None if task is self._settling else self._settling
                task.result()

    def _finished(self, receiving: asyncio.Task[None]) -> bool:
        if self._running or self._ended or self._claiming or self._settling:
            return False
        probed = self._narrow and self._tried
        return self._stopping or self._renewing or receiving.done() or probed or self._hand.shut(LONG_WAIT)

    async def _settle(self, subscription: Subscription, ended: Sequence[tuple[InHand | None, Ending]]) -> None:
        await settle(self._desk, subscription, self._token, [ending for _, ending in ended])
        for one, ending in ended:
            self._let_on(one, ending)

    def _may_claim(self) -> bool:
        """Another group of claims may be written now."""
        if self._room() <= 0 or len(self._claiming) >= WRITES_AT_ONCE:
            return False
        return not self._claiming or len(self._hand) <= FEW

    def _room(self) -> int:
        """How many more may be started now."""
        return 0 if self._stopping or self._renewing else (1 if self._alone else MOST_AT_ONCE) - self._started

    def _let_on(self, one: InHand | None, ending: Ending) -> None:
        """What waits in hand for the same key may go on, or is early now."""
        if one is None or one.order is None:
            return
        if one.fenced and ending.number is None:
            behind = self._hand.failed(one)
            self._ended += [(None, endings.early(self._desk, other)) for other in behind]
        else:
            self._hand.ended(one)

    async def _start(self, picked: Sequence[InHand]) -> None:
        """Claim these, and try those that are ours."""
        try:
            admitted, early = await admit(self._desk, picked)
            claimed, others = await claim(self._desk, admitted, self._token)
        except BaseException:
            self._started -= len(picked)
            for one in picked:
                one.drop()
            raise
        point("ledger-claimed")
        for one, ending in (*early, *others):
            self._started -= 1
            one.drop()
            self._ended.append((one, ending))
        for group in _groups(claimed):
            self._tried = True
            task = asyncio.create_task(self._try(group))
            self._running.add(task)
            task.add_done_callback(self._done)

    async def _try(self, group: list[InHand]) -> None:
        try:
            tried = await attempt(self._desk, group, alone=self._alone)
        except asyncio.CancelledError:
            for one in group:
                one.drop()
            raise
        finally:
            self._started -= len(group)
        for one, how in zip(group, tried, strict=True):
            _tell_gate(one, how)
            self._ended.append((one, endings.concluded(self._desk, one, how)))
        self._wake.set()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()

    async def _receive(self, subscription: Subscription) -> None:
        while receipts := await subscription.receive(PREFETCH):
            for receipt in receipts:
                self._take_in(receipt)
            self._wake.set()

    def _take_in(self, receipt: Receipt) -> None:
        """Into the hand, unless its handling ends right here."""
        desk = self._desk
        try:
            one = self._in_hand(receipt)
        except Exception as error:
            self._ended.append((None, endings.unreadable(desk, receipt, error)))
            return
        delivery = one.delivery
        one.poison = desk.watch.poison(delivery.id, delivery.attempt)
        if delivery.skip:
            self._ended.append((None, endings.skipped(one)))
        elif delivery.due > desk.now():
            self._ended.append((None, endings.not_yet(desk, one, (delivery.due - desk.now()) / 1_000_000)))
        elif not self._alone and not one.poison and desk.watch.suspect(delivery.id):
            self._ended.append((None, endings.to_quarantine(receipt)))
        else:
            self._hand.add(one)

    def _in_hand(self, receipt: Receipt) -> InHand:
        desk, delivery = self._desk, Delivery.read(receipt.headers, receipt.body)
        one = InHand(receipt, delivery, self.home)
        one.plan, one.sink = desk.plans.receiver(delivery)
        if (sink := one.sink) is None:
            return one
        one.bucket = desk.bucket(delivery.route, sink)
        one.weight = 1.0 / sink.action.batch if sink.action is not None else 1.0
        if sink.call is not None:
            one.connection = desk.plans.connection(sink.call.connection)
        if one.connection is not None:
            one.gate = desk.pool.gate(one.connection)
            one.gate.listen(self._wake)
        event = delivery.event
        if sink.ordered is not None and (event.order_no or sink.ordered.mode == "latest"):
            one.number = event.order_no or event.time
            one.order = OrderSlot(fence_name(delivery.route, delivery.sink), _order_key(delivery, sink))
        return one

    def _forget_gates(self) -> None:
        for gate in self._desk.pool.gates():
            gate.forget(self._wake)


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _order_key(delivery: Delivery, sink: PlannedSink) -> str:
    """The key whose deliveries go one after the other. Of items of a split, each has a newest of its own."""
    key = delivery.event.order_key or delivery.event.subject
    return key if not delivery.output_key or is_fenced(sink) else key_text((key, delivery.output_key))


def _groups(claimed: Sequence[InHand]) -> list[list[InHand]]:
    """What goes to a sink in one call: as many of one sink and connection as its action takes."""
    groups: list[list[InHand]] = []
    filling: dict[tuple[int, int], list[InHand]] = {}
    for one in claimed:
        assert one.sink is not None
        most = one.sink.action.batch if one.sink.action is not None else PREFETCH if one.sink.table else 1
        key = (id(one.sink), id(one.connection))
        group = filling.get(key)
        if group is None or len(group) >= most:
            group = filling[key] = []
            groups.append(group)
        group.append(one)
    return groups


def _tell_gate(one: InHand, tried: Tried) -> None:
    if one.gate is None:
        return
    if tried.late:
        one.drop()
    else:
        one.gate.end(one.took, tried.failure, one.probe, one.weight)
