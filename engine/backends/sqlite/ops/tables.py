"""Operations of ports.store.tables."""

from __future__ import annotations

from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers, value
from engine.ports.store.tables import TableAll, TablePut, TableRow, TableStamp

_PUT = (
    'INSERT INTO table_row ("table", key, row, version) VALUES (?, ?, ?, ?) ON CONFLICT ("table", key) '
    "DO UPDATE SET row = excluded.row, version = excluded.version WHERE excluded.version >= table_row.version"
)
_STAMP = 'INSERT INTO table_stamp VALUES (?, 1) ON CONFLICT ("table") DO UPDATE SET stamp = stamp + 1'


def put(connection: Connection, op: TablePut) -> list[bool]:
    written = []
    for row in op.rows:
        written.append(connection.execute(_PUT, (row.table, row.key, row.row, row.version)).rowcount == 1)
    changed = dict.fromkeys(row.table for row, done in zip(op.rows, written, strict=True) if done)
    connection.executemany(_STAMP, [(table,) for table in changed])
    return written


def all_rows(connection: Connection, op: TableAll) -> list[TableRow]:
    sql = 'SELECT "table", key, row, version FROM table_row WHERE "table" = ? ORDER BY key'
    return [TableRow(*row) for row in connection.execute(sql, (op.table,))]


def stamp(connection: Connection, op: TableStamp) -> int:
    return int(value(connection, 'SELECT stamp FROM table_stamp WHERE "table" = ?', op.table, default=0))


HANDLERS: Handlers = {TablePut: put, TableAll: all_rows, TableStamp: stamp}
