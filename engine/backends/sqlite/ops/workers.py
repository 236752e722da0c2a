"""Operations of ports.store.workers."""

from __future__ import annotations

from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers
from engine.ports.store.workers import WorkerBeat, WorkerGone, WorkerRow, WorkersSince


def beat(connection: Connection, op: WorkerBeat) -> None:
    row = (op.row.name, op.row.since, op.row.at, op.row.facts)
    connection.execute("INSERT OR REPLACE INTO worker VALUES (?, ?, ?, ?)", row)


def gone(connection: Connection, op: WorkerGone) -> None:
    connection.execute("DELETE FROM worker WHERE name = ?", (op.name,))


def since(connection: Connection, op: WorkersSince) -> list[WorkerRow]:
    sql = "SELECT name, since, at, facts FROM worker WHERE at >= ? ORDER BY name"
    return [WorkerRow(*row) for row in connection.execute(sql, (op.at,))]


HANDLERS: Handlers = {WorkerBeat: beat, WorkerGone: gone, WorkersSince: since}
