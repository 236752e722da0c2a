"""Operations of ports.store.tables."""

from __future__ import annotations

from engine.backends.postgres.draft import Connection, Draft, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of, load_of
from engine.backends.postgres.table import BYTES, INTEGER, TEXT, Table
from engine.backends.postgres.text import plain, stored
from engine.ports.store.tables import TableAll, TablePut, TableRow, TableStamp

ROW = Table("table_row", {"name": TEXT, "key": TEXT}, {"row": BYTES, "version": INTEGER}, loaded=("version",))
STAMP = Table("table_stamp", {"name": TEXT}, {"stamp": INTEGER}, loaded=("stamp",))

load, flush = load_of(ROW, STAMP), flush_of(ROW, STAMP)


def _want_rows(draft: Draft, op: TablePut) -> None:
    want(ROW, draft, [(row.table, row.key) for row in op.rows])
    want(STAMP, draft, [(row.table,) for row in op.rows])


def put(draft: Draft, op: TablePut) -> list[bool]:
    written = [_put(draft, row) for row in op.rows]
    stamps = draft.of(STAMP)
    for table in dict.fromkeys(row.table for row, done in zip(op.rows, written, strict=True) if done):
        there = stamps.get((table,))
        if there is None:
            stamps.add((table,), {"stamp": 1})
        else:
            stamps.change((table,), stamp=there["stamp"] + 1)
    return written


def _put(draft: Draft, row: TableRow) -> bool:
    rows, key = draft.of(ROW), (row.table, row.key)
    there = rows.get(key)
    if there is None:
        rows.add(key, {"row": row.row, "version": row.version})
        return True
    if row.version < there["version"]:
        return False
    rows.change(key, row=row.row, version=row.version)
    return True


async def all_rows(connection: Connection, op: TableAll) -> list[TableRow]:
    sql = "SELECT name, key, row, version FROM table_row WHERE name = $1 ORDER BY key"
    return [TableRow(*row) for row in plain(await connection.fetch(sql, stored(op.table)))]


async def stamp(connection: Connection, op: TableStamp) -> int:
    found: int | None = await connection.fetchval("SELECT stamp FROM table_stamp WHERE name = $1", stored(op.table))
    return found or 0


WRITES: Writes = {TablePut: Write(_want_rows, put)}
READS: Directs = {TableAll: all_rows, TableStamp: stamp}
