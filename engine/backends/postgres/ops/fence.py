"""Operations of ports.store.order about fences and what is held in front of them.

The row of a key in `fence_key` is its lock: whoever moves the key, or is told that it has to wait, has it. Were an
early one told so without it, the number before could be settled in that moment and wake nobody.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import fields

from engine.backends.postgres.draft import Connection, Draft, Rows, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of
from engine.backends.postgres.table import BYTES, INTEGER, TEXT, Row, Table, columns
from engine.backends.postgres.text import plain, stored, stored_all
from engine.ports.store.order import (
    FenceAdmit,
    FenceGaps,
    FenceOpen,
    FenceSettle,
    Gap,
    HeldAdd,
    HeldReady,
    HeldRemove,
    HeldRow,
)

_KEY = {"fence": TEXT, "order_key": TEXT}
_NUMBER = {**_KEY, "number": INTEGER}
_CONTENT = {"day": TEXT, "delivery_id": TEXT, "lane": TEXT, "headers": TEXT, "body": BYTES, "at": INTEGER}
POSITION = Table("fence_key", _KEY, {"settled": INTEGER, "admitted": INTEGER}, loaded=("settled", "admitted"))
AHEAD = Table("fence_ahead", _NUMBER, {}, lock=False)
HELD = Table("held", _NUMBER, _CONTENT, lock=False)

_HELD = ", ".join(f"h.{field.name}" for field in fields(HeldRow))
_NUMBERS_AHEAD = (
    f"SELECT fence, order_key, number FROM fence_ahead JOIN {POSITION.given(_KEY)} USING (fence, order_key)"
)
_TURNS = (
    f"SELECT {columns(('fence', 'order_key', 'number', *_CONTENT))} FROM held "
    "JOIN unnest($1::text[], $2::text[], $3::bigint[]) AS g (fence, order_key, last) USING (fence, order_key) "
    "WHERE number <= last"
)
_ALL_TURNS = (
    f"SELECT {_HELD} FROM held AS h LEFT JOIN fence_key AS k USING (fence, order_key) "
    "WHERE h.number <= 1 + coalesce(k.settled, 0) ORDER BY h.fence, h.order_key, h.number"
)
_GAPS = (
    "SELECT h.fence, h.order_key, coalesce(max(k.settled), 0) + 1, count(*), min(h.at) FROM held AS h "
    "LEFT JOIN fence_key AS k USING (fence, order_key) GROUP BY h.fence, h.order_key "
    "HAVING min(h.at) < $1 AND min(h.number) > coalesce(max(k.settled), 0) + 1 "
    "AND coalesce(max(k.admitted), 0) < coalesce(max(k.settled), 0) + 1 ORDER BY 5, 1, 2"
)
# A key that somebody was held at, and nothing more, starts behind the numbers already given like one never seen.
_OPEN = (
    "WITH made AS (INSERT INTO fence VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name) "
    "INSERT INTO fence_key AS k (fence, order_key, settled, admitted) "
    "SELECT made.name, c.order_key, c.last, c.last FROM made CROSS JOIN order_counter AS c WHERE c.type = $2 "
    "ORDER BY c.order_key ON CONFLICT (fence, order_key) DO UPDATE SET settled = excluded.settled, "
    "admitted = excluded.admitted WHERE k.settled = 0 AND k.admitted = 0"
)
_SETTLING = "fence: numbers being settled"
_ASKED = "fence: keys with numbers"

flush = flush_of(POSITION, AHEAD, HELD)


async def load(draft: Draft, connection: Connection) -> None:
    """Positions, then numbers settled ahead of them, then whatever of the held rows can have its turn."""
    if not draft.touched(POSITION):
        return
    await draft.of(POSITION).load(connection)
    asked = draft.notes(_ASKED)
    if asked:
        ahead = draft.of(AHEAD)
        for key in plain(await connection.fetch(_NUMBERS_AHEAD, *POSITION.keys(list(asked)))):
            ahead.found(key, {})
    held = draft.of(HELD)
    await held.load(connection)
    settling = draft.notes(_SETTLING)
    if settling:
        reached = _reached(draft)
        keys = [[fence for fence, _ in reached], [key for _, key in reached]]
        found = await connection.fetch(_TURNS, *map(stored_all, keys), [last + 1 for last in reached.values()])
        for fence, key, number, *content in plain(found):
            held.found((fence, key, number), dict(zip(_CONTENT, content, strict=True)))


def _reached(draft: Draft) -> dict[tuple[str, str], int]:
    """Where each key stands when all that is asked for is settled."""
    ahead: dict[tuple[str, str], set[int]] = {key: set(numbers) for key, numbers in draft.notes(_SETTLING).items()}
    for (fence, key, number), _ in draft.of(AHEAD).items():
        if (fence, key) in ahead:
            ahead[fence, key].add(number)
    reached = {}
    for place, numbers in ahead.items():
        last, _ = _position(draft.of(POSITION), place)
        while last + 1 in numbers:
            last += 1
        reached[place] = last
    return reached


def _want_admit(draft: Draft, op: FenceAdmit) -> None:
    keys = {(op.fence, row.order_key) for row in op.rows}
    want(POSITION, draft, keys)
    draft.notes(_ASKED).update(dict.fromkeys(keys))


def _want_settle(draft: Draft, op: FenceSettle) -> None:
    keys = {(op.fence, key) for key, _ in op.numbers}
    want(POSITION, draft, keys)
    draft.notes(_ASKED).update(dict.fromkeys(keys))
    settling = draft.notes(_SETTLING)
    for key, number in op.numbers:
        settling.setdefault((op.fence, key), set()).add(number)


def _want_hold(draft: Draft, op: HeldAdd) -> None:
    want(POSITION, draft, [(row.fence, row.order_key) for row in op.rows])
    want(HELD, draft, [(row.fence, row.order_key, row.number) for row in op.rows])


def _want_unhold(draft: Draft, op: HeldRemove) -> None:
    want(POSITION, draft, [(op.fence, key) for key, _ in op.numbers])
    want(HELD, draft, [(op.fence, key, number) for key, number in op.numbers])


def _position(rows: Rows, place: tuple[str, str]) -> tuple[int, int]:
    there = rows.get(place)
    return (there["settled"], there["admitted"]) if there else (0, 0)


def _put(rows: Rows, place: tuple[str, str], settled: int, admitted: int) -> None:
    values: Row = {"settled": settled, "admitted": admitted}
    if rows.get(place) is None:
        rows.add(place, values)
    elif rows.get(place) != values:
        rows.change(place, **values)


def admit(draft: Draft, op: FenceAdmit) -> list[Literal["go", "early", "past"]]:
    return [_admit(draft, (op.fence, row.order_key), row.number) for row in op.rows]


def _admit(draft: Draft, place: tuple[str, str], number: int) -> Literal["go", "early", "past"]:
    rows = draft.of(POSITION)
    settled, admitted = _position(rows, place)
    if number <= settled or draft.of(AHEAD).get((*place, number)) is not None:
        return "past"
    if number > settled + 1:
        _put(rows, place, settled, admitted)
        return "early"
    _put(rows, place, settled, number)
    return "go"


def settle(draft: Draft, op: FenceSettle) -> list[HeldRow]:
    for key, number in op.numbers:
        _settle(draft, (op.fence, key), number)
    turns: dict[str, list[HeldRow]] = {key: [] for key, _ in op.numbers}
    positions = draft.of(POSITION)
    for (fence, key, number), content in draft.of(HELD).items():
        if fence == op.fence and key in turns and number <= _position(positions, (fence, key))[0] + 1:
            turns[key].append(HeldRow(fence, key, number, **content))
    return [row for rows in turns.values() for row in sorted(rows, key=lambda row: row.number)]


def _settle(draft: Draft, place: tuple[str, str], number: int) -> None:
    ahead, rows = draft.of(AHEAD), draft.of(POSITION)
    settled, admitted = _position(rows, place)
    if number <= settled:
        return
    if ahead.get((*place, number)) is None:
        ahead.add((*place, number), {})
    while ahead.get((*place, settled + 1)) is not None:
        settled += 1
        ahead.drop((*place, settled))
    _put(rows, place, settled, admitted)


def hold(draft: Draft, op: HeldAdd) -> None:
    held = draft.of(HELD)
    for row in op.rows:
        key = (row.fence, row.order_key, row.number)
        if held.get(key) is None:
            held.add(key, {name: getattr(row, name) for name in _CONTENT})


def unhold(draft: Draft, op: HeldRemove) -> None:
    held = draft.of(HELD)
    for key, number in op.numbers:
        if held.get((op.fence, key, number)) is not None:
            held.drop((op.fence, key, number))


async def open_fence(connection: Connection, op: FenceOpen) -> None:
    await connection.execute(_OPEN, stored(op.fence), stored(op.type_name))


async def ready(connection: Connection, op: HeldReady) -> list[HeldRow]:
    return [HeldRow(*row) for row in plain(await connection.fetch(_ALL_TURNS))]


async def gaps(connection: Connection, op: FenceGaps) -> list[Gap]:
    return [Gap(*row) for row in plain(await connection.fetch(_GAPS, op.before))]


WRITES: Writes = {
    FenceAdmit: Write(_want_admit, admit),
    FenceSettle: Write(_want_settle, settle),
    HeldAdd: Write(_want_hold, hold),
    HeldRemove: Write(_want_unhold, unhold),
}
DIRECT: Directs = {FenceOpen: open_fence}
READS: Directs = {HeldReady: ready, FenceGaps: gaps}
