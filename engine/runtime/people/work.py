"""Making work items: one failure is one item, whoever makes it and however often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from engine.compile.plan import Plan
from engine.core.clock import day_of, iso
from engine.core.errors import Failure, Permanent
from engine.core.event import Event
from engine.core.ids import digest
from engine.core.jsonx import encode
from engine.core.outcome import Failed
from engine.core.quoting import excerpt, excerpts
from engine.ports.store.work import Level, WorkItem
from engine.ports.transport import Receipt
from engine.runtime.carrying.codec import Delivery, Routed, kept_headers
from engine.runtime.people.journal import carried_keys, file_key

MAYBE_APPLIED = "maybe_applied"  # in `WorkItem.data`: the effect may be there, so an edited replay could double it
LAST_TRY = "last_try"  # in `WorkItem.data`: when it was tried last, where that was not the first time
REPLAYED_BY = "replay by "  # how `WorkItem.note` begins while a replay is the last that was decided of it
OUTCOME_CHANGED = "outcome-changed"  # decided before, and what decided it gives something else now or is gone

NOT_TOLD = "cannot be told: of the first one only a digest is kept"  # what differs in another one with its key


def what_differs(*, same_request: bool) -> str:
    """In another one with its key, where the ledger keeps nothing but digests of the first one."""
    return "what is to be sent is the same, what it was made of is not" if same_request else f"what differs {NOT_TOLD}"


def work_id(level: Level, route: str, sink: str, subject: str) -> str:
    """Twelve hex digits, the same for the same failure."""
    return digest("work", level, route, sink, subject)[:12]


def record_item(
    route: str,
    owner: str,
    record: str,
    raw: bytes,
    failure: Failure,
    *,
    now: int,
    day: str,
    headers: Mapping[str, str | int],
    keys: Mapping[str, str] | None = None,
    revision: str = "",
    trace: str = "",
) -> WorkItem:
    """A record that ingress could not take in.

    record   id of the native record
    raw      its bytes, masked; headers: what a replay needs to know of where it came from (file, line, format)
    keys     the business keys it is found by besides, as far as they could be read
    now      UTC microseconds; day: `YYYY-MM-DD` of its arrival
    """
    return WorkItem(
        id=work_id("record", route, "", record),
        level="record",
        route=route,
        reason=failure.reason,
        subject=record,
        day=day,
        owner=owner,
        detail=excerpt(failure.detail),
        data=_facts(failure.data),
        headers=kept_headers(dict(headers)),
        body=raw,
        root=trace or record,
        search=_json({**(keys or {}), **carried_keys(_carrier(headers), str(headers.get("tf-own-id", "")))}),
        revision=revision,
        attempts=1,
        created=now,
        updated=now,
    )


def record_again(item: WorkItem, failure: Failure, now: int) -> WorkItem:
    """The item of a record that was tried once more and failed. `now` in UTC microseconds."""
    data = _facts({**failure.data, LAST_TRY: iso(now)})
    return replace(
        item, reason=failure.reason, detail=excerpt(failure.detail), data=data, attempts=item.attempts + 1, updated=now
    )


def event_item(plan: Plan, routed: Routed, failed: Failed, revision: str, now: int = 0) -> WorkItem:
    """An event that a route could not handle; nothing of it was published. `now` in UTC microseconds."""
    event, failure = routed.event, failed.failure
    at = now or event.time
    tried = {LAST_TRY: iso(at)} if routed.replay else {}
    step = {"step": failed.step} if failed.step else {}
    return WorkItem(
        id=work_id("event", plan.route, "", routed.row or event.id),
        level="event",
        route=plan.route,
        reason=failure.reason,
        subject=routed.row or event.id,
        day=event.day,
        event_id=event.id,
        event_type=event.type,
        owner=failed.owner or plan.owner,
        detail=excerpt(failure.detail),
        data=_facts({**failure.data, **step, **tried}),
        headers=kept_headers(routed.headers()),
        body=encode(event.data),
        root=event.trace or event.id,
        search=_json(search_values(event)),
        amount=event.amount,
        currency=event.currency,
        revision=revision,
        attempts=routed.attempt,
        created=at,
        updated=at,
    )


def delivery_item(
    delivery: Delivery,
    failure: Failure,
    *,
    now: int,
    owner: str = "",
    revision: str = "",
    doubt: bool = False,
    subject: str = "",
) -> WorkItem:
    """A delivery that could not be made. `doubt`: it may have had its effect all the same.

    subject   id of the delivery unless something else is meant (a conflicting copy, a gap in front of a fence)
    """
    event = delivery.event
    named = subject or delivery.id
    tried = {LAST_TRY: iso(now)} if delivery.attempt > 1 else {}
    data: dict[str, Any] = {**failure.data, **({MAYBE_APPLIED: True} if doubt else {}), **tried}
    return WorkItem(
        id=work_id("delivery", delivery.route, delivery.sink, named),
        level="delivery",
        route=delivery.route,
        reason=failure.reason,
        subject=named,
        day=delivery.day,
        sink=delivery.sink,
        event_id=event.id,
        event_type=event.type,
        owner=owner,
        detail=excerpt(failure.detail),
        data=_facts(data),
        headers=kept_headers(delivery.headers()),
        body=encode(delivery.body),
        root=event.trace or event.id,
        search=_json(search_values(event)),
        amount=event.amount,
        currency=event.currency,
        revision=revision,
        attempts=delivery.attempt,
        edits=delivery.edits,
        created=now,
        updated=now,
    )


def gave_up(place: str) -> Failure:
    """The failure of something that the transport handed over as dead."""
    text = f"the transport gave up on it in {place}: it was given out again and again and never finished"
    return Permanent("dead-lettered", text)


def unreadable_item(receipt: Receipt, error: str, now: int, revision: str) -> WorkItem:
    """Something in a lane that cannot be read as a delivery. It can be looked at and discarded, not replayed."""
    content = digest(kept_headers(dict(receipt.headers)), receipt.body)
    return WorkItem(
        id=work_id("delivery", str(receipt.headers.get("tf-route", "")), "", content),
        level="delivery",
        route=str(receipt.headers.get("tf-route", "")),
        reason="unreadable",
        subject=content,
        day=day_of(now),
        detail=excerpt(f"what was received is no delivery: {error}"),
        headers=kept_headers(dict(receipt.headers)),
        body=receipt.body,
        root=content,
        revision=revision,
        created=now,
        updated=now,
    )


def _carrier(headers: Mapping[str, str | int]) -> dict[str, str]:
    """The facts of the carrier among an item's headers."""
    return {name[2:]: str(value) for name, value in headers.items() if name.startswith("h-")}


def search_values(event: Event) -> dict[str, str]:
    """What an item can be found by besides its ids: the natural key, whole and in parts, and the file it came in."""
    values = {"key": event.subject} if event.subject else {}
    parts = event.subject.split("|")
    if len(parts) > 1:
        values |= {f"key.{number}": part for number, part in enumerate(parts, 1)}
    return values | file_key(event.headers.get("file", ""))


def _facts(value: Mapping[str, Any]) -> str:
    """Facts beside a sentence, an excerpt of what is long: people read them, and the body holds the whole of it."""
    return _json(excerpts(value))


def _json(value: Mapping[str, Any]) -> str:
    """Facts as JSON text; what JSON cannot hold is written as text: a work item must not fail on its own decoration."""
    try:
        return encode(dict(value)).decode()
    except (TypeError, ValueError, OverflowError):
        return encode({str(name): str(fact) for name, fact in value.items()}).decode()
