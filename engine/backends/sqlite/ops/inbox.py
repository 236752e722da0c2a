"""Operations of ports.store.inbox."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers, assignments, columns, insert, names
from engine.core.jsonx import decode, encode
from engine.ports.store.inbox import (
    EventKey,
    InboxDuplicates,
    InboxFind,
    InboxOpen,
    InboxPlansInUse,
    InboxReplay,
    InboxRouted,
    InboxRow,
    Planned,
)

_NAMES = names(InboxRow, "key", ("day", "id"))
_ONE = "route = ? AND day = ? AND id = ?"
_SELECT = f"SELECT {columns(_NAMES)} FROM inbox WHERE {_ONE}"
_INSERT = insert("inbox", _NAMES, "ON CONFLICT DO NOTHING")
_REPLACE = f"UPDATE inbox SET {assignments(_NAMES)} WHERE {_ONE}"
_DONE = frozenset({"filtered", "work_item"})


def _columns_of(row: InboxRow) -> tuple[object, ...]:
    return (
        row.route,
        *row.key,
        row.plan,
        row.kind,
        encode(row.planned).decode(),
        row.reason,
        row.replay,
        "routed" if row.kind in _DONE else row.state,
        row.origin,
        row.guard,
        row.body,
        row.amount,
        row.currency,
        row.at,
        row.segment,
        row.caught,
    )


def _row(found: Sequence[object]) -> InboxRow:
    route, day, event_id, plan, kind, planned, *rest = found
    deliveries = tuple(Planned(*one) for one in decode(str(planned)))
    return InboxRow(route, EventKey(day, event_id), plan, kind, deliveries, *rest)  # type: ignore[arg-type]


def find(connection: Connection, op: InboxFind) -> dict[EventKey, InboxRow]:
    found = {}
    for key in op.keys:
        row = connection.execute(_SELECT, (op.route, *key)).fetchone()
        if row is not None:
            found[EventKey(*key)] = _row(row)
    return found


def open_rows(connection: Connection, op: InboxOpen) -> list[InboxRow | None]:
    return [_open(connection, row) for row in op.rows]


def _open(connection: Connection, row: InboxRow) -> InboxRow | None:
    values = _columns_of(row)
    if connection.execute(_INSERT, values).rowcount:
        return None
    there = _row(connection.execute(_SELECT, (row.route, *row.key)).fetchone())
    if there.plan or there.replay != row.replay:
        return there
    connection.execute(_REPLACE, (*values, row.route, *row.key))
    return None


def routed(connection: Connection, op: InboxRouted) -> None:
    # A row without a plan waits for a replay to be decided: a late confirm of the outcome before says nothing of it.
    sql = f"""UPDATE inbox SET state = 'routed' WHERE {_ONE} AND "plan" <> ''"""
    connection.executemany(sql, [(op.route, *key) for key in op.keys])


def replay(connection: Connection, op: InboxReplay) -> int:
    plan, kinds = ('"plan"', ()) if op.keep_plan else ("''", op.kinds)
    condition = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    sql = f"""UPDATE inbox SET replay = replay + 1, state = 'open', "plan" = {plan} WHERE {_ONE}{condition}"""
    found = connection.execute(f"{sql} RETURNING replay", (op.route, *op.key, *kinds)).fetchall()
    return int(found[0][0]) if found else 0


def duplicates(connection: Connection, op: InboxDuplicates) -> None:
    sql = f"UPDATE inbox SET duplicates = duplicates + 1 WHERE {_ONE}"
    connection.executemany(sql, [(op.route, *key) for key in op.keys])


def plans_in_use(connection: Connection, op: InboxPlansInUse) -> set[str]:
    return {row[0] for row in connection.execute("""SELECT DISTINCT "plan" FROM inbox WHERE "plan" <> ''""")}


HANDLERS: Handlers = {
    InboxFind: find,
    InboxOpen: open_rows,
    InboxRouted: routed,
    InboxReplay: replay,
    InboxDuplicates: duplicates,
    InboxPlansInUse: plans_in_use,
}
