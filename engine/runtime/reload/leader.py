"""The leader of a change: offers a revision to every live process, waits for all of them, and decides for all.

Whoever wants a change leads it, under a lease, so that changes come one after the other. A leader that dies leaves a
staged revision nobody runs or an active one that not all could start: see `mending`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.ports.store.revisions import Report, Revision, RevisionReport, RevisionReports
from engine.ports.store.workers import WorkersSince
from engine.runtime.cell import Cell
from engine.runtime.crash import point
from engine.runtime.heartbeat import LIVE
from engine.runtime.people.replay import Who
from engine.runtime.reload import record
from engine.runtime.reload.leading import Leading
from engine.runtime.reload.mending import NOBODY
from engine.runtime.reload.waiting import LATE
from engine.runtime.reload.wanted import Wanted

READY_WITHIN = 30.0
RUNNING_WITHIN = 60.0
ASK_EVERY = 0.05
CAME_FIRST = "another revision is active by now"


@dataclass(frozen=True)
class Applied:
    """What became of a change.

    state      unchanged: it ran already
    problems   process -> why it could not
    behind     live processes that are not there yet; they will be
    """

    id: str
    state: Literal["active", "rejected", "unchanged"]
    problems: dict[str, str]
    behind: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        """All of them in one line."""
        return "; ".join(f"{worker}: {why}" if worker else why for worker, why in sorted(self.problems.items()))


class Leader:
    """Carries changes out, one at a time.

    nudge   has this process look at once; it is asked through the Store as all others are
    works   whether an engine runs here
    """

    def __init__(self, cell: Cell, leading: Leading, nudge: Callable[[], None], works: Callable[[], bool]) -> None:
        self._cell = cell
        self._leading = leading
        self._nudge = nudge
        self._works = works

    async def apply(
        self, wanted: Wanted, who: Who, accepts: str = "", instead_of: Sequence[Revision] | None = None
    ) -> Applied:
        """Have it run everywhere, or nowhere. Raises StoreDown, Permanent `busy`.

        accepts     risks that are meant, see `accepted_text`
        instead_of  only where one of these is active when its turn comes; else it is rejected with `CAME_FIRST`
        """
        async with self._leading.turn():
            now = await record.standing(self._cell)
            if now.active is not None and now.active.id == wanted.digest:
                return Applied(wanted.digest, "unchanged", {})
            if instead_of is not None and not _is_among(now.active, instead_of):
                return Applied(wanted.digest, "rejected", {"": CAME_FIRST})
            staged = await record.stage(self._cell, wanted, who, now.active, accepts)
            point("reload-staged")
            self._nudge()
            problems = await self._staged(staged)
            if problems:
                return await self._rejected(staged, who, problems)
            if not await record.activate(self._cell, staged, who, now.active, accepts):
                return Applied(staged.id, "rejected", {"": NOBODY})
            point("reload-activated")
            self._nudge()
            return await self._activated(staged, who, now.active)

    async def go_back(self, active: Revision, before: Revision, who: Who, problem: str) -> bool:
        """Have the one before run again everywhere, and `active` never by itself. False when it is not active."""
        done = await record.revert(self._cell, active, before, who, problem)
        self._nudge()
        return done

    # --- waiting -----------------------------------------------------------------------------------------------------

    async def _staged(self, staged: Revision) -> dict[str, str]:
        """Why not all are ready; empty when they are."""
        behind = await self._wait(staged, ("ready",), READY_WITHIN)
        reports = {one.worker: one for one in await self._reports(staged)}
        problems = {name: one.problem for name, one in reports.items() if one.stage in ("waits", "refused")}
        if not problems:
            problems = dict.fromkeys(behind, f"{LATE} {READY_WITHIN:g} s")
            await self._tell_late(staged, problems)
        return problems

    async def _tell_late(self, staged: Revision, problems: Mapping[str, str]) -> None:
        """In the place of those that said nothing in time: they only wait, as far as is known. What they say after all
        takes the place of it.
        """
        now = self._cell.clock.now()
        late = [Report(worker, "waits", problem, now) for worker, problem in problems.items()]
        if late:
            await self._cell.store.apply_all(*(RevisionReport(staged.id, staged.at, one) for one in late))

    async def _activated(self, staged: Revision, who: Who, before: Revision | None) -> Applied:
        behind = await self._wait(staged, ("running",), RUNNING_WITHIN)
        failed = {one.worker: one.problem for one in await self._reports(staged) if one.stage == "failed"}
        if not failed:
            return Applied(staged.id, "active", {}, tuple(behind))
        result = Applied(staged.id, "rejected", failed)
        if before is not None and await self.go_back(staged, before, who, result.problem):
            back = await record.standing(self._cell)
            if back.active is not None:
                await self._wait(back.active, ("running",), RUNNING_WITHIN)
        return result

    async def _rejected(self, staged: Revision, who: Who, problems: dict[str, str]) -> Applied:
        result = Applied(staged.id, "rejected", problems)
        await record.reject(self._cell, staged, who, result.problem)
        return result

    async def _wait(self, revision: Revision, good: tuple[str, ...], within: float) -> list[str]:
        """Until all live processes have reported, or one says no. Answers those that have not."""
        clock = self._cell.clock
        end = clock.monotonic() + within
        while True:
            reports = {one.worker: one.stage for one in await self._reports(revision)}
            behind = [name for name in await self._live() if reports.get(name) not in good]
            refused = any(stage in ("waits", "refused", "failed") for stage in reports.values())
            if not behind or refused or clock.monotonic() >= end:
                return behind
            await clock.sleep(ASK_EVERY)

    async def _reports(self, revision: Revision) -> list[Report]:
        return await self._cell.store.apply(RevisionReports(revision.id))

    async def _live(self) -> list[str]:
        if not self._cell.shared:
            return [self._cell.worker] if self._works() else []
        since = self._cell.clock.now() - round(LIVE * 1_000_000)
        return [row.name for row in await self._cell.store.apply(WorkersSince(since))]


def _is_among(active: Revision | None, known: Sequence[Revision]) -> bool:
    return active is not None and (active.id, active.at) in {(one.id, one.at) for one in known}
