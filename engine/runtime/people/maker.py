"""Which revision made the request of a delivery that failed: what it says is frozen, a replay sends it as it is."""

from __future__ import annotations

from engine.ports.store.journal import JournalFind
from engine.ports.store.revisions import RevisionGet
from engine.ports.store.work import WorkItem
from engine.runtime.cell import Cell
from engine.runtime.people.answers import Answer


async def made_by(cell: Cell, item: WorkItem) -> Answer:
    """`revision`, `number`, `state` and `problem` (why it was rejected); empty where nothing is known of it.

    Told by the line of the journal about when the event was routed: the item names the revision under which it failed.
    """
    if item.level != "delivery" or not item.event_id:
        return {}
    lines = await cell.store.apply(JournalFind(item.event_id))
    own = (line for line in lines if (line.event_id, line.route, line.what) == (item.event_id, item.route, "routed"))
    first = next(own, None)
    made = await cell.store.apply(RevisionGet(first.revision)) if first is not None else None
    if made is None:
        return {}
    return {"revision": made.id, "number": made.number, "state": made.state, "problem": made.problem}
