"""Operations of ports.store.retention."""

from __future__ import annotations

from engine.backends.postgres.draft import Connection
from engine.backends.postgres.ops.topic import Directs
from engine.backends.postgres.text import plain, stored
from engine.ports.store.ledger import FINAL
from engine.ports.store.retention import BLOB_MARKS, BlobsNamed, DayForget, DaysKept, RouteForget, digests_in

_TABLES = ("inbox", "ledger", "work_item", "member")  # everything that has a route and a business day
_KEPT = " UNION ".join(f"SELECT day, route FROM {table} WHERE day > '' AND day < $1" for table in _TABLES)
_SOME = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE route = $1 AND day = $2 LIMIT $3))
"""
_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL))
# One row for each reason why a day is not over, see ports.store.retention.
_NOT_OVER = f"""
SELECT 1 FROM inbox WHERE route = $1 AND day = $2 AND (state = 'open' OR at >= $3)
UNION ALL SELECT 1 FROM ledger WHERE route = $1 AND day = $2 AND (state NOT IN ({_FINAL}) OR at >= $3)
UNION ALL SELECT 1 FROM work_item WHERE route = $1 AND day = $2 AND (state = 'open' OR updated >= $3)
UNION ALL SELECT 1 FROM member AS m JOIN step_group AS g USING (route, step, name, generation)
  WHERE m.route = $1 AND m.day = $2 AND g.state <> 'done'
UNION ALL SELECT 1 FROM timer AS t JOIN inbox AS i ON i.route = t.route AND i.id = t.key
  WHERE t.route = $1 AND t.kind = 'delay' AND NOT t.done AND i.day = $2
UNION ALL SELECT 1 FROM inbox AS i, json_array_elements(i.planned) AS d
  WHERE i.route = $1 AND i.day = $2 AND d ->> 3 = 'lane'
    AND NOT EXISTS (SELECT 1 FROM ledger AS l WHERE l.day = d ->> 1 AND l.id = d ->> 2)
UNION ALL SELECT 1 FROM inbox WHERE route = $1 AND day = $2 AND segment <> ''
    AND EXISTS (SELECT 1 FROM inbox AS kept WHERE kept.route = $1 AND kept.day < $2 AND kept.kind = 'step_state')
LIMIT 1
"""
_EMPTY_GROUPS = """
DELETE FROM step_group AS g WHERE route = $1 AND state = 'done' AND closed_at < $2
  AND NOT EXISTS (SELECT 1 FROM member AS m WHERE m.route = g.route AND m.step = g.step AND m.name = g.name
    AND m.generation = g.generation)
  AND EXISTS (SELECT 1 FROM step_group AS newer WHERE newer.route = g.route AND newer.step = g.step
    AND newer.name = g.name AND newer.generation > g.generation)
"""


_NAMING = " UNION ALL ".join(
    f"SELECT {headers}, body FROM {table} WHERE {where} ({' OR '.join(tests)})"
    for table, headers, where in (
        ("held", "headers", ""),
        ("timer", "headers", "NOT done AND"),
        ("member", "''", ""),
        ("work_item", "headers", ""),
    )
    for tests in [
        [f"position('{mark}' IN {headers}) > 0 OR position('{mark}'::bytea IN body) > 0" for mark in BLOB_MARKS]
    ]
)


async def kept(connection: Connection, op: DaysKept) -> list[tuple[str, str]]:
    records = await connection.fetch(f"{_KEPT} ORDER BY 1, 2", stored(op.day))
    return [(route, day) for day, route in plain(records)]


async def forget_day(connection: Connection, op: DayForget) -> int:
    # One moment for looking and forgetting: what somebody changes in between undoes all of it.
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    route, day = stored(op.route), stored(op.day)
    if await connection.fetchval(_NOT_OVER, route, day, op.before) is not None:
        return 0
    gone = 0
    for table in _TABLES:
        some = _count(await connection.execute(_SOME.format(table=table), route, day, op.most))
        gone += some
        if some == op.most:
            break  # the inbox goes before the ledger: a row without its deliveries would not be over any more
    return gone


async def forget_rest(connection: Connection, op: RouteForget) -> int:
    gone = 0
    for sql in (
        "DELETE FROM seen WHERE source = $1 AND at < $2",
        "DELETE FROM timer WHERE route = $1 AND due < $2 AND done",
        _EMPTY_GROUPS,
    ):
        gone += _count(await connection.execute(sql, stored(op.route), op.before))
    return gone


async def blobs_named(connection: Connection, op: BlobsNamed) -> set[str]:
    return digests_in((headers, bytes(body)) for headers, body in await connection.fetch(_NAMING))


def _count(status: str) -> int:
    """Rows of a statement, by its status: `DELETE 3`."""
    return int(status.rpartition(" ")[2])


DIRECT: Directs = {DayForget: forget_day, RouteForget: forget_rest}
READS: Directs = {DaysKept: kept, BlobsNamed: blobs_named}
