"""Operations of ports.store.revisions. Equal file contents are stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers, value
from engine.core.errors import Fenced
from engine.core.jsonx import decode, encode
from engine.ports.store.revisions import (
    OVERTAKEN,
    Report,
    Revision,
    RevisionGet,
    RevisionList,
    RevisionMark,
    RevisionOfPlan,
    RevisionPrune,
    RevisionPut,
    RevisionReport,
    RevisionReports,
    RevisionsNow,
    Standing,
)

_SELECT = "SELECT number, id, state, author, reason, at, plans, problem FROM revision"
_FILES = "SELECT path, content FROM revision_file JOIN file_content USING (digest) WHERE number = ? ORDER BY path"
_INSERT = (
    "INSERT INTO revision (id, state, author, reason, at, plans, problem) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET state = excluded.state, author = excluded.author, reason = excluded.reason, "
    "at = excluded.at, problem = excluded.problem, pruned = 0"
)


def put(connection: Connection, op: RevisionPut) -> int:
    new = op.revision
    _make_room(connection, new.state)
    plans = encode(dict(new.plans)).decode()
    connection.execute(_INSERT, (new.id, new.state, new.author, new.reason, new.at, plans, new.problem))
    number = int(value(connection, "SELECT number FROM revision WHERE id = ?", new.id))
    connection.execute("DELETE FROM revision_report WHERE number = ?", (number,))
    named = [(plan, number) for plan in new.plans.values()]
    connection.executemany("INSERT OR IGNORE INTO revision_plan VALUES (?, ?)", named)
    for path, content in new.files.items():
        digest = hashlib.sha256(content).hexdigest()
        connection.execute("INSERT OR IGNORE INTO file_content VALUES (?, ?)", (digest, content))
        connection.execute("INSERT OR REPLACE INTO revision_file VALUES (?, ?, ?)", (number, path, digest))
    return number


def _make_room(connection: Connection, state: str) -> None:
    """There is one active revision and one staged."""
    if state == "active":
        connection.execute("UPDATE revision SET state = 'past' WHERE state = 'active'")
    if state == "staged":
        connection.execute("UPDATE revision SET state = 'rejected', problem = ? WHERE state = 'staged'", (OVERTAKEN,))


def mark(connection: Connection, op: RevisionMark) -> bool:
    known = (op.id, op.at, op.was)
    found = connection.execute("SELECT number FROM revision WHERE id = ? AND at = ? AND state = ?", known).fetchone()
    if found is None:
        if op.required:
            raise Fenced(f"revision {op.id} is not {op.was} any more")
        return False
    _make_room(connection, op.state)
    change = "UPDATE revision SET state = ?, problem = ?, at = ? WHERE number = ?"
    connection.execute(change, (op.state, op.problem, op.now or op.at, found[0]))
    if op.now:
        connection.execute("DELETE FROM revision_report WHERE number = ?", found)
    return True


def report(connection: Connection, op: RevisionReport) -> bool:
    one = op.report
    there = "SELECT number, ?, ?, ?, ? FROM revision WHERE id = ? AND at = ?"
    done = connection.execute(
        f"INSERT OR REPLACE INTO revision_report {there}",
        (one.worker, one.stage, one.problem, one.at, op.id, op.attempt),
    )
    return done.rowcount > 0


def reports(connection: Connection, op: RevisionReports) -> list[Report]:
    rows = connection.execute(
        "SELECT worker, stage, r.problem, r.at FROM revision_report AS r JOIN revision USING (number) WHERE id = ? "
        "ORDER BY worker",
        (op.id,),
    )
    return [Report(*row) for row in rows]


def now(connection: Connection, op: RevisionsNow) -> Standing:
    rows = connection.execute(f"{_SELECT} WHERE state IN ('active', 'staged')").fetchall()
    by_state = {one.state: one for one in (_revision(row, {}) for row in rows)}
    return Standing(by_state.get("active"), by_state.get("staged"))


def _revision(row: Sequence[object], files: dict[str, bytes]) -> Revision:
    number, digest, state, author, reason, at, plans, problem = row
    return Revision(digest, decode(str(plans)), files, state, author, reason, at, number, problem)  # type: ignore[arg-type]


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
    RevisionMark: mark,
    RevisionReport: report,
    RevisionReports: reports,
    RevisionsNow: now,
}
