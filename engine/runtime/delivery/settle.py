"""Writing down how deliveries ended, many at a time, in the order that loses nothing.

copies published and confirmed -> early ones held -> ledger, work items and journal in one transaction -> fences -> ack.
A crash between two of these repeats what came before, under the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from engine.core.errors import Fenced, TransportBlocked
from engine.ports.store import Op
from engine.ports.store.journal import JournalAppend
from engine.ports.store.ledger import LedgerSettle
from engine.ports.store.order import FenceAdmit, FenceRow, HeldAdd, HeldRow
from engine.ports.store.work import WorkCreate
from engine.ports.transport import Receipt, Subscription
from engine.runtime.carrying.handover import FIRST_PAUSE, persist, publish
from engine.runtime.cell import Cell
from engine.runtime.crash import point
from engine.runtime.delivery import order
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.endings import Ending


async def settle(desk: Desk, subscription: Subscription, token: str, endings: Sequence[Ending]) -> None:
    """Carry out these endings; afterwards none of them comes back. Waits while store or transport take nothing."""
    cell = desk.cell
    copies = [ending.copy for ending in endings if ending.copy is not None]
    if copies:
        await publish(cell, copies)
        point("retry-published")
    await _hold(cell, [ending.held for ending in endings if ending.held is not None])
    owned = await _write(desk, token, endings)
    await _move_fences(cell, owned)
    await _ack(cell, subscription, [ending.receipt for ending in owned])
    point("lane-acked")
    counted = set(map(id, owned))
    lost = [ending.receipt for ending in endings if id(ending) not in counted]
    if lost:  # the ledger rows are not ours any more: looked at again, they say what became of them
        cell.log("somebody else took over deliveries", {"level": "warning", "count": len(lost)})
        await subscription.release(lost)


async def _hold(cell: Cell, rows: Sequence[HeldRow]) -> None:
    """Keep early ones. Their turn may have come since they were looked at: then they go back at once."""
    for fence, group in groupby(sorted(rows, key=lambda row: row.fence), key=lambda row: row.fence):
        held = list(group)
        asked = [FenceRow(row.order_key, row.number, row.day, row.delivery_id) for row in held]
        write = partial(cell.store.apply_all, HeldAdd(held), FenceAdmit(fence, asked))
        _, turns = await persist(cell, write)
        await order.release(cell, [row for row, turn in zip(held, turns, strict=True) if turn != "early"])


async def _write(desk: Desk, token: str, endings: Sequence[Ending]) -> list[Ending]:
    """Ledger, work items and journal. Answers the endings that count: the ledger row, if any, was still ours."""
    cell = desk.cell
    plain = [ending for ending in endings if ending.item is None]
    failed = [ending for ending in endings if ending.item is not None]
    owned = await _write_plain(desk, token, plain) if plain else []
    if failed:
        await _find_owners(desk, failed)
        owned += await _write_items(cell, token, failed)
    point("ledger-applied")
    return owned


async def _write_plain(desk: Desk, token: str, endings: Sequence[Ending]) -> list[Ending]:
    cell = desk.cell
    rows = [ending.settle for ending in endings if ending.settle is not None]
    entries = [ending.entry for ending in endings if ending.entry is not None]
    if not rows:  # duplicates and the like: their lines need no transaction of their own
        desk.journal.note(entries)
        return list(endings)

    async def write() -> list[Any]:
        ops: list[Op[Any]] = [LedgerSettle(rows, token, cell.clock.now())]
        return await cell.store.apply_all(*ops, *([JournalAppend(entries)] if entries else []))

    answers = iter((await persist(cell, write))[0])
    return [ending for ending in endings if ending.settle is None or next(answers)]


async def _find_owners(desk: Desk, endings: Sequence[Ending]) -> None:
    """Of a route that is gone altogether its last Plan says whose the items are."""
    owners: dict[str, str] = {}
    for ending in endings:
        item = ending.item
        if item is None or item.owner or item.reason != "sink-gone":
            continue
        if item.route not in owners:
            last = await persist(desk.cell, partial(desk.plans.last, item.route))
            owners[item.route] = last.owner if last is not None else ""
        ending.item = replace(item, owner=owners[item.route])


async def _write_items(cell: Cell, token: str, endings: Sequence[Ending]) -> list[Ending]:
    """A work item exists exactly if its ledger row says so: where the row is not ours any more, no item is made."""
    try:
        await persist(cell, lambda: cell.store.apply_all(*_item_ops(cell, token, endings)))
    except Fenced:
        if len(endings) == 1:
            return []
        return [owned for ending in endings for owned in await _write_items(cell, token, [ending])]
    point("work-item-written")
    return list(endings)


def _item_ops(cell: Cell, token: str, endings: Sequence[Ending]) -> list[Op[Any]]:
    rows = [ending.settle for ending in endings if ending.settle is not None]
    items = [ending.item for ending in endings if ending.item is not None]
    entries = [ending.entry for ending in endings if ending.entry is not None]
    ops: list[Op[Any]] = [LedgerSettle(rows, token, cell.clock.now(), required=True)] if rows else []
    return [*ops, WorkCreate(items), JournalAppend(entries)]


async def _move_fences(cell: Cell, endings: Sequence[Ending]) -> None:
    numbers = sorted({ending.number for ending in endings if ending.number is not None})
    for fence, group in groupby(numbers, key=lambda number: number[0]):
        await order.settled(cell, fence, [(key, number) for _, key, number in group])


async def _ack(cell: Cell, subscription: Subscription, receipts: Sequence[Receipt]) -> None:
    while True:
        try:
            await subscription.ack(receipts)
        except TransportBlocked:
            await cell.clock.sleep(FIRST_PAUSE)
        else:
            return
