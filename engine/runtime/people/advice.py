"""What a person can do next about a work item: the changes it takes in its state, and what usually helps its reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.core.jsonx import decode
from engine.ports.store.work import WorkItem
from engine.runtime.carrying.codec import BLOB, WAITS, Delivery, read_headers
from engine.runtime.people.figures import GAP, MISSING
from engine.runtime.people.replay import maybe_applied
from engine.runtime.plans import Plans

_UNKNOWN: Mapping[str, Any] = MappingProxyType({})
CLOSING = ("resolve", "discard")
_ONLY = {GAP: CLOSING, MISSING: CLOSING, "idempotency-conflict": ("discard", "resolve"), "unreadable": ("discard",)}


def takes(item: WorkItem, plans: Plans | None = None) -> list[str]:
    """The changes it takes now, what is usually wanted first: edit, replay, resolve, discard."""
    if item.state != "open":
        return []
    if item.reason in _ONLY:
        return list(_ONLY[item.reason])
    if plans is not None and _sink_gone(item, plans):
        return list(CLOSING)
    headers = read_headers(item.headers)
    if item.level == "event" and headers.get("tf-kept") == WAITS:
        return list(CLOSING)
    if not item.body or BLOB in headers:
        unread = item.level == "record"
        return list(CLOSING) if unread and BLOB not in headers else ["replay", *CLOSING]
    first = ["edit", "replay"] if item.level == "record" or item.reason == "name-taken" else ["replay", "edit"]
    return [*first, *CLOSING]


def helps(item: WorkItem, plans: Plans, made_by: Mapping[str, Any] = _UNKNOWN) -> str:
    """A sentence on what usually helps its reason; empty where nothing is known of it.

    made_by   the revision that made its request, see `maker`
    """
    if item.state != "open":
        return _LATER.get(item.state, "")
    usual = _usual(item, plans)
    if made_by.get("state") != "rejected" or item.edits:
        return usual
    made = f"revision {made_by['number']} made this request and was rolled back; a replay sends the same request again"
    if maybe_applied(item):  # an edit would be another request, and refused
        return f"{usual}. Mind that {made}"
    text = f"{made}, it is not made anew: edit it to what the route would send now, then replay"
    return f"{text}. First, {usual}" if usual else text


def _usual(item: WorkItem, plans: Plans) -> str:
    """By its reason."""
    where = _where(item, plans)
    if _sink_gone(item, plans):
        return (
            f"put the sink `{item.sink}` of route `{item.route}` back to have it replayed; else resolve or discard it"
        )
    if item.reason == "sink-gone":
        return "the sink is there again: replay it"
    if item.level == "delivery" and maybe_applied(item):
        return f"it may be there already: look {where}; if it is, resolve this item, if not, replay it"
    if item.reason == "no-such-table":
        return f"create the table {where}, then replay"
    if item.reason == "no-such-column":
        return f"add the column {where}, or leave it out of the mapping, then replay"
    if item.level == "delivery" and (item.reason == "conflict" or _unique(item)):
        return f"it is there already {where}: discard this item; or have the sink use `action: upsert`, then replay"
    if item.reason == "name-taken":
        return (
            "edit the name to one of its own, then replay; and let the sink's `with` make one of all parts of the key"
        )
    if item.reason in ("unauthorized", "forbidden"):
        return f"correct the credentials {where}, then replay"
    return ""


def _sink_gone(item: WorkItem, plans: Plans) -> bool:
    """A delivery that no sink would take now."""
    if item.level != "delivery" or item.reason in _ONLY or not item.headers:
        return False
    delivery = Delivery.read(read_headers(item.headers), item.body)
    plan = plans.current(item.route)
    return plan is None or plan.receiver(item.sink, delivery.effect, delivery.does) is None


def _where(item: WorkItem, plans: Plans) -> str:
    """The connection it goes to, as people know it."""
    plan = plans.current(item.route)
    sink = plan.sink(item.sink) if plan is not None else None
    connection = sink.call.connection if sink is not None and sink.call is not None else ""
    if connection:
        return f"in the system behind the connection `{connection}`"
    return f"in the system behind `{item.sink}`" if item.sink else "in the system it names"


def _unique(item: WorkItem) -> bool:
    """A database said it of a unique index, in whatever words."""
    told = item.detail.lower()
    return "unique constraint" in told or "duplicate key" in told or decode(item.data).get("sqlstate") == "23505"


_LATER = {
    "replayed": "it is on its way again; `tillflow trace` shows how it went, and it opens again should it fail",
}
