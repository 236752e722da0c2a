"""Revisions in the Store: each change of what runs is one transaction with its audit row."""

from __future__ import annotations

from engine.core.errors import Fenced
from engine.ports.store.audit import AuditAppend, AuditRow
from engine.ports.store.revisions import Revision, RevisionMark, RevisionPut, RevisionsNow, Standing
from engine.runtime.cell import Cell
from engine.runtime.people.replay import Who
from engine.runtime.reload.wanted import Wanted


async def standing(cell: Cell) -> Standing:
    """The active and the staged revision. Raises StoreDown."""
    return await cell.store.apply(RevisionsNow())


async def stage(cell: Cell, wanted: Wanted, who: Who, before: Revision | None, accepts: str = "") -> Revision:
    """Offer it to every process. `accepts`: risks that are meant, see `accepted_text`. Raises StoreDown."""
    at = max(cell.clock.now(), before.at + 1 if before is not None else 0)
    revision = Revision(wanted.digest, wanted.plans, wanted.files, "staged", who.actor, who.reason, at)
    row = AuditRow(at, who.actor, "revision.stage", wanted.digest, who.reason, _id(before), accepts)
    await cell.store.apply_all(RevisionPut(revision), AuditAppend(row))
    return revision


async def activate(cell: Cell, staged: Revision, who: Who, before: Revision | None, accepts: str = "") -> bool:
    """All run it from now on. False when it is not staged any more."""
    now = cell.clock.now()
    row = AuditRow(now, who.actor, "revision.activate", staged.id, who.reason, _id(before), accepts)
    mark = RevisionMark(staged.id, staged.at, "staged", "active", required=True)
    return await _done(cell, mark, AuditAppend(row))


async def reject(cell: Cell, staged: Revision, who: Who, problem: str) -> bool:
    """Nobody runs it. False when it is not staged any more."""
    row = AuditRow(cell.clock.now(), who.actor, "revision.reject", staged.id, problem)
    mark = RevisionMark(staged.id, staged.at, "staged", "rejected", problem, required=True)
    return await _done(cell, mark, AuditAppend(row))


async def revert(cell: Cell, active: Revision, before: Revision, who: Who, problem: str) -> bool:
    """All run the one before again. False when something else is active by now."""
    now = max(cell.clock.now(), active.at + 1)
    row = AuditRow(now, who.actor, "revision.revert", active.id, problem, active.id, before.id)
    again = AuditRow(now, who.actor, "revision.activate", before.id, problem, active.id)
    back = RevisionMark(before.id, before.at, "past", "active", now=now, required=True)
    away = RevisionMark(active.id, active.at, "past", "rejected", problem, required=True)
    return await _done(cell, back, away, AuditAppend(row), AuditAppend(again))


async def take_back(cell: Cell, left: Revision, instead: str, who: Who) -> None:
    """Somebody had another one run instead: it is not taken again by itself."""
    why = f"taken back by {who.actor}: {who.reason}"
    row = AuditRow(cell.clock.now(), who.actor, "revision.take-back", left.id, who.reason, left.id, instead)
    await _done(cell, RevisionMark(left.id, left.at, "past", "rejected", why, required=True), AuditAppend(row))


def _id(revision: Revision | None) -> str:
    return revision.id if revision is not None else ""


async def _done(cell: Cell, *ops: RevisionMark | AuditAppend) -> bool:
    try:
        await cell.store.apply_all(*ops)
    except Fenced:
        return False
    return True
