"""Bodies above 256 KiB are checked in as blobs before they are published or stored, and fetched where they are read.

The reference travels beside an empty body: the header `tf-blob`, SHA-256 of the content. `checking_in` wraps the ports
of a cell, so nobody else has to know. The blob is durable before anything refers to it; a crash in between leaves one
that the same content uses again. A body that cannot be fetched keeps its reference and becomes the work item
`blob-missing`: once the blob is put back, a replay finds it.

`retention` removes a blob that is old and that no row names.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from msgspec import structs

from engine.core.errors import Permanent, StoreDown, TransportBlocked
from engine.ports.blobs import Blobs
from engine.ports.store import Op, Store
from engine.ports.store.order import HeldAdd, HeldRow
from engine.ports.store.steps import GroupJoin, GroupMembers, Member, Timer, TimersDue, TimerSet
from engine.ports.store.work import WorkCreate, WorkEdit, WorkGet, WorkItem
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Receipt, Subscription, Topology, Transport
from engine.runtime.carrying.codec import BLOB, kept_headers, pack, read_headers, unpack
from engine.runtime.cell import Cell

LARGE = 256 << 10  # bytes
ENOUGH = 16 << 20  # bytes of fetched bodies in the hands of one subscription, beyond which it fetches no more
_QUOTED = f'"{BLOB}"'  # in headers as JSON text
_FIRST = f'{{"{BLOB}":'.encode()  # how packed headers with a reference begin

R = TypeVar("R")
Row = TypeVar("Row", HeldRow, Timer, WorkItem)


def checking_in(cell: Cell) -> Cell:
    """The cell with ports that keep large bodies in its blobs."""
    return replace(cell, transport=LightTransport(cell.transport, cell.blobs), store=LightStore(cell.store, cell.blobs))


def missing(digest: str) -> Permanent:
    """The failure of something whose body cannot be fetched."""
    text = f"its body is kept as blob {digest}, which is not there; put the blob back, then replay"
    return Permanent("blob-missing", text, data={"blob": digest})


class LightTransport:
    """A Transport that carries small bodies only."""

    def __init__(self, real: Transport, blobs: Blobs) -> None:
        self._real = real
        self._blobs = blobs

    async def open(self) -> None:
        await self._real.open()

    async def close(self) -> None:
        await self._real.close()

    async def declare(self, topology: Topology) -> None:
        await self._real.declare(topology)

    async def unbind(self, type_name: str, route: str) -> None:
        await self._real.unbind(type_name, route)

    async def remove(self, queue: Address) -> bool:
        return await self._real.remove(queue)

    async def depths(self) -> dict[Address, Depth]:
        return await self._real.depths()

    def in_hand(self) -> dict[Address, int]:
        return self._real.in_hand()

    def problems(self) -> dict[str, str]:
        return self._real.problems()

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        for outgoing in batch:
            if len(outgoing.body) > LARGE:
                break
        else:
            return await self._real.publish(batch)
        try:
            light = [await self._light(outgoing) for outgoing in batch]
        except StoreDown as down:
            raise TransportBlocked(str(down)) from down
        return await self._real.publish(light)

    async def _light(self, outgoing: Outgoing) -> Outgoing:
        if len(outgoing.body) <= LARGE:
            return outgoing
        digest = await self._blobs.put(outgoing.body)
        return structs.replace(outgoing, headers={**outgoing.headers, BLOB: digest}, body=b"")

    async def subscribe(self, queue: Address, prefetch: int) -> Subscription:
        return LightSubscription(await self._real.subscribe(queue, prefetch), self._blobs)


class LightSubscription:
    """Hands out whole bodies. Of large ones only so many at a time as fit into memory; what is behind them waits."""

    def __init__(self, real: Subscription, blobs: Blobs) -> None:
        self._real = real
        self._blobs = blobs
        self._behind: deque[Receipt] = deque()
        self._fetched: dict[int, int] = {}  # bytes by tag
        self._room = asyncio.Event()
        self._closed = False

    async def receive(self, most: int) -> list[Receipt]:
        while not self._closed:
            if not self._behind:
                receipts = await self._real.receive(most)
                if all(BLOB not in receipt.headers for receipt in receipts):
                    return receipts
                self._behind.extend(receipts)
            if taken := await self._take(most):
                return taken
            self._room.clear()
            await self._room.wait()
        return []

    async def _take(self, most: int) -> list[Receipt]:
        taken: list[Receipt] = []
        while self._behind and len(taken) < most:
            receipt = self._behind[0]
            if BLOB in receipt.headers:
                if sum(self._fetched.values()) >= ENOUGH:
                    break
                receipt = await self._whole(receipt)
            taken.append(receipt)
            self._behind.popleft()
        return taken

    async def _whole(self, receipt: Receipt) -> Receipt:
        try:
            content = await _fetch(self._blobs, str(receipt.headers[BLOB]))
        except StoreDown as down:
            raise TransportBlocked(str(down)) from down
        if content is None:
            return receipt
        self._fetched[receipt.tag] = len(content)
        return structs.replace(receipt, headers=_without(receipt.headers), body=content)

    async def ack(self, receipts: Sequence[Receipt]) -> None:
        await self._real.ack(receipts)
        self._let_go(receipts)

    async def release(self, receipts: Sequence[Receipt]) -> None:
        await self._real.release(receipts)
        self._let_go(receipts)

    def _let_go(self, receipts: Sequence[Receipt]) -> None:
        if self._fetched:
            for receipt in receipts:
                self._fetched.pop(receipt.tag, None)
            self._room.set()

    async def close(self) -> None:
        self._closed = True
        self._room.set()
        await self._real.close()


class LightStore:
    """A Store whose rows have small bodies only. `WorkFind` answers items without the bodies that are kept as blobs."""

    def __init__(self, real: Store, blobs: Blobs) -> None:
        self._real = real
        self._blobs = blobs

    async def open(self) -> None:
        await self._real.open()

    async def close(self) -> None:
        await self._real.close()

    async def apply(self, op: Op[R]) -> R:
        kind = type(op)
        if kind in _WRITES:
            op = await _WRITES[kind](self._blobs, op)
        answer = await self._real.apply(op)
        return await _READS[kind](self._blobs, answer) if kind in _READS else answer

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        if any(type(op) in _WRITES for op in ops):
            ops = tuple([await _WRITES[type(op)](self._blobs, op) if type(op) in _WRITES else op for op in ops])
        answers = await self._real.apply_all(*ops)
        for place, op in enumerate(ops):
            if type(op) in _READS:
                answers[place] = await _READS[type(op)](self._blobs, answers[place])
        return answers


async def _fetch(blobs: Blobs, digest: str) -> bytes | None:
    """The content; None when it is not there. Raises StoreDown."""
    try:
        return await blobs.get(digest)
    except KeyError:
        return None


def _without(headers: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: value for name, value in headers.items() if name != BLOB}


# --- rows with headers as text ----------------------------------------------------------------------------------------


async def _light_row(blobs: Blobs, row: Row) -> Row:
    if len(row.body) <= LARGE:
        return row
    headers = read_headers(row.headers) | {BLOB: await blobs.put(row.body)}
    return structs.replace(row, headers=kept_headers(headers), body=b"")


async def _whole_row(blobs: Blobs, row: Row) -> Row:
    headers = read_headers(row.headers) if _QUOTED in row.headers else {}
    content = await _fetch(blobs, str(headers[BLOB])) if BLOB in headers else None
    return row if content is None else structs.replace(row, headers=kept_headers(_without(headers)), body=content)


async def _light_held(blobs: Blobs, op: HeldAdd) -> HeldAdd:
    return structs.replace(op, rows=[await _light_row(blobs, row) for row in op.rows])


async def _light_timers(blobs: Blobs, op: TimerSet) -> TimerSet:
    return structs.replace(op, timers=[await _light_row(blobs, timer) for timer in op.timers])


async def _whole_timers(blobs: Blobs, timers: Sequence[Timer]) -> list[Timer]:
    return [await _whole_row(blobs, timer) for timer in timers]


async def _light_items(blobs: Blobs, op: WorkCreate) -> WorkCreate:
    return structs.replace(op, items=[await _light_row(blobs, item) for item in op.items])


async def _light_edit(blobs: Blobs, op: WorkEdit) -> WorkEdit:
    """What was edited takes the place of what the item referred to."""
    headers = _without(read_headers(op.headers))
    if len(op.body) <= LARGE:
        return structs.replace(op, headers=kept_headers(headers))
    return structs.replace(op, headers=kept_headers(headers | {BLOB: await blobs.put(op.body)}), body=b"")


async def _whole_item(blobs: Blobs, item: WorkItem | None) -> WorkItem | None:
    return None if item is None else await _whole_row(blobs, item)


# --- members of groups: their headers are packed with the body --------------------------------------------------------


async def _light_members(blobs: Blobs, op: GroupJoin) -> GroupJoin:
    return structs.replace(op, members=[await _light_member(blobs, member) for member in op.members])


async def _light_member(blobs: Blobs, member: Member) -> Member:
    if len(member.body) <= LARGE:
        return member
    headers, body = unpack(member.body)
    return structs.replace(member, body=pack({BLOB: await blobs.put(body)} | headers, b""))


async def _whole_members(blobs: Blobs, members: Sequence[Member]) -> list[Member]:
    return [await _whole_member(blobs, member) for member in members]


async def _whole_member(blobs: Blobs, member: Member) -> Member:
    if not member.body.startswith(_FIRST):
        return member
    headers, _ = unpack(member.body)
    content = await _fetch(blobs, str(headers[BLOB]))
    return member if content is None else structs.replace(member, body=pack(_without(headers), content))


_WRITES: Mapping[type, Callable[[Blobs, Any], Awaitable[Any]]] = {
    HeldAdd: _light_held,
    TimerSet: _light_timers,
    GroupJoin: _light_members,
    WorkCreate: _light_items,
    WorkEdit: _light_edit,
}
_READS: Mapping[type, Callable[[Blobs, Any], Awaitable[Any]]] = {
    TimersDue: _whole_timers,
    GroupMembers: _whole_members,
    WorkGet: _whole_item,
}
