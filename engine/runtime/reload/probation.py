"""Probation: a route that changed proves itself with its first events, or the revision that brought it is taken back.

What is counted are events that became work items since the change, among those the route handled. Of several processes
each tells the others how many it handled, and each judges by the sum: by what all had told at one moment, for a failure
that is known before the events around it would count for more than it is.

While the events still come, failures are held against all the rule will look at, not against the few that were seen: of
50 events three are too many, one or two are not, however few came by then.

A route stays on probation when others change meanwhile, and begins again when it changes itself. It goes back to where it
last proved itself: a revision that ran, and no mixture that nobody ever tested. What came since then goes with it, and
comes with the next save; only where that would undo a risk that somebody accepted since, nothing is taken back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.compile.diff import diff
from engine.compile.plan import Plan, ProbationRule, RouteSet
from engine.core.clock import iso
from engine.core.errors import Permanent, StoreDown
from engine.core.jsonx import decode, digest_of
from engine.ports.store.figures import Lately
from engine.ports.store.revisions import Revision, RevisionGet, RevisionMark
from engine.ports.store.work import WorkFind
from engine.ports.store.workers import WorkerRow, WorkersSince
from engine.runtime.cell import Cell
from engine.runtime.heartbeat import LIVE
from engine.runtime.people.replay import Who
from engine.runtime.plans import Plans
from engine.runtime.reload.leader import CAME_FIRST, Leader
from engine.runtime.reload.wanted import Wanted

EVERY = 1.0  # seconds between looks
ACTOR = "tillflow probation"
LEAST = 3  # failures that say something of a change when its time is over; one or two may be bad receipts
TOLD_FOR = 30.0  # seconds after its end that others are told of a trial: theirs may end a little later
GOES_WITH = "taken back with revision {number}: {why}"


Handled = Callable[[str], int]  # how many events of a route this process handled


@dataclass
class Trial:
    """One route. `until` and `ended` on the monotonic clock, `since` in UTC microseconds.

    name     of its Plans, equal in all processes
    counted  what this process had handled when it began
    before   where the route last proved itself
    left     revisions since then, oldest first; from `first` on the route is what is tried
    own      routes that were changed together with it
    ended    when it was over; 0: it is not
    """

    plan: Plan
    name: str
    until: float
    since: int
    counted: int
    before: RouteSet
    left: list[Revision]
    first: int
    own: frozenset[str]
    ended: float = 0.0

    @property
    def revisions(self) -> set[str]:
        """Those under which what is tried runs."""
        return {one.id for one in self.left[self.first :]}


@dataclass(frozen=True)
class Shares:
    """What other processes told of a trial: events they handled, since when the first of them tries it, and until when
    all of them counted. Times in UTC microseconds.
    """

    events: int
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
        self._begun = asyncio.Event()

    def begin(self, before: RouteSet, after: RouteSet, revision: Revision) -> None:
        """Every route that is new or changed. Those that are not stay on probation where they are."""
        known, self._trials = self._trials, {}
        routes = before.by_route.keys() | after.by_route.keys()
        changed = frozenset(route for route in routes if before.by_route.get(route) != after.by_route.get(route))
        for route in after.plans:
            trial = known.get(route)
            if route in changed:
                trial = self._trial(route, before, after, revision, changed, trial)
            elif trial is not None:
                trial.left.append(revision)
            if trial is not None:
                self._trials[route] = trial
        self._begun.set()

    def _trial(
        self,
        route: str,
        before: RouteSet,
        after: RouteSet,
        revision: Revision,
        changed: frozenset[str],
        known: Trial | None,
    ) -> Trial | None:
        """None for one that is taken back to what it was, which has proved itself before."""
        left = [revision]
        if known is not None and not known.ended:
            before, left, changed = known.before, [*known.left, revision], known.own | changed
        plan, clock = after.plans[route], self._cell.clock
        again = revision.author == ACTOR or before.by_route.get(route) == after.by_route[route]
        if again or not plan.probation.events:
            return None
        until, counted = clock.monotonic() + plan.probation.within, self._handled(route)
        name = digest_of([list(one) for one in sorted(after.by_route[route])])
        return Trial(plan, name, until, clock.now(), counted, before, left, len(left) - 1, changed)

    def told(self) -> dict[str, Any]:
        """What other processes need to know of this one: of each trial how many events it handled since when."""
        end = self._cell.clock.monotonic() - TOLD_FOR
        recent = {route: trial for route, trial in self._trials.items() if not trial.ended or trial.ended > end}
        return {
            route: {"name": trial.name, "since": trial.since, "events": self._here(trial)}
            for route, trial in recent.items()
        }

    def shown(self) -> list[dict[str, Any]]:
        """Routes on probation, and since when."""
        return [{"route": trial.plan.route, "since": iso(trial.since)} for trial in self._open()]

    async def run(self) -> None:
        """Look again and again, while a route is on probation."""
        while True:
            if not self._open():
                self._begun.clear()
                await self._begun.wait()
            await self._cell.clock.sleep(EVERY)
            try:
                await self.look()
            except StoreDown:
                continue  # told once for all, see `reachable`; nothing comes in that could fail meanwhile

    async def look(self) -> None:
        """Once. Raises StoreDown."""
        rows = await self._others() if self._open() else []
        now = self._cell.clock.now()
        for trial in self._open():
            shares = self._shares(trial, rows, now)
            failed, events = await self._failed(trial, shares), await self._events(trial, shares)
            if self._trials.get(trial.plan.route) is not trial:
                return  # the route is another one by now
            rule = trial.plan.probation
            over = self._cell.clock.monotonic() >= trial.until or events >= rule.events
            if too_many(rule, failed, events, over=over):
                await self._take_back(trial, failed, max(events, failed))
                return
            if over:
                self._end(trial)

    # --- counting ----------------------------------------------------------------------------------------------------

    def _open(self) -> list[Trial]:
        return [trial for _, trial in sorted(self._trials.items()) if not trial.ended]

    def _end(self, trial: Trial) -> None:
        trial.ended = self._cell.clock.monotonic()

    async def _failed(self, trial: Trial, shares: Shares) -> int:
        """Distinct events of the route that became work items under what is tried."""
        items = await self._cell.store.apply(WorkFind(("open", "replayed", "resolved", "discarded"), trial.plan.route))
        counted = (item for item in items if shares.since <= item.created <= shares.until)
        return len({item.event_id or item.id for item in counted if item.revision in trial.revisions})

    async def _events(self, trial: Trial, shares: Shares) -> int:
        """What all processes handled, as they told or as it is written down."""
        told = self._here(trial) + shares.events
        if not trial.plan.has_inbox:
            return told
        everywhere, _ = await self._cell.store.apply(Lately(trial.plan.route, shares.since, 1))
        return max(told, everywhere)

    def _here(self, trial: Trial) -> int:
        return self._handled(trial.plan.route) - trial.counted

    async def _others(self) -> list[WorkerRow]:
        if not self._cell.shared:
            return []
        rows = await self._cell.store.apply(WorkersSince(self._cell.clock.now() - round(LIVE * 1_000_000)))
        return [row for row in rows if row.name != self._cell.worker]

    def _shares(self, trial: Trial, rows: Sequence[WorkerRow], now: int) -> Shares:
        since, until, events = trial.since, now, Counter[str]()
        for row in rows:
            until = min(until, row.at)
            told = decode(row.facts.encode()).get("proving", {}).get(trial.plan.route, {})
            if told.get("name") == trial.name:
                since = min(since, told["since"])
                events[row.name] = told["events"]
        return Shares(events.total(), since, until)

    # --- going back --------------------------------------------------------------------------------------------------

    async def _take_back(self, trial: Trial, failed: int, events: int) -> None:
        route = trial.plan.route
        why = f"{failed} of the first {events} events of {route} became work items after the change"
        if undone := self._undone(trial):
            self._end(trial)
            text = "a change does not prove itself, and is not taken back: that would undo what was accepted since"
            self._cell.log(text, {"route": route, "why": why, "level": "error", "undone": undone})
            return
        before = await self._cell.store.apply(RevisionGet(trial.before.digest))
        if before is None or not before.files:
            self._end(trial)
            self._cell.log("going back failed", {"route": route, "why": "the files of before are not kept any more"})
            return
        self._cell.log("a change does not prove itself; going back", {"route": route, "why": why})
        if await self._back(trial, Wanted(before.files, before.id, before.plans), Who(ACTOR, why)):
            await self._reject(trial, why)

    async def _back(self, trial: Trial, wanted: Wanted, who: Who) -> bool:
        """False when nothing came of it. That is the end of the trial, but where another revision came first."""
        try:
            applied = await self._leader.apply(wanted, who, instead_of=trial.left)
            why = applied.problem
        except Permanent as failure:
            why = str(failure)
        else:
            if applied.state != "rejected":
                return True
        if why != CAME_FIRST:
            self._end(trial)
            self._cell.log("going back failed", {"route": trial.plan.route, "why": why})
        return False

    def _undone(self, trial: Trial) -> str:
        """What is risky about going back, of changes that came after this one; its own risks were meant with it."""
        if len(trial.left) == trial.first + 1:
            return ""
        found = diff(self._plans.routeset, trial.before).risks
        return "; ".join(risk.text for risk in found if risk.refused and risk.route not in trial.own)

    async def _reject(self, trial: Trial, why: str) -> None:
        """None of these is taken again by itself."""
        number = trial.left[trial.first].number
        for at, one in enumerate(trial.left):
            text = why if at == trial.first else GOES_WITH.format(number=number, why=why)
            await self._cell.store.apply(RevisionMark(one.id, one.at, "past", "rejected", text))
