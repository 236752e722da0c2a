"""Operations of ports.store.work."""

from __future__ import annotations

from sqlite3 import Connection

from msgspec.structs import astuple

from engine.backends.conditions import OF_ANOTHER_RECORD
from engine.backends.sqlite.ops.rows import Handlers, columns, insert, names
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

_NAMES = names(WorkItem)
_KEPT = frozenset({"id", "note", "created", "version", "edits", "attempts", "headers", "body"})
# `work_item.x` is what is there, `excluded.x` what comes in.
_EDITED_MORE = "work_item.state = 'open' AND work_item.edits > excluded.edits"
_ANEW = "work_item.level = 'event' AND work_item.state = 'replayed'"  # its attempts were counted from 1 again
_TRIES = (
    f"attempts = CASE WHEN {_ANEW} THEN work_item.attempts + excluded.attempts "
    "ELSE max(work_item.attempts, excluded.attempts) END"
)
_CONTENT = "{0} = CASE WHEN " + _EDITED_MORE + " THEN work_item.{0} ELSE excluded.{0} END"
_REOPEN = ", ".join(
    [
        *(f'"{name}" = excluded."{name}"' for name in _NAMES if name not in _KEPT),
        _CONTENT.format("headers"),
        _CONTENT.format("body"),
        "edits = max(work_item.edits, excluded.edits)",
        _TRIES,
        "version = work_item.version + 1",
    ]
)
_CREATE = insert("work_item", _NAMES, f"ON CONFLICT (id) DO UPDATE SET {_REOPEN}")
_SELECT = f"SELECT {columns(_NAMES)} FROM work_item"
_TEXT = (
    "(id = ? OR event_id = ? OR subject = ? OR root = ?"
    " OR EXISTS (SELECT 1 FROM json_each(search) AS word WHERE word.value = ?))"
)


def create(connection: Connection, op: WorkCreate) -> list[str]:
    connection.executemany(_CREATE, map(astuple, op.items))
    return [item.id for item in op.items]


def get(connection: Connection, op: WorkGet) -> WorkItem | None:
    if not op.id:
        return None
    found = connection.execute(
        f"{_SELECT} WHERE id >= ? AND substr(id, 1, ?) = ? ORDER BY id LIMIT 2", (op.id, len(op.id), op.id)
    ).fetchall()
    if len(found) == 1 or (found and found[0][0] == op.id):
        return WorkItem(*found[0])
    return None


def find(connection: Connection, op: WorkFind) -> list[WorkItem]:
    conditions, values = [f"state IN ({', '.join('?' * len(op.states))})"], list[object](op.states)
    for column in ("route", "reason", "owner"):
        if wanted := getattr(op, column):
            conditions.append(f"{column} = ?")
            values.append(wanted)
    if op.text:
        conditions.append(_TEXT)
        values.extend([op.text] * 5)
    limits = (op.limit or -1, op.offset)
    sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY created DESC, id LIMIT ? OFFSET ?"
    return [WorkItem(*row) for row in connection.execute(sql, (*values, *limits))]


def count(connection: Connection, op: WorkCount) -> list[tuple[str, str, str, int]]:
    sql = "SELECT route, reason, state, count(*) FROM work_item GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    return connection.execute(sql).fetchall()


def conflicts(connection: Connection, op: Conflicts) -> list[tuple[str, int]]:
    of_another = f"{OF_ANOTHER_RECORD} AND w.state = 'open'"
    sql = f"SELECT route, count(*) FROM work_item AS w WHERE {of_another} GROUP BY 1 ORDER BY 1"
    return connection.execute(sql).fetchall()


def refused(connection: Connection, op: RecordsRefused) -> list[tuple[str, int]]:
    sql = "SELECT route, count(*) FROM work_item WHERE level = 'record' AND state = 'open' GROUP BY 1 ORDER BY 1"
    return connection.execute(sql).fetchall()


def change(connection: Connection, op: WorkChange) -> bool:
    sql = "UPDATE work_item SET state = ?, note = ?, updated = ?, version = version + 1 WHERE id = ? AND version = ?"
    return connection.execute(sql, (op.state, op.note, op.now, op.id, op.version)).rowcount == 1


def edit(connection: Connection, op: WorkEdit) -> bool:
    sql = (
        "UPDATE work_item SET headers = ?, body = ?, note = ?, updated = ?, version = version + 1, edits = edits + 1 "
        "WHERE id = ? AND version = ? AND state = 'open'"
    )
    return connection.execute(sql, (op.headers, op.body, op.note, op.now, op.id, op.version)).rowcount == 1


HANDLERS: Handlers = {
    WorkCreate: create,
    WorkGet: get,
    WorkFind: find,
    WorkCount: count,
    RecordsRefused: refused,
    Conflicts: conflicts,
    WorkChange: change,
    WorkEdit: edit,
}
