"""Completeness in memory, event by event: the oracle the SQL of other backends is compared with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.core.ids import continuation_id
from engine.core.numbers import EXACT
from engine.ports.store import figures
from engine.ports.store.figures import Figures
from engine.ports.store.inbox import InboxRow, Planned
from engine.ports.store.ledger import FINAL
from engine.ports.store.work import WorkItem

from .state import Memory

# What an event is counted as: the first of these that holds for any part of it.
PRECEDENCE = ("work_items", "in_flight", "discarded", "superseded", "applied", "filtered", "not_selected")


def of(m: Memory, op: figures.FiguresOf) -> list[Figures]:
    received = [
        row
        for row in m.inbox.values()
        if not row.segment
        and op.route in ("", row.route)
        and (op.since or row.key.day) <= row.key.day <= (op.until or row.key.day)
    ]
    found = []
    for route in sorted({row.route for row in received}):
        rows = [row for row in received if row.route == route]
        sinks = sorted({p.sink for row in rows for leaf in _leaves(m, row) if leaf for p in leaf.planned})
        found += [_figures(m, route, sink, rows) for sink in ("", *sinks)]
    return found


def _figures(m: Memory, route: str, sink: str, rows: list[InboxRow]) -> Figures:
    counts: dict[str, int] = dict.fromkeys(("received", *PRECEDENCE), 0)
    filtered_by: dict[str, int] = {}
    amounts: dict[str, dict[str, Decimal]] = {"received": {}, "applied": {}}
    for row in rows:
        fate = _fate(m, row, sink)
        counts["received"] += 1
        counts[fate] += 1
        if fate == "filtered":
            reason = max(leaf.reason for leaf in _leaves(m, row) if leaf and leaf.kind == "filtered")
            filtered_by[reason] = filtered_by.get(reason, 0) + 1
        for name in ("received", "applied") if row.amount else ():
            if name in ("received", fate):
                before = amounts[name].get(row.currency, Decimal())
                amounts[name][row.currency] = EXACT.add(before, Decimal(row.amount))
    duplicates = 0 if sink else sum(m.duplicates.get((route, row.key), 0) for row in rows)
    return Figures(
        route,
        sink,
        **counts,
        duplicates=duplicates,
        filtered_by=filtered_by,
        received_amount=amounts["received"],
        applied_amount=amounts["applied"],
    )


def _leaves(m: Memory, row: InboxRow) -> list[InboxRow | None]:
    """The row and everything that went on from it; None where something has not gone on yet."""
    leaves: list[InboxRow | None] = [row]
    if row.kind == "step_state":
        following = _continuations(m, row)
        for name in following:
            rows = [r for (route, key), r in m.inbox.items() if route == row.route and key.id == name and r.segment]
            leaves += [leaf for one in rows for leaf in _leaves(m, one)] or [None]
        if not following:
            leaves.append(None)
    return leaves


def _continuations(m: Memory, row: InboxRow) -> set[str]:
    groups = {
        continuation_id(group.route, group.step, group.group, generation)
        for (route, _, event_id, _), (group, generation) in m.membership.items()
        if (route, event_id) == (row.route, row.key.id)
    }
    delays = {
        timer.id
        for timer, _ in m.timers.values()
        if (timer.kind, timer.route, timer.key) == ("delay", row.route, row.key.id)
    }
    return groups | delays


def _fate(m: Memory, row: InboxRow, sink: str) -> str:
    fates = {"not_selected"}
    for leaf in _leaves(m, row):
        if leaf is None:
            fates.add("in_flight")
            continue
        fates |= _own(m, leaf)
        fates |= {_delivery(m, leaf, p) for p in leaf.planned if sink in ("", p.sink)}
        if any(sink in ("", item.sink) for item in _open_items(m, leaf)):
            fates.add("work_items")
    return next(fate for fate in PRECEDENCE if fate in fates)


def _open_items(m: Memory, row: InboxRow) -> list[WorkItem]:
    """Open work items of the row's route that are about its event."""
    open_ones = [w for w in m.work.values() if w.state == "open" and w.route == row.route and not w.of_another_record]
    return [w for w in open_ones if row.key.id in (w.event_id, w.subject)]


