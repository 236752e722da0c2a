"""One process among those of its cell: gets ready for what is staged, runs what is active, and says how far it is.

It never reads a project's files: what it needs is in the Store. While the Store is down nothing changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from engine.compile.plan import RouteSet
from engine.core.errors import StoreDown, TillflowError
from engine.ports.store.revisions import Report, Revision, RevisionGet, RevisionReport, Stage
from engine.runtime.cell import Cell
from engine.runtime.delivery.limits import until
from engine.runtime.plans import Plans
from engine.runtime.reload import record
from engine.runtime.reload.staging import Problem, Staging
from engine.runtime.reload.swap import Swap
from engine.runtime.reload.wanted import Build

EVERY = 0.2  # seconds between looks, where others may have changed something
KEPT = 4  # RouteSets that are ready: what is staged, and what was left a moment ago

Attempt = tuple[str, int]


class Member:
    """`run` until cancelled; `nudge` when something is known to have changed.

    swapped   told (before, after, revision) once this process runs another RouteSet
    """

    def __init__(self, cell: Cell, plans: Plans, build: Build, staging: Staging, swap: Swap) -> None:
        self._cell = cell
        self._plans = plans
        self._build = build
        self._staging = staging
        self._swap = swap
        self._nudged = asyncio.Event()
        self._ready: dict[str, RouteSet] = {}
        self._staged: Attempt | None = None  # the last one reported on
        self._active: Attempt | None = None
        self._failure = ""  # why that one did not start here
        self.swapped: Callable[[RouteSet, RouteSet, Revision], None] = lambda before, after, revision: None
        self.report: Report | None = None

    @property
    def runs(self) -> str:
        """The revision that runs here in all its parts; empty before the first look."""
        return self._active[0] if self._active is not None else ""

    @property
    def running(self) -> str:
        """The revision whose Plans run here now."""
        return self._plans.revision

    def failed(self, active: Revision) -> str:
        """Why this revision did not start here; empty when it did, or was not tried yet."""
        return self._failure if (active.id, active.at) == self._active else ""

    def nudge(self) -> None:
        """Look now."""
        self._nudged.set()

    async def run(self) -> None:
        """Look again and again."""
        while True:
            self._nudged.clear()
            with suppress(StoreDown):  # told once for all, see `runtime.reachable`
                await self.look()
            await until(self._nudged, EVERY if self._cell.shared else 3600.0)

    async def look(self) -> None:
        """Once. Raises StoreDown."""
        now = await record.standing(self._cell)
        if now.active is not None and (now.active.id, now.active.at) != self._active:
            await self._activate(now.active)
        if now.staged is not None and (now.staged.id, now.staged.at) != self._staged:
            await self._stage(now.staged)

    async def _stage(self, staged: Revision) -> None:
        problems = await self.problems(staged)
        stage: Stage = "ready"
        if problems:
            stage = "waits" if all(problem.passes for problem in problems) else "refused"
        elif staged.id in self._ready:
            self._plans.expect(self._ready[staged.id])
        await self._tell(staged, stage, "; ".join(problem.text for problem in problems))
        self._staged = (staged.id, staged.at)

    async def problems(self, staged: Revision) -> list[Problem]:
        """Why this process could not run it now; empty when it could. Nothing that runs is touched. Raises StoreDown."""
        try:
            routeset = await self._routeset(staged)
        except ValueError as error:
            return [Problem(str(error), passes=False)]
        return await self._staging.problems(self._plans.routeset, routeset)

    async def _activate(self, active: Revision) -> None:
        """One that does not start here leaves what ran; the leader decides for all."""
        before = self._plans.routeset
        stage: Stage = "running"
        problem = ""
        self._plans.numbered(active.id, active.number)
        if active.id != self._plans.revision:
            try:
                after = await self._routeset(active)
                await self._swap.to(after)
            except (TillflowError, ValueError, OSError) as error:
                if isinstance(error, StoreDown):
                    raise
                stage, problem = "failed", str(error)
            else:
                self.remember(before)
                self.swapped(before, after, active)
        if problem:
            text = f"revision {active.number} does not start here; the one before runs on"
            self._cell.log(text, {"wanted": active.id, "why": problem})
        else:
            self._cell.log("runs", self._plans.stamp())
        await self._tell(active, stage, problem)
        self._active, self._failure = (active.id, active.at), problem

    async def _routeset(self, revision: Revision) -> RouteSet:
        """Ready already, or compiled now. Raises ValueError that says why it cannot be."""
        known = self._ready.get(revision.id)
        if known is None:
            whole = revision if revision.files else await self._cell.store.apply(RevisionGet(revision.id))
            if whole is None or not whole.files:
                raise ValueError("its files are not kept any more")
            known = await self._build(whole, self._plans.routeset)
            self.remember(known)
        return known

    def remember(self, routeset: RouteSet) -> None:
        """It is compiled: when it is staged it need not be again."""
        self._ready.pop(routeset.digest, None)
        self._ready[routeset.digest] = routeset
        if len(self._ready) > KEPT:
            del self._ready[next(iter(self._ready))]

    async def _tell(self, revision: Revision, stage: Stage, problem: str) -> None:
        self.report = Report(self._cell.worker, stage, problem, self._cell.clock.now())
        await self._cell.store.apply(RevisionReport(revision.id, revision.at, self.report))
