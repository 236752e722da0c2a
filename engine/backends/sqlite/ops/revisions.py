"""Operations of ports.store.revisions. Equal file contents are stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers, value
from engine.core.jsonx import decode, encode
from engine.ports.store.revisions import (
    Revision,
    RevisionGet,
    RevisionList,
    RevisionOfPlan,
    RevisionPrune,
    RevisionPut,
)

_SELECT = "SELECT number, id, state, author, reason, at, plans FROM revision"
_FILES = "SELECT path, content FROM revision_file JOIN file_content USING (digest) WHERE number = ? ORDER BY path"
_INSERT = (
    "INSERT INTO revision (id, state, author, reason, at, plans) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET state = excluded.state, author = excluded.author, reason = excluded.reason, "
    "at = excluded.at, pruned = 0"
)


def put(connection: Connection, op: RevisionPut) -> int:
    new = op.revision
    if new.state == "active":
        connection.execute("UPDATE revision SET state = 'past' WHERE state = 'active'")
    plans = encode(dict(new.plans)).decode()
    connection.execute(_INSERT, (new.id, new.state, new.author, new.reason, new.at, plans))
    number = int(value(connection, "SELECT number FROM revision WHERE id = ?", new.id))
    named = [(plan, number) for plan in new.plans.values()]
    connection.executemany("INSERT OR IGNORE INTO revision_plan VALUES (?, ?)", named)
    for path, content in new.files.items():
        digest = hashlib.sha256(content).hexdigest()
        connection.execute("INSERT OR IGNORE INTO file_content VALUES (?, ?)", (digest, content))
        connection.execute("INSERT OR REPLACE INTO revision_file VALUES (?, ?, ?)", (number, path, digest))
    return number


def _revision(row: Sequence[object], files: dict[str, bytes]) -> Revision:
    number, digest, state, author, reason, at, plans = row
    return Revision(digest, decode(str(plans)), files, state, author, reason, at, number)  # type: ignore[arg-type]


def _with_files(connection: Connection, sql: str, *parameters: object) -> Revision | None:
    row = connection.execute(f"{_SELECT} {sql}", parameters).fetchone()
    return None if row is None else _revision(row, dict(connection.execute(_FILES, (row[0],)).fetchall()))


def get(connection: Connection, op: RevisionGet) -> Revision | None:
    return _with_files(connection, "WHERE id = ?", op.id)


def of_plan(connection: Connection, op: RevisionOfPlan) -> Revision | None:
    sql = 'JOIN revision_plan USING (number) WHERE "plan" = ? ORDER BY pruned, number DESC LIMIT 1'
    return _with_files(connection, sql, op.plan)


def newest_first(connection: Connection, op: RevisionList) -> list[Revision]:
    rows = connection.execute(f"{_SELECT} ORDER BY number DESC LIMIT ?", (op.limit,)).fetchall()
    return [_revision(row, {}) for row in rows]


def prune(connection: Connection, op: RevisionPrune) -> int:
    needed = encode(list(op.needed)).decode()
    numbers = connection.execute(
        "SELECT number FROM revision WHERE pruned = 0 AND state NOT IN ('active', 'staged') "
        "AND number NOT IN (SELECT number FROM revision ORDER BY number DESC LIMIT ?) AND number NOT IN "
        '(SELECT number FROM revision_plan WHERE "plan" IN (SELECT value FROM json_each(?)))',
        (max(0, op.keep), needed),
    ).fetchall()
    connection.executemany("UPDATE revision SET pruned = 1 WHERE number = ?", numbers)
    connection.executemany("DELETE FROM revision_file WHERE number = ?", numbers)
    if numbers:
        connection.execute("DELETE FROM file_content WHERE digest NOT IN (SELECT digest FROM revision_file)")
    return len(numbers)


HANDLERS: Handlers = {
    RevisionPut: put,
    RevisionGet: get,
    RevisionOfPlan: of_plan,
    RevisionList: newest_first,
    RevisionPrune: prune,
}
