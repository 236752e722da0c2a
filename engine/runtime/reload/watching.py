"""A project's files, again and again: what is new and good is applied, what is not is told and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from engine.core.clock import iso
from engine.core.errors import Permanent, StoreDown, TillflowError, Transient
from engine.ports.store.revisions import OVERTAKEN, Report, RevisionGet, RevisionReports
from engine.runtime.cell import Cell
from engine.runtime.duty import Duty
from engine.runtime.people.replay import Who
from engine.runtime.plans import Plans
from engine.runtime.reload.leader import Applied
from engine.runtime.reload.leading import BUSY, renewed
from engine.runtime.reload.mending import NOBODY
from engine.runtime.reload.staging import Problem
from engine.runtime.reload.waiting import MOST_LATE, Waiting, only_late, only_waits
from engine.runtime.reload.wanted import Project, Wanted

EVERY = 0.1  # seconds between two questions; the reader itself looks as often as it must
SELDOM = 1.0  # the same, where another process watches
LEASE = 6.0  # seconds until another process watches after the one that did died
NOT_THEIR_FAULT = (NOBODY, OVERTAKEN)  # why good files may not have been taken
NOT_ALL = "not all could run these files; what runs goes on"
RIGHT_AGAIN = "these files are right again"
WATCHER = Who("tillflow", "a file changed")

Change = Callable[[Wanted, Who], Awaitable[Applied]]
InTheWay = Callable[[Wanted], Awaitable[list[Problem]]]  # why this process could not run it now; empty: it could


class Watching:
    """`run` until cancelled. Of several processes on a cell one watches."""

    def __init__(self, cell: Cell, plans: Plans, project: Project, change: Change, in_the_way: InTheWay) -> None:
        self._cell = cell
        self._plans = plans
        self._project = project
        self._change = change
        self._in_the_way = in_the_way
        self._duty = Duty(cell, "watch", LEASE)
        self._pending: Wanted | None = None
        self._waiting: Waiting | None = None
        self._error: tuple[str, dict[str, Any]] | None = None
        self._wrong = False  # it was told that the files have errors, and not yet that they are right again

    @property
    def last_error(self) -> dict[str, Any] | None:
        """The last edit that was not taken, or waits; None once one was taken, or somebody had this one applied.

        next_try   when one that waits is tried again; empty: not by itself
        """
        if self._error is not None and self._error[0] == self._plans.revision:
            self._error = None
        return self._error[1] if self._error is not None else None

    async def run(self) -> None:
        """Look again and again."""
        try:
            while True:
                try:
                    mine = await self.look()
                except StoreDown:
                    mine = False  # no reload; what was read waits
                await self._cell.clock.sleep(EVERY if mine else SELDOM)
        finally:
            await self._duty.drop()

    async def look(self) -> bool:
        """Once. False when another process watches. Raises StoreDown."""
        if not await self._duty.mine():
            return False
        assert self._project.reader is not None
        found = await self._project.reader.changed()
        if found is not None:
            self._pending, self._waiting = found, None
        if self._waiting is not None and self._waiting.beside != self._plans.revision:
            self._give_up()
        if self._pending is not None:
            async with renewed(self._cell.clock, LEASE / 3, self._duty.mine):
                await self._take(self._pending)
            self._pending = None
        elif self._waiting is not None and self._waiting.is_due:
            async with renewed(self._cell.clock, LEASE / 3, self._duty.mine):
                await self._again(self._waiting.wanted)
        return True

    async def now(self) -> Wanted:
        """The files as they are now. Raises Permanent `no-project`."""
        if self._project.reader is None:
            raise Permanent("no-project", "this process does not read a project; give it the files")
        return await self._project.reader.now()

    async def _take(self, wanted: Wanted) -> None:
        if wanted.errors:
            self._wrong = True
            self._refuse(wanted, "these files have errors; what runs goes on", list(wanted.errors))
            return
        if wanted.digest == self._plans.revision:
            self._error = None
            self._right_again()
            return
        known = await self._cell.store.apply(RevisionGet(wanted.digest))
        refused = known is not None and known.state == "rejected" and known.problem not in NOT_THEIR_FAULT
        if known is None or not refused or known.files != wanted.files:
            await self._try(wanted)
        elif only_waits(reports := await self._reports(wanted)):  # it did so for another process, or before a restart
            self._wait(wanted, [known.problem], late=only_late(reports))
        else:
            text = "these files were tried before and not taken; apply them to try again"
            self._refuse(wanted, text, [known.problem])

    async def _again(self, waited: Wanted) -> None:
        """Look first what is in the way here, so that no attempt is written down in vain."""
        found = await self._in_the_way(waited)
        told = [f"{self._cell.worker}: {'; '.join(problem.text for problem in found)}"]
        if not found:
            await self._try(waited)
        elif all(problem.passes for problem in found):
            self._wait(waited, told)
        else:
            self._refuse(waited, NOT_ALL, told)

    async def _try(self, wanted: Wanted) -> None:
        try:
            applied = await self._change(wanted, WATCHER)
        except StoreDown:
            raise
        except Transient as error:
            self._wait(wanted, [str(error)])
        except TillflowError as error:
            if isinstance(error, Permanent) and error.reason == BUSY:
                self._wait(wanted, [str(error)])
                return
            self._refuse(wanted, "these files cannot be applied; what runs goes on", [str(error)])
        else:
            if applied.state != "rejected":
                self._error = self._waiting = None
                self._right_again()
            elif only_waits(reports := await self._reports(wanted)):
                self._wait(wanted, [applied.problem], late=only_late(reports))
            else:
                self._refuse(wanted, NOT_ALL, [applied.problem])

    async def _reports(self, wanted: Wanted) -> list[Report]:
        return await self._cell.store.apply(RevisionReports(wanted.digest))

    def _wait(self, wanted: Wanted, problems: list[str], *, late: bool = False) -> None:
        """Told once, and again when there is another reason."""
        if self._waiting is None:
            self._waiting = Waiting(self._cell.clock, wanted, self._plans.revision)
        self._waiting.tried(late=late)
        if self._waiting.is_over:
            text = f"these files were offered {MOST_LATE} times and not all got ready; apply them to try again"
            self._refuse(wanted, text, problems)
            return
        new = self._error is None or self._error[0] != wanted.digest or self._error[1]["problems"] != problems
        self._tell(wanted, "these files wait; what runs goes on", problems, self._waiting.next_try, log=new)

    def _give_up(self) -> None:
        """Another revision runs by now: it is not for an edit from before to replace it."""
        self._waiting = None
        if self._error is not None:
            self._error[1]["next_try"] = ""

    def _right_again(self) -> None:
        """Told once: whoever reads the log sees that nothing is left to correct."""
        if self._wrong:
            self._wrong = False
            self._cell.log(RIGHT_AGAIN, {})

    def _refuse(self, wanted: Wanted, text: str, problems: list[str]) -> None:
        self._waiting = None
        self._tell(wanted, text, problems)

    def _tell(self, wanted: Wanted, text: str, problems: list[str], next_try: str = "", *, log: bool = True) -> None:
        now = self._cell.clock.now()
        self._error = wanted.digest, {"at": iso(now), "text": text, "problems": problems, "next_try": next_try}
        for problem in problems if log else ():
            self._cell.log(text, {"why": problem, **({"next_try": next_try} if next_try else {})})
