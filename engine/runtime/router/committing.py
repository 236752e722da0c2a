"""The router's hand-overs for a group of cases, in the order that loses nothing.

  inbox rows (and work items) in one transaction -> step state -> everything published and confirmed -> rows `routed`

A crash between two of these repeats what came before, under the same ids. The ack is the router's, afterwards. Cases
of routes without an inbox skip the rows; if nothing of them needs the Store it is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from engine.core.errors import Failure, Permanent
from engine.core.outcome import Failed
from engine.ports.store import Op
from engine.ports.store.inbox import InboxDuplicates, InboxOpen, InboxRouted, InboxRow
from engine.ports.store.journal import Entry, JournalAppend
from engine.ports.store.work import WorkCreate, WorkItem
from engine.ports.transport import Outgoing
from engine.runtime.carrying.handover import persist
from engine.runtime.carrying.publishing import publish
from engine.runtime.crash import point
from engine.runtime.delivery import order
from engine.runtime.people.journal import entry
from engine.runtime.people.work import event_item, work_id
from engine.runtime.router import cuts
from engine.runtime.router.routing import DONE_AT_ONCE, Routing
from engine.runtime.router.shared import Shared


def needs_store(case: Routing) -> bool:
    """Nothing of this case can be finished while the Store is down."""
    if case.again is not None and not case.has_inbox:
        return False
    kept = case.outcome is not None and bool(case.outcome.kept)
    return case.has_inbox or case.failed is not None or kept or case.numbered


async def commit(
    shared: Shared, route: str, cases: Sequence[Routing], decided: Callable[[], None] = lambda: None
) -> list[tuple[Routing, InboxRow]]:
    """Carry all of it out. Answers cases that somebody else decided meanwhile, with that row: they are looked at again.

    decided   called when everything that has an order is written (numbers, rows, step state) and publishing begins

    Waits while store or transport take nothing; raises nothing but a cancellation.
    """
    await _number(shared, cases)
    early = [case for case in cases if case.again is None and case.kind in DONE_AT_ONCE and case.made.outgoing()]
    unroutable = await _publish(shared, route, early)
    lost = await _open(shared, route, cases)
    done = set(map(id, early)) | {id(case) for case, _ in lost}
    left = [case for case in cases if id(case) not in done]
    await cuts.keep(shared, [case for case in left if case.failed is None and case.outcome is not None])
    decided()
    unroutable += await _publish(shared, route, left)
    if any(case.made.planned or case.made.deliveries for case in left):
        point("router-published")
    await _close(shared, route, left, unroutable)
    return lost


async def _number(shared: Shared, cases: Sequence[Routing]) -> None:
    """Give events of ordered types their numbers, one grouped write for all."""
    born = [(case, place) for case in cases for place in range(len(case.made.born))]
    ordered = [(case, place) for case, place in born if case.made.born[place][1].order_by is not None]
    if not ordered:
        return
    asked = [(case.made.born[place][2].event, case.made.born[place][1]) for case, place in ordered]
    try:
        numbered = await persist(shared.cell, lambda: order.number(shared.cell, asked))
    except Failure as failure:
        await _number_one_by_one(shared, cases, failure)
        return
    for (case, place), event in zip(ordered, numbered, strict=True):
        sink, type_, one = case.made.born[place]
        case.made.born[place] = (sink, type_, replace(one, event=event))


async def _number_one_by_one(shared: Shared, cases: Sequence[Routing], failure: Failure) -> None:
    """One of them has no order key or sequence: only that one fails."""
    if len(cases) == 1:
        case = cases[0]
        case.failed = Failed(failure, case.made.born[0][0].id)
        case.made.planned.clear()
        case.made.deliveries.clear()
        case.made.born.clear()
        return
    for case in cases:
        await _number(shared, [case])


async def _open(shared: Shared, route: str, cases: Sequence[Routing]) -> list[tuple[Routing, InboxRow]]:
    """The first transaction: outcomes are written down, work items made, copies counted."""
    opening = [case for case in cases if _opens(case)]
    rows = [_row(shared, route, case) for case in opening]
    items = [_item(shared, case) for case in cases if case.failed is not None and case.again is None]
    copies = [case.key for case in cases if case.absorbed and case.has_inbox and case.copies]
    entries = [line for case in cases for line in _first_lines(shared, route, case)]
    ops: list[Op[Any]] = [InboxOpen(rows)] if rows else []
    ops += [WorkCreate(items)] if items else []
    ops += [InboxDuplicates(route, copies)] if copies else []
    if not ops:
        shared.journal.note(entries)
        return []
    if entries:
        ops.append(JournalAppend(entries))
    answers = await persist(shared.cell, lambda: shared.cell.store.apply_all(*ops))
    if not rows:
        return []
    point("inbox-open")
    return [(case, there) for case, there in zip(opening, answers[0], strict=True) if there is not None]


def _opens(case: Routing) -> bool:
    """It gets an inbox row now."""
    decided = case.outcome is not None or case.failed is not None
    return case.has_inbox and decided and case.again is None and case.row is None and not case.conflict


def _row(shared: Shared, route: str, case: Routing) -> InboxRow:
    event, kind = case.event, case.kind
    assert case.plan is not None
    reason = ""
    if case.failed is not None:
        reason = case.failed.failure.reason
    elif case.outcome is not None and case.outcome.filtered is not None:
        reason = case.outcome.filtered.reason
    to_do = case.made.deliveries or case.made.born or kind == "step_state"
    return InboxRow(
        route=route,
        key=case.key,
        plan=case.plan.digest,
        kind=kind,
        planned=tuple(case.made.planned) if kind not in DONE_AT_ONCE else (),
        reason=reason,
        replay=case.routed.replay,
        state="open" if to_do else "routed",
        origin=event.origin,
        guard=event.guard,
        body=case.body_digest(),
        amount=event.amount,
        currency=event.currency,
        at=shared.now(),
        segment=case.routed.segment,
        caught=case.caught_now() if kind not in DONE_AT_ONCE else "",
    )


def _item(shared: Shared, case: Routing) -> WorkItem:
    assert case.failed is not None and case.plan is not None
    item = event_item(case.plan, case.routed, case.failed, shared.plans.revision, shared.now())
    if case.conflict:  # the event itself has its outcome; this is about another record with its key
        subject = f"{case.event.id}!{case.event.origin}"
    elif case.routed.row:
        subject = case.routed.row
    else:
        return item
    return structs.replace(item, id=work_id("event", case.plan.route, "", subject), subject=subject)


async def _publish(shared: Shared, route: str, cases: Sequence[Routing]) -> list[Routing]:
    """Publish everything these consist of; answers those with an event that nobody subscribes to."""
    batch: list[Outgoing] = []
    owners: list[Routing] = []
    for case in cases:
        made = [_again(shared, route, case)] if case.again is not None else case.made.outgoing()
        batch += made
        owners += [case] * len(made)
    if not batch:
        return []
    unroutable = await publish(shared.cell, batch)
    found = {id(owners[place]): owners[place] for place in unroutable}
    return list(found.values())


def _again(shared: Shared, route: str, case: Routing) -> Outgoing:
    assert case.again is not None
    copy = structs.replace(case.routed, attempt=case.again.attempt, since=case.routed.since or shared.now())
    return copy.outgoing(route, case.again.delay)


async def _close(shared: Shared, route: str, cases: Sequence[Routing], unroutable: Sequence[Routing]) -> None:
    """The last transaction: all confirms are in."""
    keys = [case.key for case in cases if case.has_inbox and _was_open(case)]
    entries = [line for case in cases for line in _last_lines(shared, route, case)]
    items = []
    for case in unroutable:
        types = ", ".join(type_.schema for _, type_, _ in case.made.born)
        text = f"no route takes {types}; write one that subscribes, then replay"
        case.failed = Failed(Permanent("no-subscriber", text))
        items.append(_item(shared, case))
        entries.append(_line(shared, route, case, "work-item", f"no-subscriber: {text}"))
    ops: list[Op[Any]] = [InboxRouted(route, keys)] if keys else []
    ops += [WorkCreate(items)] if items else []
    if not ops:
        shared.journal.note(entries)
        return
    if entries:
        ops.append(JournalAppend(entries))
    await persist(shared.cell, lambda: shared.cell.store.apply_all(*ops))
    point("router-routed")


def _was_open(case: Routing) -> bool:
    """Its inbox row waited for confirms."""
    return case.failed is None and case.again is None and not case.absorbed


def _first_lines(shared: Shared, route: str, case: Routing) -> list[Entry]:
    """What is known before anything is published."""
    if case.absorbed:
        return [] if case.ours else [_line(shared, route, case, "duplicate", case.absorbed)]
    if case.again is not None:
        assert case.failed is not None
        return [_line(shared, route, case, "retrying", _told(case.failed))]
    lines = _noted(shared, route, case)
    if case.failed is not None:
        lines.append(_line(shared, route, case, "work-item", _told(case.failed)))
    elif case.outcome is not None and case.outcome.filtered is not None:
        lines.append(_line(shared, route, case, "filtered", case.outcome.filtered.reason))
    return lines


def _noted(shared: Shared, route: str, case: Routing) -> list[Entry]:
    """What happened on the way; of an outcome that is only published again it was said before."""
    if case.outcome is None or case.row is not None:
        return []
    return [_line(shared, route, case, note.what, note.detail) for note in case.outcome.notes]


def _last_lines(shared: Shared, route: str, case: Routing) -> list[Entry]:
    """What is known once all of it is published."""
    if not _was_open(case) or case.outcome is None:
        return []
    lines = []
    if case.outcome.kept:
        what = "grouped" if case.outcome.kept[0].kind == "group" else "held"
        detail = ", ".join(f"{kept.step}: {kept.key}" for kept in case.outcome.kept)
        lines.append(_line(shared, route, case, what, detail))
    elif case.outcome.filtered is None:
        lines.append(_line(shared, route, case, "routed"))
    revision, now = shared.plans.revision, shared.now()
    for sink, _, born in case.made.born:
        lines.append(entry(born.event, route, "published", now, sink=sink.id, revision=revision, keys=born.keys))
    return lines


def _line(shared: Shared, route: str, case: Routing, what: str, detail: str = "") -> Entry:
    return entry(
        case.event,
        route,
        what,
        shared.now(),
        attempt=case.routed.attempt + case.routed.replay,  # a replay counts attempts from 1 again
        detail=detail,
        revision=shared.plans.revision,
    )


def _told(failed: Failed) -> str:
    return ": ".join(part for part in (failed.step, failed.failure.reason, failed.failure.detail) if part)
