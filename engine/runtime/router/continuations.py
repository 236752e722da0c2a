"""What goes on after a cut: due timers and complete groups, published under deterministic ids.

The state is finished only after the publish is confirmed. A crash in between publishes the same id again, which the
inbox or the ledger absorbs. Of several processes one does it; what another one notes it finds at its next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec.structs import replace

from engine.compile.plan import Plan
from engine.core.errors import Permanent
from engine.core.event import Event
from engine.core.ids import continuation_id, digest
from engine.core.jsonx import decode
from engine.core.numbers import EXACT, plain
from engine.core.outcome import Failed
from engine.ports.store.journal import JournalAppend
from engine.ports.store.steps import (
    GroupClose,
    GroupDone,
    GroupKey,
    GroupMembers,
    GroupsClosed,
    Member,
    Timer,
    TimerDone,
    TimerNext,
    TimersDue,
)
from engine.ports.store.work import WorkCreate
from engine.runtime.carrying.codec import BLOB, SCOPE, WAITS, Routed, event_from, read_headers, unpack
from engine.runtime.carrying.handover import persist
from engine.runtime.carrying.largebodies import missing
from engine.runtime.carrying.publishing import publish
from engine.runtime.crash import point
from engine.runtime.duty import Duty
from engine.runtime.people.journal import entry
from engine.runtime.people.work import event_item
from engine.runtime.plans import no_plan
from engine.runtime.router.cuts import PLAN, STATE, resumed
from engine.runtime.router.segment import failed_by
from engine.runtime.router.shared import Shared

LONGEST_SLEEP = 60.0  # the wall clock may jump; nothing is late by more than this
LOOK_EVERY = 0.5  # seconds, where other processes set timers and complete groups too


class Continuations:
    """One task of a process: sleeps until something is due, publishes what goes on.

    duty   of one process of the cell
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.duty = Duty(shared.cell, "continuations")
        self._woken = asyncio.Event()
        shared.wake = self._woken.set

    async def run(self) -> None:
        """Until cancelled. What a crash left behind is found at the first look."""
        while True:
            self._woken.clear()
            if await persist(self._shared.cell, self.duty.mine):
                await self.carry_out()
                await self._sleep()
            else:
                await self._shared.cell.clock.sleep(LOOK_EVERY)

    async def carry_out(self) -> None:
        """Everything that is due now."""
        store, shared = self._shared.cell.store, self._shared
        while due := await persist(shared.cell, lambda: store.apply(TimersDue(shared.now()))):
            await self._delays([timer for timer in due if timer.kind == "delay"])
            await self._limits([timer for timer in due if timer.kind == "group"])
        for key, generation in await persist(shared.cell, lambda: store.apply(GroupsClosed())):
            await self._group(key, generation)

    async def _sleep(self) -> None:
        shared = self._shared
        due = await persist(shared.cell, lambda: shared.cell.store.apply(TimerNext()))
        longest = LOOK_EVERY if shared.cell.shared else LONGEST_SLEEP
        wait = (due - shared.now()) / 1_000_000 if due else longest
        try:
            async with asyncio.timeout(min(max(wait, 0.001), longest)):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _limits(self, timers: Sequence[Timer]) -> None:
        """Groups whose time is over are closed; that and the timer are one transaction."""
        if not timers:
            return
        shared = self._shared
        closes = [
            GroupClose(GroupKey(timer.route, timer.step, timer.key), timer.generation, "time", shared.now())
            for timer in timers
        ]
        done = TimerDone([timer.id for timer in timers])
        await persist(shared.cell, lambda: shared.cell.store.apply_all(*closes, done))
        point("group-closed")

    async def _delays(self, timers: Sequence[Timer]) -> None:
        """Delayed events go back to the queue of their route."""
        if not timers:
            return
        shared = self._shared
        batch = [await self._resumed(timer) for timer in timers]
        await publish(shared.cell, [routed.outgoing(timer.route) for timer, routed in batch if routed is not None])
        point("timer-published")
        await persist(shared.cell, lambda: shared.cell.store.apply(TimerDone([timer.id for timer in timers])))
        shared.journal.note(
            entry(routed.event, timer.route, "continued", shared.now(), detail=f"after {timer.step}")
            for timer, routed in batch
            if routed is not None
        )

    async def _resumed(self, timer: Timer) -> tuple[Timer, Routed | None]:
        kept = Routed.read(read_headers(timer.headers), b"null")
        if kept.blob:
            await self._give_up(kept, timer.route, [], Failed(missing(kept.blob), kept.segment))
            return timer, None
        return timer, await self._resume(kept, timer.route, [timer.body])

    async def _resume(self, kept: Routed, route: str, bodies: Sequence[bytes]) -> Routed | None:
        """The continuation with its data; None when it could not be made: then it is a work item."""
        shared = self._shared
        asking = partial(shared.plans.resuming, route, kept)
        found = await persist(shared.cell, asking)
        if found is None:
            gone = Permanent("plan-gone", f"the cut `{kept.segment}` is in no Plan that is known")
            await self._give_up(kept, route, bodies, Failed(gone, kept.segment))
            return None
        plan, before, _ = found
        try:
            return resumed(kept, before, bodies)
        except Exception as error:
            await self._give_up(kept, route, bodies, failed_by(error), plan)
            return None

    async def _give_up(
        self, kept: Routed, route: str, bodies: Sequence[bytes], failed: Failed, plan: Plan | None = None
    ) -> None:
        """A work item with what was kept; its replay goes on from there."""
        shared = self._shared
        owner = plan or shared.plans.current(route) or no_plan(route)
        event = kept.event.with_data([_shown(body) for body in bodies])
        routed = replace(kept, event=event, kept="one" if kept.blob else "list")
        item = event_item(owner, routed, failed, shared.plans.revision, shared.now())
        await persist(shared.cell, lambda: shared.cell.store.apply(WorkCreate([item])))

    async def _group(self, key: GroupKey, generation: int) -> None:
        """The event of a complete group."""
        shared, store = self._shared, self._shared.cell.store
        members = await persist(shared.cell, lambda: store.apply(GroupMembers(key, generation)))
        kept, bodies = group_event(key, generation, members)
        if kept.blob:
            await self._wait_for(kept, key.route)
            return
        routed = await self._resume(kept, key.route, bodies)
        if routed is not None:
            await publish(shared.cell, [routed.outgoing(key.route)])
            point("group-published")
        now, detail = shared.now(), f"as {kept.event.id}"
        events = [event_from(unpack(member.body)[0], None) for member in members]
        lines = [entry(event, key.route, "continued", now, detail=detail) for event in events]
        ops = [GroupDone(key, generation), JournalAppend(lines)]
        await persist(shared.cell, lambda: store.apply_all(*ops))

    async def _wait_for(self, kept: Routed, route: str) -> None:
        """A member's body cannot be fetched: the group stays complete and goes on once the blob is there."""
        shared = self._shared
        plan = shared.plans.current(route) or no_plan(route)
        text = f"a member of the group is kept as blob {kept.blob}, which is not there; put it back, it goes on then"
        failed = Failed(Permanent("blob-missing", text, data={"blob": kept.blob}), kept.segment)
        item = event_item(plan, replace(kept, blob="", kept=WAITS), failed, shared.plans.revision, shared.now())
        await persist(shared.cell, lambda: shared.cell.store.apply(WorkCreate([item])))


