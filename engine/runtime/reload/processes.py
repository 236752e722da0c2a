"""How far each process is with what is wanted, and what the one that watches the files says of them."""

from __future__ import annotations

from typing import Any

from engine.core.clock import iso
from engine.core.jsonx import decode
from engine.ports.store.revisions import Report, Revision, RevisionReports
from engine.ports.store.workers import WorkersSince
from engine.runtime.cell import Cell
from engine.runtime.heartbeat import LIVE

NOT_YET = "not yet"

Facts = dict[str, dict[str, Any]]


async def live(cell: Cell, own: dict[str, Any] | None) -> Facts:
    """What each live process tells of itself, by its name. `own`: what this one does, where it works.

    Raises StoreDown.
    """
    rows = await cell.store.apply(WorkersSince(cell.clock.now() - round(LIVE * 1_000_000)))
    told = {row.name: decode(row.facts.encode()) for row in rows}
    return {**told, cell.worker: own} if own is not None else told


async def standing_of(cell: Cell, wanted: Revision | None, facts: Facts) -> list[dict[str, Any]]:
    """A dict for each live process.

    stage   of what is wanted: ready or refused, running or failed, or `not yet`
    runs    id of the revision it runs
    """
    reports: dict[str, Report] = {}
    if wanted is not None:
        reports = {one.worker: one for one in await cell.store.apply(RevisionReports(wanted.id))}
    return [_standing(name, told, reports.get(name), wanted) for name, told in sorted(facts.items())]


def _standing(name: str, told: dict[str, Any], report: Report | None, wanted: Revision | None) -> dict[str, Any]:
    running = report is not None and report.stage == "running" and wanted is not None
    return {
        "worker": name,
        "stage": report.stage if report is not None else NOT_YET,
        "runs": wanted.id if running and wanted is not None else told.get("revision", ""),
        "problem": report.problem if report is not None else "",
        "at": iso(report.at) if report is not None else "",
    }


def last_error(facts: Facts) -> dict[str, Any] | None:
    """The last edit that was not taken, by whoever watches the files: when, and why line by line."""
    found = [told["last_error"] for told in facts.values() if told.get("last_error")]
    return max(found, key=lambda one: str(one["at"]), default=None)
