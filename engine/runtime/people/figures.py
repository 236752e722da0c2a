"""Completeness for `status`, and the things nobody would notice by themselves: gaps and deliveries that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.compile.plan import Plan
from engine.core.clock import day_of, iso
from engine.core.ids import digest
from engine.core.jsonx import decode, encode
from engine.core.numbers import plain
from engine.ports.store.figures import Figures, FiguresOf, Overdue
from engine.ports.store.inbox import EventKey, InboxFind
from engine.ports.store.ledger import FINAL, LedgerFind, LedgerKey
from engine.ports.store.order import FenceGaps, Gap
from engine.ports.store.work import WorkChange, WorkCreate, WorkFind, WorkItem
from engine.runtime.cell import Cell
from engine.runtime.delivery.order import fence_name, is_fenced
from engine.runtime.people.work import work_id
from engine.runtime.plans import Plans

GAP = "sequence-gap"
MISSING = "missing"


async def completeness(cell: Cell, route: str = "", since: str = "", until: str = "") -> list[dict[str, Any]]:
    """Figures of every route and sink as plain values; amounts are exact decimal text by currency."""
    return [_shown(figures) for figures in await cell.store.apply(FiguresOf(route, since, until))]


def _shown(figures: Figures) -> dict[str, Any]:
    counts = (
        "received", "applied", "not_selected", "filtered", "discarded", "superseded", "work_items", "in_flight",
        "duplicates",
    )  # fmt: skip
    return {
        "route": figures.route,
        "sink": figures.sink,
        **{name: getattr(figures, name) for name in counts},
        "filtered_by": dict(figures.filtered_by),
        "received_amount": {currency: plain(amount) for currency, amount in figures.received_amount.items()},
        "applied_amount": {currency: plain(amount) for currency, amount in figures.applied_amount.items()},
        "balanced": figures.balanced,
    }


async def note_gaps(cell: Cell, plans: Plans) -> list[str]:
    """A work item for every hole older than its sink allows; items of holes that are filled by now are resolved.

    Answers the ids of new items.
    """
    now = cell.clock.now()
    fenced = [(plan, sink) for plan in plans.all() for sink in plan.sinks if is_fenced(sink)]
    fences = {fence_name(plan.route, sink.id): (plan, sink) for plan, sink in fenced}
    there = {_gap_subject(gap): gap for gap in await cell.store.apply(FenceGaps(now + 1))} if fences else {}
    known = await cell.store.apply(WorkFind(reason=GAP))
    await _resolve(cell, [item for item in known if item.subject not in there], "the gap is closed")
    open_ones = {item.subject for item in known}
    items = []
    for subject, gap in there.items():
        plan, sink = fences.get(gap.fence, (None, None))
        if plan is None or sink is None or sink.ordered is None or subject in open_ones:
            continue
        if gap.since <= now - round(sink.ordered.gap_timeout * 1_000_000):
            items.append(_gap_item(plan, sink.id, gap, subject, now, plans.revision))
    return await cell.store.apply(WorkCreate(items)) if items else []


def _gap_subject(gap: Gap) -> str:
    return digest("gap", gap.fence, gap.order_key, gap.number)


def _gap_item(plan: Plan, sink: str, gap: Gap, subject: str, now: int, revision: str) -> WorkItem:
    detail = (
        f"number {gap.number} of key `{gap.order_key}` never came; {gap.held} later ones wait since {iso(gap.since)}. "
        "Send it again, or resolve this item to let them go on without it"
    )
    facts = {"fence": gap.fence, "order_key": gap.order_key, "number": gap.number, "held": gap.held}
    return WorkItem(
        id=work_id("delivery", plan.route, sink, subject),
        level="delivery",
        route=plan.route,
        reason=GAP,
        subject=subject,
        day=day_of(gap.since),
        sink=sink,
        owner=plan.owner,
        detail=detail,
        data=encode(facts).decode(),
        root=subject,
        search=encode({"key": gap.order_key}).decode(),
        revision=revision,
        created=now,
        updated=now,
    )


async def note_missing(cell: Cell, plans: Plans) -> list[str]:
    """A work item for every event with a delivery that has not ended within the route's horizon.

    Items whose deliveries have all ended by now are resolved. Answers the ids of new items.
    """
    now = cell.clock.now()
    known = await cell.store.apply(WorkFind(reason=MISSING))
    await _resolve(cell, await _arrived(cell, known), "its deliveries ended")
    by_horizon: dict[float, dict[str, Plan]] = {}
    for plan in plans.all():
        if plan.has_inbox:
            by_horizon.setdefault(plan.horizon, {})[plan.route] = plan
    items = []
    for horizon, routes in by_horizon.items():
        found = await cell.store.apply(Overdue(now - round(horizon * 1_000_000)))
        late = [(routes[route], day, event) for route, day, event in found if route in routes]
        items += [_missing_item(plan, day, event, now, plans.revision) for plan, day, event in late]
    return await cell.store.apply(WorkCreate(items)) if items else []


def _missing_item(plan: Plan, day: str, event: str, now: int, revision: str) -> WorkItem:
    hours = f"{plan.horizon / 3600:g} hours"
    detail = f"a delivery of this event has not ended within {hours}; `tillflow trace {event}` shows it"
    return WorkItem(
        id=work_id("event", plan.route, MISSING, event),
        level="event",
        route=plan.route,
        reason=MISSING,
        subject=event,
        day=day,
        event_id=event,
        owner=plan.owner,
        detail=detail,
        root=event,
        revision=revision,
        created=now,
        updated=now,
    )


async def _arrived(cell: Cell, items: Iterable[WorkItem]) -> list[WorkItem]:
    """Items of events all of whose deliveries through lanes are final now."""
    arrived = []
    for item in items:
        key = EventKey(item.day, item.subject)
        row = (await cell.store.apply(InboxFind(item.route, [key]))).get(key)
        keys = [LedgerKey(p.day, p.delivery_id) for p in row.planned if p.via == "lane"] if row is not None else []
        rows = await cell.store.apply(LedgerFind(keys)) if keys else {}
        if row is not None and all(key in rows and rows[key].state in FINAL for key in keys):
            arrived.append(item)
    return arrived


async def _resolve(cell: Cell, items: Sequence[WorkItem], note: str) -> None:
    now = cell.clock.now()
    for item in items:
        await cell.store.apply(WorkChange(item.id, item.version, "resolved", note, now, required=False))


def gap_of(item: WorkItem) -> tuple[str, str, int]:
    """(fence, order key, number) of a `sequence-gap` item."""
    facts = decode(item.data)
    return str(facts["fence"]), str(facts["order_key"]), int(facts["number"])
