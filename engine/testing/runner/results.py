"""What each sink received in a case, and the facts of work items, as tests speak of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from engine.compile.plan import Plan, PlannedSink
from engine.core.jsonx import decode
from engine.ports.store.work import WorkItem
from engine.runtime.carrying.codec import Delivery
from engine.testing.runner.taps import Settled
from engine.testing.runner.world import Happened


class Item(NamedTuple):
    """One thing a sink applied.

    body     the mapped document: the action's body field where it has one, else the whole request; of an event its data
    request  all of what was sent
    key      idempotency key, or id of the event that was published
    event    id of the event it came from
    at       UTC microseconds
    """

    body: Any
    request: Any
    key: str
    event: str
    at: int


def sinks(happened: Happened) -> Iterator[tuple[Plan, PlannedSink]]:
    """Every sink of the routes that ran."""
    for plan in happened.plans.values():
        for sink in plan.sinks:
            yield plan, sink


def items_of(happened: Happened, plan: Plan, sink: PlannedSink) -> list[Item]:
    """In the order they were applied. An event published twice under one id is one: subscribers know it by its id."""
    if sink.call is not None:
        return list(_sent(happened, plan, sink, sink.call.body))
    if sink.by_router:
        return list(_published(happened, plan, sink))
    return list(_kept(happened, plan, sink))


def _sent(happened: Happened, plan: Plan, sink: PlannedSink, field: str) -> Iterator[Item]:
    assert happened.outside is not None
    for one in happened.outside.applied:
        if (one.route, one.sink) == (plan.route, sink.id):
            whole = one.request
            body = whole[field] if field and isinstance(whole, dict) and field in whole else whole
            yield Item(body, whole, one.key, one.event, one.at)


def _published(happened: Happened, plan: Plan, sink: PlannedSink) -> Iterator[Item]:
    """By the router itself: its journal says for which sink."""
    lines = [line for line in happened.seen.entries if line.what == "published" and line.route == plan.route]
    for event_id in dict.fromkeys(line.event_id for line in lines if line.sink == sink.id):
        event, at = happened.seen.published[event_id]
        yield Item(event.data, event.data, event.id, event.source, at)


def _kept(happened: Happened, plan: Plan, sink: PlannedSink) -> Iterator[Item]:
    """Through a lane: rows of tables, and events with a named effect."""
    for ending, delivery in _endings(happened, plan, sink):
        if ending.state == "applied":
            yield Item(delivery.body, delivery.body, delivery.key, delivery.event.id, ending.at)


def _endings(happened: Happened, plan: Plan, sink: PlannedSink) -> Iterator[tuple[Settled, Delivery]]:
    """How each try of this sink's deliveries ended."""
    for ending in happened.seen.settled:
        delivery = happened.seen.deliveries.get(ending.key.id)
        if delivery is not None and (delivery.route, delivery.sink) == (plan.route, sink.id):
            yield ending, delivery


def attempts_of(happened: Happened, plan: Plan, sink: PlannedSink) -> int:
    """Tries of the delivery that needed most of them; 0 when there was none."""
    assert happened.outside is not None
    if sink.call is not None:
        tries = happened.outside.tries.items()
        return max((count for place, count in tries if place[:2] == (plan.route, sink.id)), default=0)
    if sink.by_router:
        return min(1, len(items_of(happened, plan, sink)))
    counts = Counter(ending.key.id for ending, _ in _endings(happened, plan, sink))
    return max(counts.values(), default=0)


def filtered(happened: Happened) -> list[str]:
    """The reason of each event that a route filtered; copies of an event count once."""
    lines = [line for line in happened.seen.entries if line.what == "filtered"]
    return list({(line.route, line.event_id): line.detail for line in lines}.values())


def work_facts(item: WorkItem) -> dict[str, Any]:
    """A work item as a test may expect it."""
    data = decode(item.data)
    return {
        "route": item.route,
        "sink": item.sink,
        "step": data.get("step", "") if isinstance(data, dict) else "",
        "level": item.level,
        "reason": item.reason,
        "owner": item.owner,
        "detail": item.detail,
        "data": data,
        "event": item.event_id,
        "type": item.event_type,
        "attempts": item.attempts,
    }
