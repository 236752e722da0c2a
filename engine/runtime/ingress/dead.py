"""What the transport gave up on, on its way to a work item.

A carrier hands something over to `work/` when it was given out far too often without being finished. It goes back to
where it can be settled, marked `tf-dead`: a delivery to quarantine, whose worker asks the ledger first, an event to its
route, which asks the inbox. There it becomes a work item without being executed once more. Anything else, and what
strangers put there, becomes a work item here.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from engine.core.masking import mask_bytes
from engine.ports.store.work import WorkCreate, WorkItem
from engine.ports.transport import DIED_IN, Address, Outgoing, Receipt, Subscription, Topology
from engine.runtime.carrying.codec import DEAD, Delivery, Routed
from engine.runtime.carrying.handover import persist
from engine.runtime.carrying.publishing import publish
from engine.runtime.cell import Cell
from engine.runtime.people.work import unreadable_item
from engine.runtime.plans import Plans

WORK, QUARANTINE = Address("work", ""), Address("quarantine", "")
PREFETCH = 50


class Dead:
    """Consumes `work/`."""

    def __init__(self, cell: Cell, plans: Plans) -> None:
        self._cell = cell
        self._plans = plans

    async def declare(self) -> None:
        """Make its queue exist, before anything can die."""
        await self._cell.transport.declare(Topology((WORK,)))

    async def run(self) -> None:
        """Until cancelled; what was not settled comes back."""
        subscription = await self._cell.transport.subscribe(WORK, PREFETCH)
        try:
            while receipts := await subscription.receive(PREFETCH):
                await self._settle(subscription, receipts)
        finally:
            await subscription.close()

    async def _settle(self, subscription: Subscription, receipts: Sequence[Receipt]) -> None:
        back = [(receipt, copy) for receipt in receipts if (copy := back_to_its_place(receipt)) is not None]
        gone = await publish(self._cell, [copy for _, copy in back]) if back else set()
        returned = [receipt for place, (receipt, _) in enumerate(back) if place not in gone]
        items = [self._item(receipt) for receipt in receipts if receipt not in returned]
        if items:
            await persist(self._cell, lambda: self._cell.store.apply(WorkCreate(items)))
        await subscription.ack(receipts)
        facts = {"level": "warning", "events": len(receipts), "work_items": len(items)}
        self._cell.log("the transport gave up on something", facts)

    def _item(self, receipt: Receipt) -> WorkItem:
        place = receipt.headers.get(DIED_IN) or "the queue of dead ones"
        item = unreadable_item(receipt, "", self._cell.clock.now(), self._plans.revision)
        text = f"the transport gave up on it in {place}, and it is neither a delivery nor an event of a known route"
        return replace(item, reason="dead-lettered", detail=text, body=mask_bytes(receipt.body))


def back_to_its_place(receipt: Receipt) -> Outgoing | None:
    """The marked copy that goes to where it is settled; None when it cannot be read, or nobody knows where it was."""
    died_in = str(receipt.headers.get(DIED_IN, ""))
    headers = {name: value for name, value in receipt.headers.items() if name != DIED_IN} | {DEAD: died_in or "work"}
    kind, _, name = died_in.partition("/")
    try:
        if receipt.headers.get("tf-kind") == "delivery":
            Delivery.read(headers, receipt.body)
            return Outgoing(QUARANTINE, headers, receipt.body)
        if receipt.headers.get("tf-kind") == "event" and kind == "route":
            Routed.read(headers, receipt.body)
            return Outgoing(Address("route", name), headers, receipt.body)
    except Exception:  # whatever is wrong with it: a person sees it as it is
        return None
    return None
