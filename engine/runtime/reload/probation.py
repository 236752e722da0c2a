"""Probation: a route that changed proves itself with its first events, or the revision that brought it is taken back.

What is counted are events that became work items since the change, among those the route handled. Of several processes
each tells the others how many it handled, and each judges by the sum: by what all had told at one moment, for a failure
that is known before the events around it would count for more than it is.

While the events still come, failures are held against all the rule will look at, not against the few that were seen: of
50 events three are too many, one or two are not, however few came by then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.compile.plan import Plan, ProbationRule, RouteSet
from engine.core.clock import iso
from engine.core.errors import Permanent, StoreDown
from engine.core.jsonx import decode
from engine.ports.store.figures import Lately
from engine.ports.store.revisions import Revision, RevisionGet, RevisionMark
from engine.ports.store.work import WorkFind
from engine.ports.store.workers import WorkersSince
from engine.runtime.cell import Cell
from engine.runtime.heartbeat import LIVE
from engine.runtime.people.replay import Who
from engine.runtime.plans import Plans
from engine.runtime.reload.leader import Leader
from engine.runtime.reload.wanted import Wanted

EVERY = 1.0  # seconds between looks
ACTOR = "tillflow probation"
LEAST = 3  # failures that say something of a change when its time is over; one or two may be bad receipts


Handled = Callable[[str], int]  # how many events of a route this process handled


@dataclass(frozen=True)
class Trial:
    """One route. `until` on the monotonic clock."""

    plan: Plan
    until: float


@dataclass(frozen=True)
class Shares:
    """What the other processes that run the revision told: events by route, since when the first of them runs it, and
    until when all of them counted. Times in UTC microseconds.
    """

    events: Mapping[str, int]
    since: int
    until: int


def too_many(rule: ProbationRule, failed: int, events: int, *, over: bool) -> bool:
    """True when a change has to be taken back. `events` were seen, `over`: no more of them will be looked at."""
    if failed > rule.failing * max(events, rule.events):
        return True
    return over and failed >= LEAST and failed > rule.failing * events


class Probation:
    """`begin` after a swap, `run` until cancelled."""

    def __init__(self, cell: Cell, plans: Plans, leader: Leader, handled: Handled) -> None:
        self._cell = cell
        self._plans = plans
        self._leader = leader
        self._handled = handled
        self._trials: dict[str, Trial] = {}
        self._counted: dict[str, int] = {}
        self._since = 0  # UTC microseconds
        self._before = ""
        self._revision: Revision | None = None
        self._begun = asyncio.Event()

    def begin(self, before: RouteSet, after: RouteSet, revision: Revision) -> None:
        """Every route that is new or changed. One that is taken back to what it was has proved itself before."""
        self._trials.clear()
        self._counted.clear()
        self._since = self._cell.clock.now()
        self._revision, self._before = revision, before.digest
        self._begun.set()
        if revision.author == ACTOR:
            return
        clock = self._cell.clock
        for route, plan in after.plans.items():
            changed = before.plans.get(route) is not plan or before.by_route[route] != after.by_route[route]
            if changed and plan.probation.events:
                self._trials[route] = Trial(plan, clock.monotonic() + plan.probation.within)
                self._counted[route] = self._handled(route)

    def told(self) -> dict[str, Any]:
        """What other processes need to know of this one: how many events of which route it handled since when."""
        if self._revision is None or not self._counted:
            return {}
        events = {route: self._here(route) for route in self._counted}
        return {"revision": self._revision.id, "since": self._since, "events": events}

    def shown(self) -> list[dict[str, Any]]:
        """Routes on probation, and since when."""
        return [{"route": route, "since": iso(self._since)} for route in sorted(self._trials)]

    async def run(self) -> None:
        """Look again and again, while a route is on probation."""
        while True:
            if not self._trials:
                self._begun.clear()
                await self._begun.wait()
            await self._cell.clock.sleep(EVERY)
            try:
                await self.look()
            except StoreDown:
                continue  # told once for all, see `reachable`; nothing comes in that could fail meanwhile

    async def look(self) -> None:
        """Once. Raises StoreDown."""
        shares = await self._shares() if self._trials else None
        for route, trial in list(self._trials.items()):
            assert shares is not None
            failed, events = await self._failed(trial, shares), await self._events(trial, shares)
            if self._trials.get(route) is not trial:
                return  # another revision runs by now
            rule = trial.plan.probation
            over = self._cell.clock.monotonic() >= trial.until or events >= rule.events
            if too_many(rule, failed, events, over=over):
                await self._take_back(route, failed, max(events, failed))
                return
            if over:
                del self._trials[route]

    async def _failed(self, trial: Trial, shares: Shares) -> int:
        """Distinct events of the route that became work items under this revision."""
        items = await self._cell.store.apply(WorkFind(("open", "replayed", "resolved", "discarded"), trial.plan.route))
        counted = (item for item in items if shares.since <= item.created <= shares.until)
        return len({item.event_id or item.id for item in counted if item.revision == self._plans.revision})

    async def _events(self, trial: Trial, shares: Shares) -> int:
        """What all processes handled, as they told or as it is written down."""
        route = trial.plan.route
        told = self._here(route) + shares.events.get(route, 0)
        if not trial.plan.has_inbox:
            return told
        everywhere, _ = await self._cell.store.apply(Lately(route, shares.since, 1))
        return max(told, everywhere)

    def _here(self, route: str) -> int:
        return self._handled(route) - self._counted.get(route, 0)

    async def _shares(self) -> Shares:
        now = self._cell.clock.now()
        if not self._cell.shared or self._revision is None:
            return Shares({}, self._since, now)
        since, until, events = self._since, now, Counter[str]()
        for row in await self._cell.store.apply(WorkersSince(now - round(LIVE * 1_000_000))):
            if row.name == self._cell.worker:
                continue
            until = min(until, row.at)
            told = decode(row.facts.encode()).get("proving", {})
            if told.get("revision") == self._revision.id:
                since = min(since, told["since"])
                events.update(told["events"])
        return Shares(events, since, until)

    async def _take_back(self, route: str, failed: int, events: int) -> None:
        revision, self._trials = self._revision, {}
        before = await self._cell.store.apply(RevisionGet(self._before))
        if revision is None or before is None or not before.files:
            return
        why = f"{failed} of the first {events} events of {route} became work items after the change"
        self._cell.log("a change does not prove itself; going back", {"route": route, "why": why})
        try:
            applied = await self._leader.apply(Wanted(before.files, before.id, before.plans), Who(ACTOR, why))
        except Permanent as failure:
            self._cell.log("going back failed", {"route": route, "why": str(failure)})
            return
        if applied.state == "rejected":
            self._cell.log("going back failed", {"route": route, "why": applied.problem})
            return
        await self._cell.store.apply(RevisionMark(revision.id, revision.at, "past", "rejected", why))
