"""Operations of ports.store.leases."""

from __future__ import annotations

from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers, value
from engine.ports.store.leases import CursorGet, CursorSet, LeaseDrop, LeaseTake, SeenAdd, SeenGet

# Two things make a new owner: another name after the lease ran out, or anybody after it was dropped (owner '').
_TAKE = (
    "INSERT INTO lease VALUES (:name, :owner, 1, :until) ON CONFLICT (name) DO UPDATE SET "
    "token = lease.token + (lease.owner <> excluded.owner), owner = excluded.owner, until = excluded.until "
    "WHERE lease.owner = excluded.owner OR lease.until <= :now RETURNING token"
)


def take(connection: Connection, op: LeaseTake) -> int:
    until = op.now + round(op.seconds * 1_000_000)
    parameters = {"name": op.name, "owner": op.owner, "until": until, "now": op.now}
    found = connection.execute(_TAKE, parameters).fetchall()
    return int(found[0][0]) if found else 0


def drop(connection: Connection, op: LeaseDrop) -> None:
    connection.execute("UPDATE lease SET owner = '', until = 0 WHERE name = ? AND owner = ?", (op.name, op.owner))


def cursor(connection: Connection, op: CursorGet) -> str:
    return str(value(connection, "SELECT value FROM cursor WHERE name = ?", op.name, default=""))


def advance(connection: Connection, op: CursorSet) -> bool:
    if op.token < value(connection, "SELECT token FROM lease WHERE name = ?", op.name, default=0):
        return False
    connection.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (op.name, op.value))
    return True


def see(connection: Connection, op: SeenAdd) -> bool:
    sql = "INSERT OR IGNORE INTO seen (source, key, at, note) VALUES (?, ?, ?, ?)"
    return connection.execute(sql, (op.source, op.key, op.now, op.note)).rowcount == 1


def seen(connection: Connection, op: SeenGet) -> str | None:
    note: str | None = value(connection, "SELECT note FROM seen WHERE source = ? AND key = ?", op.source, op.key)
    return note


HANDLERS: Handlers = {
    LeaseTake: take,
    LeaseDrop: drop,
    CursorGet: cursor,
    CursorSet: advance,
    SeenAdd: see,
    SeenGet: seen,
}
