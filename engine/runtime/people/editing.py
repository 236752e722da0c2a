"""What a person sees of a work item's body, and what becomes of it when they save an edit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.core.clock import Clock
from engine.core.errors import Permanent
from engine.core.event import Event
from engine.core.jsonx import decode, encode, parse
from engine.core.masking import mask_bytes, mask_email_text, mask_phone_text, mask_value
from engine.ports.store.work import WorkItem
from engine.runtime.carrying.codec import event_from, read_headers
from engine.runtime.ingress.identity import identified
from engine.runtime.people.shown import hide, restore
from engine.runtime.plans import Plans


def shown_body(item: WorkItem, plans: Plans) -> Any:
    """The body with private values hidden: text for a record, a JSON value otherwise."""
    if item.level == "record" or item.reason == "unreadable":
        return mask_phone_text(mask_email_text(item.body.decode("utf-8", "replace")))
    return hide(decode(item.body), _private(item, plans)) if item.body else None


def edited_body(item: WorkItem, body: Any, plans: Plans, clock: Clock) -> bytes:
    """What is replayed after somebody saved `body`: values left as they were shown stay what they are.

    Card numbers are masked as at any first write. Raises Permanent when the edit cannot be taken.
    """
    if item.level == "record":
        if not isinstance(body, str):
            raise Permanent("bad-edit", "a record is edited as text")
        if not body.strip():
            raise Permanent("bad-edit", "the edit is empty; to drop the record, discard the item")
        return item.body if body == shown_body(item, plans) else mask_bytes(body.encode())
    original = decode(item.body) if item.body else None
    content = mask_value(restore(parse(encode(body)), hide(original, _private(item, plans)), original))
    if item.level == "event":
        _check_event(item, content, plans, clock)
    return encode(content)


def event_of(item: WorkItem) -> Event | None:
    """The event an item is about, without its data; None for a record or a gap."""
    headers = read_headers(item.headers)
    return event_from(headers, None) if "tf-id" in headers else None


def _private(item: WorkItem, plans: Plans) -> Iterable[str]:
    """Paths that the event's own type hides, or the types its route validates it against."""
    type_, plan = plans.type(item.event_type), plans.current(item.route)
    if type_ is not None:
        return type_.private
    return [path for seen in (plan.source.found_by if plan is not None else ()) for path in seen.private]


def _check_event(item: WorkItem, content: Any, plans: Plans, clock: Clock) -> None:
    """An edit must not make it another event, and must fit the schema: nobody checks it again on its way in."""
    type_, event = plans.type(item.event_type), event_of(item)
    if type_ is None or event is None:
        return
    violations = type_.validator.violations(content, 10)
    if violations:
        told = "; ".join(f"{place or '/'}: {text}" for place, text in violations)
        raise Permanent("schema-violation", f"it does not fit {type_.schema}: {told}")
    born = identified(event.with_data(content), type_, clock).event
    if (born.id, born.day) != (event.id, event.day):
        text = "the edit changes the key or the business date, so it is another event; discard this one, send it anew"
        raise Permanent("protected-field", text)
