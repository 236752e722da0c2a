"""What a leader left that died: a staged revision is withdrawn, an active one that does not start here is taken back.

Every process looks, so it does not matter which of them is left.
"""

from __future__ import annotations

from contextlib import suppress

from engine.core.errors import StoreDown
from engine.ports.store.revisions import Revision, RevisionGet
from engine.runtime.cell import Cell
from engine.runtime.people.replay import Who
from engine.runtime.reload import record
from engine.runtime.reload.leading import Leading
from engine.runtime.reload.member import Member

EVERY = 1.0  # seconds between looks
SELDOM = 60.0  # where nobody else leads: only what this process itself left when it died
NOBODY = "its leader went away before all were ready"
WHO = Who("tillflow", "the leader is gone")


class Mending:
    """`run` until cancelled."""

    def __init__(self, cell: Cell, leading: Leading, member: Member) -> None:
        self._cell = cell
        self._leading = leading
        self._member = member

    async def run(self) -> None:
        """Look again and again."""
        while True:
            with suppress(StoreDown):  # nothing changes meanwhile
                await self.look()
            await self._cell.clock.sleep(EVERY if self._cell.shared else SELDOM)

    async def look(self) -> None:
        """Once. Raises StoreDown."""
        now = await record.standing(self._cell)
        if now.staged is None and not self._failed(now.active):
            return
        async with self._leading.at_once() as mine:
            if mine:
                await self._mend()

    async def _mend(self) -> None:
        now = await record.standing(self._cell)
        if now.staged is not None and await record.reject(self._cell, now.staged, WHO, NOBODY):
            self._cell.log("a revision is withdrawn", {"wanted": now.staged.id, "why": NOBODY})
        why = self._failed(now.active)
        if now.active is None or not why:
            return
        before = await self._cell.store.apply(RevisionGet(self._member.running))
        if before is not None and await record.revert(self._cell, now.active, before, WHO, why):
            text = "a revision that does not start here is taken back; its leader is gone"
            self._cell.log(text, {"wanted": now.active.id, "why": why})
            self._member.nudge()

    def _failed(self, active: Revision | None) -> str:
        """Why what all should run does not run here."""
        return self._member.failed(active) if active is not None else ""
