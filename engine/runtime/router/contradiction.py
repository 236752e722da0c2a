"""A record that came under the key of another one: which places differ, as far as anything is kept to tell it by."""

from __future__ import annotations

from engine.compile.plan import EventType
from engine.core.differing import differing, pointer_of, told
from engine.core.errors import Permanent
from engine.core.event import Event
from engine.core.jsonx import decode
from engine.ports.store.inbox import InboxRow
from engine.ports.store.work import CONFLICT, WorkGet, WorkItem
from engine.runtime.carrying.codec import BLOB, read_headers
from engine.runtime.carrying.handover import persist
from engine.runtime.people.work import NOT_TOLD, work_id
from engine.runtime.router.shared import Shared


async def contradiction(shared: Shared, row: InboxRow, event: Event) -> Permanent:
    """The failure of a copy that contradicts the first one. Waits while the Store is down."""
    asked = WorkGet(work_id("event", row.route, "", row.key.id))
    item = await persist(shared.cell, lambda: shared.cell.store.apply(asked))
    type_ = shared.plans.type(event.type)
    if item is not None and _is_whole(item):
        places, text = _by_data(item, event, type_)
    else:
        places, text = _by_row(row, event, type_)
    guard = ", and so does its guard" if row.guard else ""
    return Permanent(
        CONFLICT,
        f"this record differs from the first one under the key {event.type} `{event.subject or event.id}`{guard}; "
        f"{text}; the first one stays",
        data={"first_origin": row.origin, "origin": event.origin, "differs": places},
    )


def _is_whole(item: WorkItem) -> bool:
    """The first one waits, or waited, with its data as it came."""
    return not item.edits and BLOB not in read_headers(item.headers)


def _by_data(item: WorkItem, event: Event, type_: EventType | None) -> tuple[list[str], str]:
    places = differing(decode(item.body), event.data, type_.private if type_ is not None else ())
    return places, f"it differs at {told(places)}" if places else "what differs is not in what was kept of them"


def _by_row(row: InboxRow, event: Event, type_: EventType | None) -> tuple[list[str], str]:
    """The inbox keeps amount and currency of the first one, and digests of the rest."""
    known = [(row.amount, event.amount, type_.amount), (row.currency, event.currency, type_.currency)] if type_ else []
    places = [pointer_of(expr.text) for before, now, expr in known if expr is not None and before != now]
    if places:
        return places, f"it differs at {told(places)}; what else differs {NOT_TOLD}"
    return places, f"what differs {NOT_TOLD}"
