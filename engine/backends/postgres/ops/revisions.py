"""Operations of ports.store.revisions. Equal file contents are stored once. Writers take turns: there are few."""

from __future__ import annotations

import hashlib
from typing import Any

from engine.backends.postgres.draft import Connection
from engine.backends.postgres.ops.topic import Directs
from engine.backends.postgres.text import plain, stored, stored_all
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

_TURN = "SELECT pg_advisory_xact_lock(hashtext('tillflow revision'), hashtext(current_schema()))"
_SELECT = "SELECT number, id, state, author, reason, at, plans, problem FROM revision"
_FILES = "SELECT path, content FROM revision_file JOIN file_content USING (digest) WHERE number = $1 ORDER BY path"
_INSERT = (
    "INSERT INTO revision (number, id, state, author, reason, at, plans, problem) "
    "SELECT 1 + coalesce(max(number), 0), $1, $2, $3, $4, $5, $6, $7 FROM revision "
    "ON CONFLICT (id) DO UPDATE SET state = excluded.state, author = excluded.author, reason = excluded.reason, "
    "at = excluded.at, problem = excluded.problem, pruned = false RETURNING number"
)
_INSERT_PLANS = (
    'INSERT INTO revision_plan ("plan", number) SELECT p, $2 FROM unnest($1::text[]) AS p ON CONFLICT DO NOTHING'
)
_INSERT_CONTENTS = (
    "INSERT INTO file_content (digest, content) SELECT DISTINCT ON (1) * FROM unnest($1::text[], $2::bytea[]) "
    "ORDER BY 1 ON CONFLICT DO NOTHING"
)
_INSERT_FILES = (
    "INSERT INTO revision_file (number, path, digest) SELECT $1, * FROM unnest($2::text[], $3::text[]) "
    "ON CONFLICT (number, path) DO UPDATE SET digest = excluded.digest"
)
_OLD = (
    "UPDATE revision SET pruned = true WHERE NOT pruned AND state NOT IN ('active', 'staged') "
    "AND number NOT IN (SELECT number FROM revision ORDER BY number DESC LIMIT $1) "
    'AND number NOT IN (SELECT number FROM revision_plan WHERE "plan" = ANY($2::text[])) RETURNING number'
)


async def put(connection: Connection, op: RevisionPut) -> int:
    await connection.execute(_TURN)
    new = op.revision
    await _make_room(connection, new.state)
    texts = [stored(text) for text in (new.id, new.state, new.author, new.reason)]
    plans = encode(dict(new.plans)).decode()
    number = int(await connection.fetchval(_INSERT, *texts, new.at, plans, stored(new.problem)))
    await connection.execute("DELETE FROM revision_report WHERE number = $1", number)
    await connection.execute(_INSERT_PLANS, stored_all(list(new.plans.values())), number)
    digests = [hashlib.sha256(content).hexdigest() for content in new.files.values()]
    await connection.execute(_INSERT_CONTENTS, digests, list(new.files.values()))
    await connection.execute(_INSERT_FILES, number, stored_all(list(new.files)), digests)
    return number


async def _make_room(connection: Connection, state: str) -> None:
    """There is one active revision and one staged."""
    if state == "active":
        await connection.execute("UPDATE revision SET state = 'past' WHERE state = 'active'")
    if state == "staged":
        change = "UPDATE revision SET state = 'rejected', problem = $1 WHERE state = 'staged'"
        await connection.execute(change, OVERTAKEN)


async def mark(connection: Connection, op: RevisionMark) -> bool:
    await connection.execute(_TURN)
    find = "SELECT number FROM revision WHERE id = $1 AND at = $2 AND state = $3"
    number = await connection.fetchval(find, stored(op.id), op.at, op.was)
    if number is None:
        if op.required:
            raise Fenced(f"revision {op.id} is not {op.was} any more")
        return False
    await _make_room(connection, op.state)
    change = "UPDATE revision SET state = $1, problem = $2, at = $3 WHERE number = $4"
    await connection.execute(change, op.state, stored(op.problem), op.now or op.at, number)
    if op.now:
        await connection.execute("DELETE FROM revision_report WHERE number = $1", number)
    return True


async def report(connection: Connection, op: RevisionReport) -> bool:
    one = op.report
    done = await connection.fetchval(
        "INSERT INTO revision_report (number, worker, stage, problem, at) "
        "SELECT number, $1, $2, $3, $4 FROM revision WHERE id = $5 AND at = $6 "
        "ON CONFLICT (number, worker) DO UPDATE SET stage = excluded.stage, problem = excluded.problem, "
        "at = excluded.at RETURNING number",
        stored(one.worker), one.stage, stored(one.problem), one.at, stored(op.id), op.attempt,
    )  # fmt: skip
    return done is not None


async def reports(connection: Connection, op: RevisionReports) -> list[Report]:
    rows = await connection.fetch(
        "SELECT worker, stage, r.problem, r.at FROM revision_report AS r JOIN revision USING (number) WHERE id = $1 "
        "ORDER BY worker",
        stored(op.id),
    )
    return [Report(*row) for row in plain(rows)]


async def now(connection: Connection, op: RevisionsNow) -> Standing:
    rows = plain(await connection.fetch(f"{_SELECT} WHERE state IN ('active', 'staged')"))
    by_state = {one.state: one for one in (_revision(row, {}) for row in rows)}
    return Standing(by_state.get("active"), by_state.get("staged"))


async def prune(connection: Connection, op: RevisionPrune) -> int:
    await connection.execute(_TURN)
    numbers = [number for (number,) in await connection.fetch(_OLD, max(0, op.keep), stored_all(list(op.needed)))]
    if numbers:
        await connection.execute("DELETE FROM revision_file WHERE number = ANY($1::bigint[])", numbers)
        await connection.execute(
            "DELETE FROM file_content AS c WHERE NOT EXISTS "
            "(SELECT 1 FROM revision_file AS f WHERE f.digest = c.digest)"
        )
    return len(numbers)


def _revision(row: tuple[Any, ...], files: dict[str, bytes]) -> Revision:
    number, digest, state, author, reason, at, plans, problem = row
    return Revision(digest, decode(plans), files, state, author, reason, at, number, problem)


async def _with_files(connection: Connection, sql: str, text: str) -> Revision | None:
    rows = plain(await connection.fetch(f"{_SELECT} {sql}", stored(text)))
    if not rows:
        return None
    return _revision(rows[0], dict(plain(await connection.fetch(_FILES, rows[0][0]))))


async def get(connection: Connection, op: RevisionGet) -> Revision | None:
    return await _with_files(connection, "WHERE id = $1", op.id)


async def of_plan(connection: Connection, op: RevisionOfPlan) -> Revision | None:
    sql = 'JOIN revision_plan USING (number) WHERE "plan" = $1 ORDER BY pruned, number DESC LIMIT 1'
    return await _with_files(connection, sql, op.plan)


async def newest_first(connection: Connection, op: RevisionList) -> list[Revision]:
    rows = plain(await connection.fetch(f"{_SELECT} ORDER BY number DESC LIMIT $1", op.limit))
    return [_revision(row, {}) for row in rows]


DIRECT: Directs = {RevisionPut: put, RevisionPrune: prune, RevisionMark: mark, RevisionReport: report}
READS: Directs = {
    RevisionGet: get,
    RevisionOfPlan: of_plan,
    RevisionList: newest_first,
    RevisionReports: reports,
    RevisionsNow: now,
}
