"""What the audit says of work items and revisions: when, who, what and why, oldest first."""

from __future__ import annotations

from collections.abc import Iterable

from engine.compile.risks import accepted_in
from engine.core.clock import iso
from engine.ports.store.audit import AuditList, AuditRow
from engine.ports.store.work import WorkItem
from engine.runtime.cell import Cell
from engine.runtime.people.answers import Answer

MOST = 100  # of one item or revision, the newest of them


def target_of(item: WorkItem) -> str:
    """What an audit row calls a work item."""
    return f"{item.route}/{item.id}"


async def decisions(cell: Cell, item: WorkItem) -> list[Answer]:
    """What was decided of a work item. `state`: the item's after it; empty where that stayed, as after an edit."""
    rows = await cell.store.apply(AuditList(MOST, (target_of(item),)))
    return [{**_shown(row, "work."), "state": row.after if row.action != "work.edit" else ""} for row in reversed(rows)]


async def events(cell: Cell, revisions: Iterable[str]) -> dict[str, list[Answer]]:
    """What became of revisions, by their ids. `accepts`: risks that were accepted, with the routes they are of."""
    found: dict[str, list[Answer]] = {id: [] for id in revisions}
    if found:
        rows = await cell.store.apply(AuditList(MOST * len(found), tuple(found)))
        for row in reversed(rows):
            accepts = [{"risk": name, "route": route} for name, route in accepted_in(row.after)]
            found[row.target].append({**_shown(row, "revision."), "accepts": accepts})
    return found


def _shown(row: AuditRow, kind: str) -> Answer:
    return {
        "at": iso(row.at),
        "action": row.action.removeprefix(kind),
        "actor": row.actor,
        "reason": row.reason,
    }
