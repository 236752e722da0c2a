"""Operations of ports.store.retention."""

from __future__ import annotations

from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers
from engine.ports.store.ledger import FINAL
from engine.ports.store.retention import BLOB_MARKS, BlobsNamed, DayForget, DaysKept, RouteForget, digests_in

_TABLES = ("inbox", "ledger", "work_item", "member")  # everything that has a route and a business day
_KEPT = " UNION ".join(f"SELECT day, route FROM {table} WHERE day > '' AND day < ?" for table in _TABLES)
_OF_DAY = "route = :route AND day = :day"
_SOME = f"DELETE FROM {{table}} WHERE rowid IN (SELECT rowid FROM {{table}} WHERE {_OF_DAY} LIMIT :most)"
_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL))
# One row for each reason why a day is not over, see ports.store.retention.
_NOT_OVER = f"""
SELECT 1 FROM inbox WHERE {_OF_DAY} AND (state = 'open' OR at >= :before)
UNION ALL SELECT 1 FROM ledger WHERE {_OF_DAY} AND (state NOT IN ({_FINAL}) OR at >= :before)
UNION ALL SELECT 1 FROM work_item WHERE {_OF_DAY} AND (state = 'open' OR updated >= :before)
UNION ALL SELECT 1 FROM member AS m JOIN grouping AS g USING (route, step, name, generation)
  WHERE m.route = :route AND m.day = :day AND g.state <> 'done'
UNION ALL SELECT 1 FROM timer AS t JOIN inbox AS i ON i.route = t.route AND i.id = t.key
  WHERE t.route = :route AND t.kind = 'delay' AND t.done = 0 AND i.day = :day
UNION ALL SELECT 1 FROM inbox AS i, json_each(i.planned) AS d
  WHERE i.route = :route AND i.day = :day AND json_extract(d.value, '$[3]') = 'lane' AND NOT EXISTS (
    SELECT 1 FROM ledger AS l WHERE l.day = json_extract(d.value, '$[1]') AND l.id = json_extract(d.value, '$[2]'))
UNION ALL SELECT 1 FROM inbox WHERE {_OF_DAY} AND segment <> '' AND EXISTS (
    SELECT 1 FROM inbox AS kept WHERE kept.route = :route AND kept.day < :day AND kept.kind = 'step_state')
LIMIT 1
"""
_EMPTY_GROUPS = (
    "DELETE FROM grouping WHERE route = ? AND state = 'done' AND closed_at < ? AND NOT EXISTS ("
    "SELECT 1 FROM member AS m WHERE m.route = grouping.route AND m.step = grouping.step "
    "AND m.name = grouping.name AND m.generation = grouping.generation) AND EXISTS ("
    "SELECT 1 FROM grouping AS newer WHERE newer.route = grouping.route AND newer.step = grouping.step "
    "AND newer.name = grouping.name AND newer.generation > grouping.generation)"
)


_NAMING = " UNION ALL ".join(
    f"SELECT {headers}, body FROM {table} WHERE {where} ({' OR '.join(tests)})"
    for table, headers, where in (
        ("held", "headers", ""),
        ("timer", "headers", "done = 0 AND"),
        ("member", "''", ""),
        ("work_item", "headers", ""),
    )
    for tests in [[f"instr({headers}, '{mark}') OR instr(body, CAST('{mark}' AS BLOB))" for mark in BLOB_MARKS]]
)


def kept(connection: Connection, op: DaysKept) -> list[tuple[str, str]]:
    rows = connection.execute(f"{_KEPT} ORDER BY 1, 2", [op.day] * len(_TABLES))
    return [(route, day) for day, route in rows]


def forget_day(connection: Connection, op: DayForget) -> int:
    facts = {"route": op.route, "day": op.day, "before": op.before, "most": op.most}
    if connection.execute(_NOT_OVER, facts).fetchone() is not None:
        return 0
    gone = 0
    for table in _TABLES:
        some = connection.execute(_SOME.format(table=table), facts).rowcount
        gone += some
        if some == op.most:
            break  # the inbox goes before the ledger: a row without its deliveries would not be over any more
    return gone


def forget_rest(connection: Connection, op: RouteForget) -> int:
    facts = (op.route, op.before)
    seen = connection.execute("DELETE FROM seen WHERE source = ? AND at < ?", facts).rowcount
    timers = connection.execute("DELETE FROM timer WHERE route = ? AND due < ? AND done = 1", facts).rowcount
    return seen + timers + connection.execute(_EMPTY_GROUPS, facts).rowcount


def blobs_named(connection: Connection, op: BlobsNamed) -> set[str]:
    return digests_in(connection.execute(_NAMING))


HANDLERS: Handlers = {DaysKept: kept, DayForget: forget_day, RouteForget: forget_rest, BlobsNamed: blobs_named}
