"""The router of one route: takes micro-batches, has them decided, published and written down, then acks.

One task takes batches; the next begins when what decides about the one before is written down, so that nobody waits for
another batch's confirms. Events whose steps wait for something, and those of a plain route that need the Store, go on in
a task of their own, so that they hold up nobody. Two copies of one event never run at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec.structs import replace

from engine.compile.plan import Plan
from engine.core.errors import Permanent, Transient, TransportBlocked
from engine.core.event import Event
from engine.core.ids import digest
from engine.core.masking import mask_bytes
from engine.core.outcome import Failed, Outcome
from engine.core.quoting import excerpt
from engine.ports.store.inbox import EventKey
from engine.ports.store.work import WorkCreate, WorkItem
from engine.ports.transport import Address, Receipt, Subscription
from engine.runtime.carrying.codec import Routed
from engine.runtime.carrying.handover import FIRST_PAUSE, persist
from engine.runtime.crash import point
from engine.runtime.people.work import unreadable_item, work_id
from engine.runtime.router import deciding
from engine.runtime.router.committing import commit, needs_store
from engine.runtime.router.newcomers import Newcomers, mistaken, start_again
from engine.runtime.router.routing import Routing
from engine.runtime.router.shared import Shared
from engine.runtime.watch import Mark

PREFETCH = 1000
BATCH = 200
AT_ONCE = 4  # batches

Decided = Callable[[], None]  # called when a batch is written down; it may be called again


class Router:
    """Consumes the queue of one route. `run` until `stop`, then it drains; cancelled, it gives back what is in hand."""

    def __init__(self, shared: Shared, plan: Plan) -> None:
        self._shared = shared
        self._route = plan.route
        self._mark_of = f"@{digest('route', plan.route)[:8]}"  # one event may be fine in one route and kill in another
        self._last = plan
        self._newcomers = Newcomers()
        self._subscription: Subscription | None = None
        self._busy: dict[EventKey, list[Routing]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._stopping = False
        self.handled = 0

    @property
    def consuming(self) -> bool:
        """It has a subscription now."""
        return self._subscription is not None

    async def run(self) -> None:
        """Take batches until stopped. After an error (an ExceptionGroup) everything in hand comes back."""
        transport = self._shared.cell.transport
        self._subscription = await transport.subscribe(Address("route", self._route), PREFETCH)
        try:
            async with asyncio.TaskGroup() as self._group:
                self._receiving = self._group.create_task(self._take(self._subscription))
        finally:
            subscription, self._subscription, self._group = self._subscription, None, None
            self._busy.clear()
            await subscription.close()

    def stop(self) -> None:
        """Take nothing new; `run` returns when what is in hand is done."""
        if not self._stopping and self._receiving is not None:
            self._receiving.cancel("stop")
        self._stopping = True

    async def answer(self, event: Event, deadline: float = 0.0) -> Outcome:
        """Route one event that came without the transport, for somebody who waits for its reply, in `deadline` seconds.

        A failure is theirs: it makes no work item and no later try. A repeat is answered and changes nothing again.
        """
        case = Routing(Routed(event))
        while case.key in self._busy:
            await self._shared.cell.clock.sleep(0.01)
        self._busy[case.key] = []
        try:
            return await self._answer(case, deadline)
        finally:
            following = self._follow([case])
            if following:
                self._spawn(self._handle(following))

    async def _answer(self, case: Routing, deadline: float) -> Outcome:
        ends = asyncio.get_running_loop().time() + deadline if deadline else None  # also for one that starts again
        while True:
            await self._decide([case])
            absorbed, case.absorbed = case.absorbed, ""
            try:
                async with asyncio.timeout_at(ends):
                    await deciding.finish(self._shared, deciding.start(self._shared, [case]))
            except TimeoutError:
                return Outcome(failed=Failed(Transient("deadline-exceeded", f"not done within {deadline:g} s")))
            if case.failed is not None:
                return Outcome(failed=case.failed)
            if absorbed or not await commit(self._shared, self._route, [case]):
                return case.outcome or Outcome()
            start_again(case)  # somebody else decided it meanwhile; what that one left open is published here

    # --- taking ------------------------------------------------------------------------------------------------------

    async def _take(self, subscription: Subscription) -> None:
        room = asyncio.Semaphore(AT_ONCE)
        while not self._stopping:
            await room.acquire()
            receipts = await self._receive(subscription)
            if not receipts:
                return
            # What was received is finished even if the receiving is cancelled by a stop.
            decided = asyncio.Event()
            self._spawn(self._batch(receipts, decided.set)).add_done_callback(lambda _: room.release())
            await decided.wait()

    async def _receive(self, subscription: Subscription) -> list[Receipt]:
        while not self._stopping:
            try:
                return await subscription.receive(BATCH)
            except TransportBlocked as blocked:
                self._shared.cell.log("the transport gives nothing; waiting", {"reason": str(blocked)})
            await self._shared.cell.clock.sleep(FIRST_PAUSE)
        return []

    async def _batch(self, receipts: Sequence[Receipt], decided: Decided) -> None:
        try:
            await self._handle(self._fresh(receipts), decided)
        finally:
            decided()

    def _fresh(self, receipts: Sequence[Receipt]) -> list[Routing]:
        """Those that begin now: a copy of what is in hand waits behind it, and what cannot be read is given up."""
        fresh: list[Routing] = []
        unreadable: list[tuple[Receipt, str]] = []
        for receipt in receipts:
            try:
                case = Routing(Routed.read(receipt.headers, receipt.body), receipt)
            except Exception as error:  # whatever stands there: it must neither stop the route nor vanish
                unreadable.append((receipt, f"{type(error).__name__}: {error}"))
                continue
            behind = self._busy.get(case.key)
            if behind is not None:
                behind.append(case)
            else:
                self._busy[case.key] = []
                fresh.append(case)
        if unreadable:
            self._spawn(self._give_up(unreadable))
        return fresh

    async def _handle(self, cases: list[Routing], decided: Decided = lambda: None) -> None:
        """Until none of these, nor copies of them that came meanwhile, is left to this task."""
        while cases:
            taken = await self._decide(cases)
            alone = [case for case in cases if self._suspect(case)]
            together = [case for case in cases if case not in alone] if alone else cases
            with self._shared.watch.executing([self._mark(case) for case in together]):
                waiting = deciding.start(self._shared, together)
            self._newcomers.learn(cases, waiting)
            again = await mistaken(self._shared, self._route, taken, waiting) if taken else []
            waiting = [one for one in waiting if one[0] not in again] if again else waiting
            if alone:
                self._spawn(self._one_by_one(alone))
            if waiting:
                self._spawn(self._later(waiting))
            left = {id(case) for case, _ in waiting} | set(map(id, (*alone, *again)))
            cases = again + await self._settle([case for case in cases if id(case) not in left], decided)

    async def _decide(self, cases: Sequence[Routing]) -> list[Routing]:
        """Find out what each means. Answers those that were taken for new without asking."""
        await deciding.assign(self._shared, self._route, cases, self._last)
        taken = [case for case in cases if self._newcomers.taken(case, len(cases)) and not self._suspect(case)]
        asked = [case for case in cases if case not in taken] if taken else cases
        await deciding.look_up(self._shared, self._route, asked)
        return taken

    def _suspect(self, case: Routing) -> bool:
        return self._shared.watch.suspect(self._mark(case)[0])

    async def _later(self, waiting: list[deciding.Waiting]) -> None:
        with self._shared.watch.executing([self._mark(case) for case, _ in waiting]):
            await deciding.finish(self._shared, waiting)
        await self._handle(await self._settle([case for case, _ in waiting]))

    async def _one_by_one(self, cases: Sequence[Routing]) -> None:
        """Suspects: what was executing when a process died. One that kills it again here is not tried a third time."""
        watch = self._shared.watch
        await self._shared.cell.clock.sleep(watch.pause)
        for case in cases:
            if not case.absorbed and watch.poison(*self._mark(case)):
                case.failed = Failed(Permanent("poison", "handling this event killed the engine's process twice"))
            async with watch.turn:
                with watch.executing([self._mark(case)], alone=True):
                    await deciding.finish(self._shared, deciding.start(self._shared, [case]))
            await self._handle(await self._settle([case]))

    def _mark(self, case: Routing) -> Mark:
        """What names this try of the event here. A replay is another try: it gets a new chance."""
        return case.event.id + self._mark_of, case.routed.attempt + (case.routed.replay << 16)

    # --- settling ----------------------------------------------------------------------------------------------------

    async def _settle(self, cases: Sequence[Routing], decided: Decided = lambda: None) -> list[Routing]:
        """Carry out, ack. Answers what has to be handled next: copies that waited behind these, and lost races."""
        slow = [case for case in cases if not case.has_inbox and needs_store(case)]
        quick = [case for case in cases if case not in slow] if slow else list(cases)
        if slow:
            self._spawn(self._then(slow))
        return await self._commit(quick, decided)

    async def _then(self, cases: Sequence[Routing]) -> None:
        await self._handle(await self._commit(cases))

    async def _commit(self, cases: Sequence[Routing], decided: Decided = lambda: None) -> list[Routing]:
        if not cases:
            return []
        lost = await commit(self._shared, self._route, cases, decided)
        again = [case for case, _ in lost]
        done = [case for case in cases if case not in again] if again else cases
        await self._ack([case.receipt for case in done if case.receipt is not None])
        self.handled += len(done)
        for case in again:  # the row that is there now decides
            start_again(case)
        return again + self._follow(done)

    def _follow(self, done: Sequence[Routing]) -> list[Routing]:
        """The next copy of each of these, if one waits."""
        following = []
        for case in done:
            behind = self._busy.pop(case.key, [])
            if behind:
                behind[0].seen = True
                following.append(behind[0])
                self._busy[case.key] = behind[1:]
        return following

    async def _ack(self, receipts: Sequence[Receipt]) -> None:
        assert self._subscription is not None or not receipts
        while receipts and self._subscription is not None:
            try:
                await self._subscription.ack(receipts)
            except TransportBlocked:
                await self._shared.cell.clock.sleep(FIRST_PAUSE)
                continue
            point("router-acked")
            return

    async def _give_up(self, unreadable: Sequence[tuple[Receipt, str]]) -> None:
        """Something in the queue that is no event: a work item with its masked bytes."""
        shared, now = self._shared, self._shared.now()
        items = [self._unreadable(receipt, error, now) for receipt, error in unreadable]
        await persist(shared.cell, lambda: shared.cell.store.apply(WorkCreate(items)))
        await self._ack([receipt for receipt, _ in unreadable])

    def _unreadable(self, receipt: Receipt, error: str, now: int) -> WorkItem:
        item = unreadable_item(receipt, error, now, self._shared.plans.revision)
        text = excerpt(f"what was received is no event: {error}")
        named = work_id("delivery", self._route, "", item.subject)
        owner, body = self._last.owner, mask_bytes(receipt.body)
        return replace(item, id=named, route=self._route, owner=owner, detail=text, body=body)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """In a task of its own; an error in it ends the router, so that its events come back."""
        assert self._group is not None
        return self._group.create_task(work)
