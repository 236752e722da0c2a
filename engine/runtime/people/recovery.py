"""What a crash left between a replay's transaction and its publish: the copy is published now, with the same number.

Whether the first copy arrived is not known: it did where nothing crashed and the replay was only asked of a stopped
engine. So the one that comes second is absorbed without a word, it is nobody's duplicate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec.structs import replace

from engine.ports.store.inbox import EventKey, InboxFind
from engine.ports.store.ledger import LedgerFind, LedgerKey
from engine.ports.store.work import WorkFind, WorkItem
from engine.ports.transport import Outgoing
from engine.runtime.carrying.codec import Delivery, Routed, read_headers
from engine.runtime.carrying.handover import publish
from engine.runtime.cell import Cell
from engine.runtime.plans import Plans

PAGE = 200


async def recover_replays(cell: Cell, plans: Plans) -> int:
    """Publish copies that replayed items wait for; one that is on its way already is absorbed. Answers how many."""
    copies = []
    async for item in _replayed(cell):
        copy = await _event_copy(cell, item) if item.level == "event" else await _delivery_copy(cell, plans, item)
        if copy is not None:
            copies.append(copy)
    if copies:
        await publish(cell, copies)
    return len(copies)


async def _replayed(cell: Cell) -> AsyncIterator[WorkItem]:
    start = 0
    while page := await cell.store.apply(WorkFind(("replayed",), limit=PAGE, offset=start)):
        for item in page:
            if item.level != "record":
                yield item
        start += len(page)


async def _event_copy(cell: Cell, item: WorkItem) -> Outgoing | None:
    """Its inbox row is still open for this replay."""
    routed = Routed.read(read_headers(item.headers), item.body)
    key = EventKey(item.day, routed.row or routed.event.id)
    row = (await cell.store.apply(InboxFind(item.route, [key]))).get(key)
    if row is None or row.state != "open" or not row.replay:
        return None
    return replace(routed, attempt=1, since=0, replay=row.replay).outgoing(item.route)


async def _delivery_copy(cell: Cell, plans: Plans, item: WorkItem) -> Outgoing | None:
    """Its ledger row waits and nothing was tried since: only a replay leaves no reason there."""
    delivery = Delivery.read(read_headers(item.headers), item.body)
    key = LedgerKey(delivery.day, delivery.id)
    row = (await cell.store.apply(LedgerFind([key]))).get(key)
    plan = plans.current(item.route)
    sink = plan.receiver(item.sink, delivery.effect, delivery.does) if plan is not None else None
    if row is None or row.state != "waiting" or row.reason or sink is None:
        return None
    copy = replace(delivery, attempt=row.attempt, edits=row.revision, since=0, due=0, repeated=row.attempt)
    return copy.outgoing(sink.lane)
