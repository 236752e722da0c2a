"""The router's thinking: which Plan decides an event, whether it was decided before, and what its steps give.

Nothing is published or written here; `committing` does that with what comes out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from functools import partial

from engine.compile.plan import Plan
from engine.core.errors import Permanent, StoreDown
from engine.core.jsonx import encode
from engine.core.outcome import Failed, Filtered, Outcome
from engine.plugins.sequence import StepFailed
from engine.ports.store.inbox import EventKey, InboxFind, InboxRow
from engine.runtime.carrying.handover import FIRST_PAUSE, persist
from engine.runtime.carrying.largebodies import missing
from engine.runtime.delivery.retry import Try, decide
from engine.runtime.people.work import OUTCOME_CHANGED, gave_up
from engine.runtime.router.contradiction import contradiction
from engine.runtime.router.cuts import resumed
from engine.runtime.router.outcomes import Made, make, markers_of_failed
from engine.runtime.router.placing import OTHER_REGION, place
from engine.runtime.router.routing import Routing, changed, judge, not_accepted
from engine.runtime.router.segment import Start, begin, failed_by
from engine.runtime.router.shared import Shared

Waiting = tuple[Routing, Awaitable[Outcome]]


async def assign(shared: Shared, route: str, cases: Sequence[Routing], last: Plan) -> None:
    """Give every case its Plan and segment, or the reason why it has none. Waits while the Store is down.

    last   the Plan the route ran before, which owns what cannot be routed any more
    """
    for case in cases:
        failure = place(shared, route, case)
        found = await persist(shared.cell, partial(shared.plans.entered, route, case.routed))
        case.plan = shared.plans.current(route) or last
        if found is None:
            what = f"the cut `{case.routed.segment}`" if case.routed.segment else f"the route `{route}`"
            case.failed = Failed(Permanent("plan-gone", f"{what} is in no Plan that is known"))
            continue
        case.plan, case.segment = found
        if case.routed.blob:
            case.failed = Failed(missing(case.routed.blob))
        elif case.routed.dead:
            case.failed = Failed(gave_up(case.routed.dead))
        elif case.routed.kept:
            _go_on(case)
        else:
            failure = not_accepted(case, shared.plans) or failure
            case.unplaced = failure is not None
            case.failed = Failed(failure) if failure is not None else None


def _go_on(case: Routing) -> None:
    """A replayed continuation brings what its cut kept."""
    routed, plan = case.routed, case.plan
    assert plan is not None
    before = next(segment for segment in plan.segments if segment.cut_id == routed.segment)
    try:
        kept = routed.event.data if routed.kept == "list" else [routed.event.data]
        case.routed = resumed(routed, before, [encode(one) for one in kept])
        case.event = case.routed.event
    except Exception as error:
        case.failed = failed_by(error)


async def look_up(shared: Shared, route: str, cases: Sequence[Routing]) -> None:
    """Compare with the inbox: what is absorbed, what contradicts, what has to be repeated under its recorded Plan."""
    keys = [case.key for case in cases if case.has_inbox]
    if not keys:
        return
    rows = await persist(shared.cell, lambda: shared.cell.store.apply(InboxFind(route, keys)))
    await compare(shared, cases, rows)


async def compare(shared: Shared, cases: Sequence[Routing], rows: dict[EventKey, InboxRow]) -> None:
    """As `look_up`, with the rows that were found."""
    for case in cases:
        row = rows.get(case.key) if case.has_inbox else None
        if row is None:
            continue
        judgement = judge(row, case)
        if judgement in ("duplicate", "old"):
            case.absorbed, case.failed = _why_absorbed(row, case, judgement), None
        elif judgement == "conflict":
            case.conflict, case.failed = True, Failed(await contradiction(shared, row, case.event))
        elif judgement == "repeat":
            await _recorded(shared, case, row)


def _why_absorbed(row: InboxRow, case: Routing, judgement: str) -> str:
    if judgement == "old":
        return f"a copy from before replay {row.replay}"
    return "duplicate" if row.body == case.body_digest() else "duplicate (other plan)"


async def _recorded(shared: Shared, case: Routing, row: InboxRow) -> None:
    """The recorded Plan decides again; its outcome must be the one that was written down."""
    case.row = row
    if case.routed.dead:
        case.failed = None  # what was written down is finished
    if case.unplaced:
        case.failed = None  # it was decided before there was a question where it belongs
    if case.plan is not None and case.plan.digest == row.plan:
        return
    plan = await persist(shared.cell, partial(shared.plans.recorded, row.plan))
    segment = plan.segment(case.routed.segment) if plan is not None else None
    if plan is None or segment is None:
        text = f"the Plan {row.plan} that decided this event is not there any more"
        case.failed = Failed(Permanent(OUTCOME_CHANGED, text))
        return
    case.plan, case.segment = plan, segment
    if not case.routed.blob:
        case.failed = None


def start(shared: Shared, cases: Sequence[Routing]) -> list[Waiting]:
    """Run the steps. Answers those that have to wait for something; all others have their outcome now."""
    waiting: list[Waiting] = []
    for case in cases:
        if case.failed is not None and not case.conflict and case.row is None and case.plan is not None:
            case.made = markers_of_failed(case.plan, case.event)
        if case.absorbed or case.failed is not None:
            continue
        pending = _begin(shared, case)
        if isinstance(pending, Outcome):
            _take(shared, case, pending)
        else:
            waiting.append((case, pending))
    return waiting


def _begin(shared: Shared, case: Routing) -> Outcome | Awaitable[Outcome]:
    assert case.plan is not None and case.segment is not None
    routed = case.routed
    if case.elsewhere and case.row is None:
        return Outcome(filtered=Filtered(OTHER_REGION))
    entry = Start(routed.schema, routed.output_key, routed.attempt, case.caught_before())
    return begin(case.plan, case.segment, routed.event, around=shared.around, start=entry)


async def finish(shared: Shared, waiting: Sequence[Waiting]) -> None:
    """Wait for the steps of these, all at once."""
    outcomes = await asyncio.gather(*(_one(shared, case, pending) for case, pending in waiting))
    for (case, _), outcome in zip(waiting, outcomes, strict=True):
        _take(shared, case, outcome)


async def _one(shared: Shared, case: Routing, pending: Awaitable[Outcome]) -> Outcome:
    """The outcome; from the beginning again when the Store was away, which is no failure of the event."""
    while True:
        try:
            return await pending
        except StoreDown:
            pass  # told once for all, see `reachable`
        await shared.cell.clock.sleep(FIRST_PAUSE)
        again = _begin(shared, case)
        if isinstance(again, Outcome):
            return again
        pending = again


def _take(shared: Shared, case: Routing, outcome: Outcome) -> None:
    """What the outcome means: output, a later try, or a work item."""
    case.outcome = outcome
    case.failed = outcome.failed
    if case.failed is None:
        _make(shared, case)
    if case.failed is not None:
        _try_again(shared, case)
    if case.again is None:
        _compare_outcome(case)


def _make(shared: Shared, case: Routing) -> None:
    assert case.plan is not None and case.outcome is not None
    try:
        case.made = make(case.plan, case.event, case.outcome, shared.cell.clock, case.routed.scope)
    except StepFailed as failed:
        case.failed = failed_by(failed)


def _try_again(shared: Shared, case: Routing) -> None:
    assert case.plan is not None and case.failed is not None
    # A call whose outcome nobody knows is tried again where it was made if that is safe; what comes here is for people.
    tried = Try(case.routed.attempt, case.routed.since, shared.now(), guarantee="at_most_once")
    decision = decide(case.failed.failure, tried, case.plan.retry, shared.rng)
    if decision.again:
        case.again = decision


def _compare_outcome(case: Routing) -> None:
    difference = changed(case)
    if difference:
        assert case.row is not None
        text = f"the event was routed before by the Plan {case.row.plan}; {difference}"
        case.failed, case.made = Failed(Permanent(OUTCOME_CHANGED, text)), Made()
    elif case.failed is not None and case.plan is not None:
        case.made = markers_of_failed(case.plan, case.event)
