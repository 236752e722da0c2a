"""Operations of ports.store.work."""

from __future__ import annotations

from typing import Any

from msgspec.structs import fields

from engine.backends.conditions import OF_ANOTHER_RECORD
from engine.backends.postgres.draft import Connection, Draft, Rows, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of, load_of
from engine.backends.postgres.table import BYTES, INTEGER, TEXT, Table, columns
from engine.backends.postgres.text import plain, stored
from engine.core.jsonx import encode
from engine.ports.store.work import (
    Conflicts,
    RecordsRefused,
    WorkChange,
    WorkCount,
    WorkCreate,
    WorkEdit,
    WorkFind,
    WorkGet,
    WorkItem,
)

_OTHERS = {
    "body": BYTES, "attempts": INTEGER, "edits": INTEGER, "version": INTEGER, "created": INTEGER,
    "updated": INTEGER,
}  # fmt: skip
_NAMES = tuple(field.name for field in fields(WorkItem))
_VALUES = {name: _OTHERS.get(name, TEXT) for name in _NAMES if name != "id"}
WORK = Table("work_item", {"id": TEXT}, _VALUES, loaded=("state", "edits", "attempts", "version"))
_KEPT = frozenset({"note", "created", "version", "edits", "attempts"})
_SELECT = f"SELECT {columns(_NAMES)} FROM work_item"
# In JSON as this engine writes it a bare quote behind a colon begins a value. The server's own JSON functions fail on
# every row of the table when one of them holds a NUL.
_TEXT = "(id = {0} OR event_id = {0} OR subject = {0} OR root = {0} OR strpos(search, ':' || {1}) > 0)"
_AFTER = "\U0010ffff"

load, flush = load_of(WORK), flush_of(WORK)


def _want_items(draft: Draft, op: WorkCreate) -> None:
    want(WORK, draft, [(item.id,) for item in op.items])


def _want_one(draft: Draft, op: WorkChange | WorkEdit) -> None:
    want(WORK, draft, [(op.id,)])


def create(draft: Draft, op: WorkCreate) -> list[str]:
    rows = draft.of(WORK)
    for item in op.items:
        _create(rows, item)
    return [item.id for item in op.items]


def _create(rows: Rows, item: WorkItem) -> None:
    there, values = rows.get((item.id,)), {name: getattr(item, name) for name in _VALUES}
    if there is None:
        rows.add((item.id,), values)
        return
    facts = {name: value for name, value in values.items() if name not in _KEPT}
    if there["state"] == "open" and there["edits"] > item.edits:
        del facts["headers"], facts["body"]
    anew = item.level == "event" and there["state"] == "replayed"  # its attempts were counted from 1 again
    facts["attempts"] = there["attempts"] + item.attempts if anew else max(there["attempts"], item.attempts)
    rows.change((item.id,), **facts, edits=max(there["edits"], item.edits), version=there["version"] + 1)


def change(draft: Draft, op: WorkChange) -> bool:
    rows = draft.of(WORK)
    there = rows.get((op.id,))
    if there is None or there["version"] != op.version:
        return False
    rows.change((op.id,), state=op.state, note=op.note, updated=op.now, version=op.version + 1)
    return True


def edit(draft: Draft, op: WorkEdit) -> bool:
    rows = draft.of(WORK)
    there = rows.get((op.id,))
    if there is None or there["version"] != op.version or there["state"] != "open":
        return False
    content = {"headers": op.headers, "body": op.body, "note": op.note, "updated": op.now}
    rows.change((op.id,), **content, version=op.version + 1, edits=there["edits"] + 1)
    return True


async def get(connection: Connection, op: WorkGet) -> WorkItem | None:
    if not op.id:
        return None
    begins = f"{_SELECT} WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2"
    found = plain(await connection.fetch(begins, stored(op.id), stored(op.id) + _AFTER))
    if len(found) == 1 or (found and found[0][0] == op.id):
        return WorkItem(*found[0])
    return None


async def find(connection: Connection, op: WorkFind) -> list[WorkItem]:
    values: list[Any] = [list(op.states)]
    conditions = ["state = ANY($1::text[])"]

    def placed(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    for column in ("route", "reason", "owner"):
        if wanted := getattr(op, column):
            conditions.append(f"{column} = {placed(stored(wanted))}")
    if op.text:
        conditions.append(_TEXT.format(placed(stored(op.text)), placed(encode(op.text).decode())))
    limits = f"LIMIT {placed(op.limit or None)} OFFSET {placed(op.offset)}"
    sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY created DESC, id {limits}"
    return [WorkItem(*row) for row in plain(await connection.fetch(sql, *values))]


async def count(connection: Connection, op: WorkCount) -> list[tuple[str, str, str, int]]:
    sql = "SELECT route, reason, state, count(*) FROM work_item GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    return [(route, reason, state, number) for route, reason, state, number in plain(await connection.fetch(sql))]


async def conflicts(connection: Connection, op: Conflicts) -> list[tuple[str, int]]:
    of_another = f"{OF_ANOTHER_RECORD} AND w.state = 'open'"
    sql = f"SELECT route, count(*) FROM work_item AS w WHERE {of_another} GROUP BY 1 ORDER BY 1"
    return [(route, number) for route, number in plain(await connection.fetch(sql))]


async def refused(connection: Connection, op: RecordsRefused) -> list[tuple[str, int]]:
    sql = "SELECT route, count(*) FROM work_item WHERE level = 'record' AND state = 'open' GROUP BY 1 ORDER BY 1"
    return [(route, number) for route, number in plain(await connection.fetch(sql))]


WRITES: Writes = {
    WorkCreate: Write(_want_items, create),
    WorkChange: Write(_want_one, change),
    WorkEdit: Write(_want_one, edit),
}
READS: Directs = {WorkGet: get, WorkFind: find, WorkCount: count, RecordsRefused: refused, Conflicts: conflicts}