def group_event(key: GroupKey, generation: int, members: Sequence[Member]) -> tuple[Routed, list[bytes]]:
    """(continuation without its data, what the members keep). Depends on the members only, so it is the same again.

    The group's amount is the sum of its members' where they have one currency; its trace is theirs where they share it.
    """
    packed = [unpack(member.body) for member in members]
    events = [event_from(headers, None) for headers, _ in packed]
    first, last = events[0], packed[-1][0]
    own = continuation_id(*key, generation)
    amount, currency = _total(members, events)
    event = Event(
        id=own,
        type=f"group/{key.step}",
        source=f"{key.route}/{key.step}",
        data=None,
        time=max(event.time for event in events),
        day=max(member.day for member in members),
        subject=key.group,
        region=first.region if len({event.region for event in events}) == 1 else "",
        origin=digest("group", *sorted(f"{member.event_id}|{member.output_key}" for member in members)),
        amount=amount,
        currency=currency,
        trace=first.trace if len({event.trace for event in events}) == 1 else own,
    )
    lost = next((str(headers[BLOB]) for headers, _ in packed if BLOB in headers), "")
    plan, state, scope = (str(last.get(name, "")) for name in (PLAN, STATE, SCOPE))
    routed = Routed(event, segment=key.step, plan=plan, state=state, blob=lost, scope=scope)
    return routed, [body for _, body in packed]


def _total(members: Sequence[Member], events: Sequence[Event]) -> tuple[str, str]:
    amounts = [Decimal(member.amount) for member in members if member.amount]
    currencies = {event.currency for member, event in zip(members, events, strict=True) if member.amount}
    if not amounts or len(currencies) != 1:
        return "", ""
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return plain(total), currencies.pop()


def _shown(body: bytes) -> Any:
    try:
        return decode(body)
    except ValueError:
        return body.decode("utf-8", "replace")
