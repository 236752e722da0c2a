"""Probation: a route that changed proves itself with its first events, or the revision that brought it is taken back.

What is counted are events that became work items since the change, among those the route handled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.compile.plan import Plan, RouteSet
from engine.core.clock import iso
from engine.core.errors import Permanent, StoreDown
from engine.ports.store.figures import Lately
from engine.ports.store.revisions import Revision, RevisionGet, RevisionMark
from engine.ports.store.work import WorkFind
from engine.runtime.cell import Cell
from engine.runtime.people.replay import Who
from engine.runtime.plans import Plans
from engine.runtime.reload.leader import Leader
from engine.runtime.reload.wanted import Wanted

EVERY = 1.0  # seconds between looks
ACTOR = "tillflow probation"


Handled = Callable[[str], int]  # how many events of a route this process handled


@dataclass(frozen=True)
class Trial:
    """One route. `since` in UTC microseconds, `until` on the monotonic clock."""

    plan: Plan
    since: int
    until: float


class Probation:
    """`begin` after a swap, `run` until cancelled."""

    def __init__(self, cell: Cell, plans: Plans, leader: Leader, handled: Handled) -> None:
        self._cell = cell
        self._plans = plans
        self._leader = leader
        self._handled = handled
        self._trials: dict[str, Trial] = {}
        self._counted: dict[str, int] = {}
        self._before = ""
        self._revision: Revision | None = None

    def begin(self, before: RouteSet, after: RouteSet, revision: Revision) -> None:
        """Every route that is new or changed. One that is taken back to what it was has proved itself before."""
        self._trials.clear()
        self._revision, self._before = revision, before.digest
        if revision.author == ACTOR:
            return
        clock = self._cell.clock
        for route, plan in after.plans.items():
            changed = before.plans.get(route) is not plan or before.by_route[route] != after.by_route[route]
            if changed and plan.probation.events:
                self._trials[route] = Trial(plan, clock.now(), clock.monotonic() + plan.probation.within)
                self._counted[route] = self._handled(route)

    def shown(self) -> list[dict[str, Any]]:
        """Routes on probation, and since when."""
        return [{"route": route, "since": iso(trial.since)} for route, trial in sorted(self._trials.items())]

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await self._cell.clock.sleep(EVERY)
            try:
                await self.look()
            except StoreDown:
                continue

    async def look(self) -> None:
        """Once. Raises StoreDown."""
        for route, trial in list(self._trials.items()):
            failed, events = await self._failed(trial), await self._events(trial)
            rule = trial.plan.probation
            over = self._cell.clock.monotonic() >= trial.until or events >= rule.events
            most = rule.failing * (min(events, rule.events) if over else rule.events)
            if failed > most:
                await self._take_back(route, failed, max(events, failed))
                return
            if over:
                del self._trials[route]

    async def _failed(self, trial: Trial) -> int:
        """Distinct events of the route that became work items since."""
        items = await self._cell.store.apply(WorkFind(("open", "replayed", "resolved", "discarded"), trial.plan.route))
        return len({item.event_id or item.id for item in items if item.created >= trial.since})

    async def _events(self, trial: Trial) -> int:
        """What this process handled, or all of them did where outcomes are written down."""
        here = self._handled(trial.plan.route) - self._counted[trial.plan.route]
        if not trial.plan.has_inbox:
            return int(here)
        everywhere, _ = await self._cell.store.apply(Lately(trial.plan.route, trial.since, 1))
        return max(int(here), everywhere)

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
