"""Operations of ports.store.order about fences and what is held in front of them."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Literal

from msgspec.structs import astuple

from engine.backends.sqlite.ops.rows import Handlers, columns, insert, names
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

_HELD = columns(names(HeldRow))
_HOLD = insert("held", names(HeldRow), "ON CONFLICT DO NOTHING")
_KEY = "SELECT settled, admitted FROM fence_key WHERE fence = ? AND order_key = ?"
_SET_KEY = "INSERT OR REPLACE INTO fence_key (fence, order_key, settled, admitted) VALUES (?, ?, ?, ?)"
_AHEAD = "fence_ahead WHERE fence = ? AND order_key = ? AND number = ?"
_TURN = f"SELECT {_HELD} FROM held WHERE fence = ? AND order_key = ? AND number <= ? ORDER BY number"
_ALL_TURNS = (
    f"SELECT {_HELD} FROM held WHERE number <= 1 + coalesce((SELECT settled FROM fence_key AS k "
    "WHERE k.fence = held.fence AND k.order_key = held.order_key), 0) ORDER BY fence, order_key, number"
)
_GAPS = (
    "SELECT h.fence, h.order_key, coalesce(k.settled, 0) + 1 AS missing, count(*), min(h.at) FROM held AS h "
    "LEFT JOIN fence_key AS k ON k.fence = h.fence AND k.order_key = h.order_key "
    "GROUP BY h.fence, h.order_key "
    "HAVING min(h.at) < ? AND min(h.number) > missing AND coalesce(max(k.admitted), 0) < missing ORDER BY 5, 1, 2"
)


def open_fence(connection: Connection, op: FenceOpen) -> None:
    if connection.execute("INSERT OR IGNORE INTO fence VALUES (?, ?)", (op.fence, op.type_name)).rowcount:
        connection.execute(
            "INSERT OR IGNORE INTO fence_key SELECT ?, order_key, last, last FROM order_counter WHERE type = ?",
            (op.fence, op.type_name),
        )


def _position(connection: Connection, fence: str, key: str) -> tuple[int, int]:
    return connection.execute(_KEY, (fence, key)).fetchone() or (0, 0)


def admit(connection: Connection, op: FenceAdmit) -> list[Literal["go", "early", "past"]]:
    return [_admit(connection, op.fence, row.order_key, row.number) for row in op.rows]


def _admit(connection: Connection, fence: str, key: str, number: int) -> Literal["go", "early", "past"]:
    settled, admitted = _position(connection, fence, key)
    if number <= settled or connection.execute(f"SELECT 1 FROM {_AHEAD}", (fence, key, number)).fetchone():
        return "past"
    if number > settled + 1:
        return "early"
    if admitted != number:
        connection.execute(_SET_KEY, (fence, key, settled, number))
    return "go"


def settle(connection: Connection, op: FenceSettle) -> list[HeldRow]:
    released: list[HeldRow] = []
    for key, number in op.numbers:
        settled, admitted = _position(connection, op.fence, key)
        if number > settled:
            connection.execute("INSERT OR IGNORE INTO fence_ahead VALUES (?, ?, ?)", (op.fence, key, number))
            while connection.execute(f"DELETE FROM {_AHEAD}", (op.fence, key, settled + 1)).rowcount:
                settled += 1
            connection.execute(_SET_KEY, (op.fence, key, settled, admitted))
    for key in dict.fromkeys(key for key, _ in op.numbers):
        settled, _ = _position(connection, op.fence, key)
        rows = connection.execute(_TURN, (op.fence, key, settled + 1)).fetchall()
        released.extend(HeldRow(*row) for row in rows)
    return released


def hold(connection: Connection, op: HeldAdd) -> None:
    connection.executemany(_HOLD, map(astuple, op.rows))


def unhold(connection: Connection, op: HeldRemove) -> None:
    sql = "DELETE FROM held WHERE fence = ? AND order_key = ? AND number = ?"
    connection.executemany(sql, [(op.fence, key, number) for key, number in op.numbers])


def ready(connection: Connection, op: HeldReady) -> list[HeldRow]:
    return [HeldRow(*row) for row in connection.execute(_ALL_TURNS)]


def gaps(connection: Connection, op: FenceGaps) -> list[Gap]:
    return [Gap(*row) for row in connection.execute(_GAPS, (op.before,))]


HANDLERS: Handlers = {
    FenceOpen: open_fence,
    FenceAdmit: admit,
    FenceSettle: settle,
    HeldAdd: hold,
    HeldRemove: unhold,
    HeldReady: ready,
    FenceGaps: gaps,
}
