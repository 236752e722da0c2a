"""A project's files, again and again: what is new and good is applied, what is not is told and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from engine.core.clock import iso
from engine.core.errors import Permanent, StoreDown, TillflowError
from engine.ports.store.revisions import RevisionGet
from engine.runtime.cell import Cell
from engine.runtime.duty import Duty
from engine.runtime.people.replay import Who
from engine.runtime.plans import Plans
from engine.runtime.reload.leader import Applied, Leader
from engine.runtime.reload.wanted import Project, Wanted

EVERY = 0.1  # seconds between two questions; the reader itself looks as often as it must
SELDOM = 2.0  # the same, where another process watches
WATCHER = Who("tillflow", "a file changed")

Change = Callable[[Wanted, Who], Awaitable[Applied]]


class Watching:
    """`run` until cancelled. Of several processes on a cell one watches."""

    def __init__(self, cell: Cell, plans: Plans, project: Project, leader: Leader, change: Change) -> None:
        self._cell = cell
        self._plans = plans
        self._project = project
        self._leader = leader
        self._change = change
        self._duty = Duty(cell, "watch")
        self._pending: Wanted | None = None
        self._error: tuple[str, dict[str, Any]] | None = None

    @property
    def last_error(self) -> dict[str, Any] | None:
        """The last edit that was not taken; None once one was, or somebody had this one applied."""
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
        await self._leader.mend()
        assert self._project.reader is not None
        found = await self._project.reader.changed()
        if found is not None:
            self._pending = found
        if self._pending is not None:
            await self._take(self._pending)
            self._pending = None
        return True

    async def now(self) -> Wanted:
        """The files as they are now. Raises Permanent `no-project`."""
        if self._project.reader is None:
            raise Permanent("no-project", "this process does not read a project; give it the files")
        return await self._project.reader.now()

    async def _take(self, wanted: Wanted) -> None:
        if wanted.errors:
            self._refuse(wanted, "these files have errors; what runs goes on", list(wanted.errors))
            return
        if wanted.digest == self._plans.revision:
            self._error = None
            return
        known = await self._cell.store.apply(RevisionGet(wanted.digest))
        if known is not None and known.state == "rejected" and known.files == wanted.files:
            self._refuse(
                wanted, "these files were tried before and not taken; apply them to try again", [known.problem]
            )
            return
        try:
            applied = await self._change(wanted, WATCHER)
        except StoreDown:
            raise
        except TillflowError as error:
            self._refuse(wanted, "these files cannot be applied; what runs goes on", [str(error)])
            return
        if applied.state == "rejected":
            self._refuse(wanted, "not all could run these files; what runs goes on", [applied.problem])
        else:
            self._error = None

    def _refuse(self, wanted: Wanted, text: str, problems: list[str]) -> None:
        now = self._cell.clock.now()
        self._error = wanted.digest, {"at": iso(now), "text": text, "problems": problems}
        for problem in problems:
            self._cell.log(text, {"why": problem})