def _own(m: Memory, row: InboxRow) -> set[str]:
    """What the row says of itself, apart from its deliveries."""
    if row.kind == "work_item":
        if row.state == "open":
            return {"in_flight"}
        items = [w for w in m.work.values() if (w.route, w.subject, w.level) == (row.route, row.key.id, "event")]
        state = max(items, key=lambda item: item.updated).state if items else "open"
        return {{"discarded": "discarded", "resolved": "applied"}.get(state, "work_items")}
    if not row.plan:
        return {"in_flight"}
    return {"filtered"} if row.kind == "filtered" else set()


def _delivery(m: Memory, row: InboxRow, planned: Planned) -> str:
    if planned.via == "bus":
        return "applied" if row.state == "routed" else "in_flight"
    there = m.ledger.get((planned.day, planned.delivery_id))
    states = {"work_item": "work_items", "applied": "applied", "discarded": "discarded", "superseded": "superseded"}
    return states.get(there.state, "in_flight") if there else "in_flight"


def overdue(m: Memory, op: figures.Overdue) -> list[tuple[str, str, str]]:
    found = []
    for row in m.inbox.values():
        if row.kind != "deliveries" or not op.since <= row.at < op.before:
            continue
        if _open_items(m, row):
            continue
        if any(not _final(m, row, planned) for planned in row.planned):
            found.append((row.at, (row.route, *row.key)))
    return [place for _, place in sorted(found)]


def _final(m: Memory, row: InboxRow, planned: Planned) -> bool:
    if planned.via == "bus":
        return row.state == "routed"
    there = m.ledger.get((planned.day, planned.delivery_id))
    return there is not None and there.state in FINAL


def lately(m: Memory, op: figures.Lately) -> tuple[int, list[int]]:
    rows = [row for row in m.inbox.values() if row.route == op.route and row.at >= op.since]
    at = {row.key.id: row.at for row in rows}
    applied = [one for one in m.ledger.values() if one.route == op.route and one.state == "applied"]
    newest = sorted((one for one in applied if one.event_id in at), key=lambda one: -one.at)[: op.most]
    return sum(not row.segment for row in rows), [one.at - at[one.event_id] for one in newest]


def undecided(m: Memory, op: figures.Undecided) -> list[figures.TakenIn]:
    days: dict[tuple[str, str], set[str]] = {}
    for one in m.journal.values():
        if one.what == "received" and op.since <= one.at < op.before:
            days.setdefault((one.route, one.day), set()).add(one.event_id)
    return [
        figures.TakenIn(route, day, len(events), sum(not _heard(m, route, day, event) for event in events))
        for (route, day), events in sorted(days.items())
    ]


def undecided_of(m: Memory, op: figures.UndecidedOf) -> list[tuple[str, str]]:
    lines = [one for one in m.journal.values() if (one.what, one.route, one.day) == ("received", op.route, op.day)]
    found: dict[str, str] = {}
    for one in sorted(lines, key=lambda one: (one.at, one.event_id)):
        if op.since <= one.at < op.before and not _heard(m, op.route, op.day, one.event_id):
            found[one.event_id] = max(one.detail, found.get(one.event_id, ""))
    return list(found.items())[: op.limit]


def _heard(m: Memory, route: str, day: str, event: str) -> bool:
    rows = any((row.route, *row.key) == (route, day, event) for row in m.inbox.values())
    return rows or any(item.route == route and event in (item.event_id, item.subject) for item in m.work.values())


HANDLERS: dict[type, Any] = {
    figures.FiguresOf: of,
    figures.Overdue: overdue,
    figures.Lately: lately,
    figures.Undecided: undecided,
    figures.UndecidedOf: undecided_of,
}
