"""Who accepted a risk: with which revision, when and why, as the audit has it."""

from __future__ import annotations

from typing import Any

from engine.ports.store.revisions import Revision, RevisionList
from engine.runtime.cell import Cell
from engine.runtime.people.decided import events

Shown = dict[str, Any]


async def with_acceptances(cell: Cell, shown: Shown, old: Revision, new: Revision) -> Shown:
    """A difference (see `RouteSetDiff.shown`) whose risks say in `accepted` who accepted them on the way from the older
    revision to the newer one: a list of `number`, `actor`, `at` and `reason`. Looking back nothing was accepted.
    """
    risks = [(change["route"], risk) for change in shown["changes"] for risk in change["risks"]]
    said = await _said(cell, old, new) if risks else {}
    for route, risk in risks:
        risk["accepted"] = said.get((risk["name"], route), [])
    return shown


async def _said(cell: Cell, old: Revision, new: Revision) -> dict[tuple[str, str], list[Shown]]:
    known = await cell.store.apply(RevisionList(1_000_000))
    numbers = {one.id: one.number for one in known if old.number < one.number <= new.number}
    found: dict[tuple[str, str], list[Shown]] = {}
    for id, told in (await events(cell, numbers)).items():
        for one in told:
            for risk in one["accepts"] if one["action"] == "activate" else ():
                who = {name: one[name] for name in ("actor", "at", "reason")}
                found.setdefault((risk["risk"], risk["route"]), []).append({"number": numbers[id], **who})
    return found
