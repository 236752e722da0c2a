"""Groups of the usual kinds, each as one statement that is a transaction by itself: one way to the server and back.

  InboxOpen, LedgerClaim      of rows that are new; those that are there already are left for the usual way
  InboxRouted, LedgerSettle   with the lines of the journal that belong to them

Together they are nearly everything an event needs on its way, so what they take is what everybody waits for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import replace

from engine.backends.postgres.draft import Connection
from engine.backends.postgres.ops import inbox, journal, ledger
from engine.backends.postgres.table import Key, Row, Table, columns
from engine.backends.postgres.text import plain, stored_all
from engine.ports.store import Op
from engine.ports.store.inbox import InboxOpen, InboxRouted
from engine.ports.store.journal import JournalAppend
from engine.ports.store.ledger import LedgerClaim, LedgerSettle

Unit = tuple[Op[Any], ...]
Statement = tuple[str, list[Any]]

_ROUTED = (
    f"UPDATE inbox AS t SET \"state\" = 'routed' FROM {inbox.INBOX.given(inbox.INBOX.key)} "
    f"WHERE {inbox.INBOX.same} AND t.\"plan\" <> ''"
)
_SETTLED = f"""
UPDATE ledger AS t SET "state" = g.state, "result" = g.result, "reason" = g.reason, "lease_until" = 0, "at" = g.now,
  "attempt" = CASE WHEN g.state <> 'waiting' THEN t.attempt WHEN g.attempt = 0 THEN t.attempt + 1 ELSE g.attempt END
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::text[], $7::text[], $8::bigint[])
  AS g ("day", "id", "state", "attempt", "result", "reason", "token", "now")
WHERE {ledger.LEDGER.same} AND t."state" = 'inflight' AND t."token" = g.token RETURNING t."day", t."id"
"""


class _Opening(NamedTuple):
    """rows    what an operation inserts, in the order of its own rows
    answer  to the one of its rows that was inserted
    """

    table: Table
    rows: Callable[[Any], list[tuple[Key, Row]]]
    answer: Callable[[Any], Any]


_OPENINGS: dict[type, _Opening] = {
    InboxOpen: _Opening(inbox.INBOX, inbox.opening, lambda row: None),
    LedgerClaim: _Opening(ledger.LEDGER, ledger.claiming, ledger.claimed),
}


class Opened(NamedTuple):
    """answers   one list a unit; the places of rows that are not new hold nothing yet
    left      (place of the unit, places of its rows, a unit of only those)
    """

    answers: list[list[Any]]
    left: list[tuple[int, list[int], Unit]]


def kind(unit: Unit) -> type | None:
    """The usual kind this is of, if any."""
    first = _first((unit,))
    opens = first in _OPENINGS and len(unit) == 1
    return first if opens or (first in (InboxRouted, LedgerSettle) and _closes(unit, first)) else None


def can_wait(unit: Unit) -> bool:
    """Nobody waits for it but an acknowledgement."""
    return kind(unit) is InboxRouted


async def opened(connection: Connection, units: Sequence[Unit]) -> Opened | None:
    """Insert what all of these open, unless they are of another kind."""
    first = _first(units)
    opening = _OPENINGS.get(first)
    if opening is None or any(len(unit) != 1 or type(unit[0]) is not first for unit in units):
        return None
    by_unit = [opening.rows(unit[0]) for unit in units]
    rows = sorted((row for rows in by_unit for row in rows), key=lambda row: row[0])
    if not rows or len({key for key, _ in rows}) < len(rows):
        return None
    sql, parameters = opening.table.inserting(rows)
    names = columns(opening.table.key)
    new = set(plain(await connection.fetch(f"{sql} RETURNING {names}", *parameters)))
    result = Opened([], [])
    for place, (unit, made) in enumerate(zip(units, by_unit, strict=True)):
        asked: Any = unit[0]
        result.answers.append([opening.answer(row) for row in asked.rows])
        there = [at for at, (key, _) in enumerate(made) if tuple(key) not in new]
        if there:
            result.left.append((place, there, (replace(asked, rows=[asked.rows[at] for at in there]),)))
    return result


async def closed(connection: Connection, units: Sequence[Unit]) -> list[list[Any]] | None:
    """Write all of these, unless they are of another kind."""
    first = _first(units)
    if first not in (InboxRouted, LedgerSettle) or not all(_closes(unit, first) for unit in units):
        return None
    ops: list[Any] = [unit[0] for unit in units]
    lines = [entry for unit in units for op in unit[1:] for entry in op.entries]  # type: ignore[attr-defined]
    if first is InboxRouted:
        return await _routed(connection, ops, lines, units)
    return await _settled(connection, ops, lines, units)


def _first(units: Sequence[Unit]) -> type:
    """The kind of the first operation; a unit may hold none."""
    return type(units[0][0]) if units[0] else type(None)


def _closes(unit: Unit, first: type) -> bool:
    return (
        0 < len(unit) <= 2
        and type(unit[0]) is first
        and not getattr(unit[0], "required", False)
        and all(type(op) is JournalAppend for op in unit[1:])
    )


async def _routed(
    connection: Connection, ops: Sequence[InboxRouted], lines: Sequence[Any], units: Sequence[Unit]
) -> list[list[Any]] | None:
    keys = sorted({(key.day, op.route, key.id) for op in ops for key in op.keys})
    if not keys:
        return None
    await _together(connection, (_ROUTED, inbox.INBOX.keys(keys)), lines)
    return [[None] * len(unit) for unit in units]


async def _settled(
    connection: Connection, ops: Sequence[LedgerSettle], lines: Sequence[Any], units: Sequence[Unit]
) -> list[list[Any]] | None:
    rows = sorted(((row, op.token, op.now) for op in ops for row in op.rows), key=lambda one: one[0].key)
    if not rows or len({row.key for row, _, _ in rows}) < len(rows):
        return None
    table = [(r.key.day, r.key.id, r.state, r.attempt, r.result, r.reason, token, now) for r, token, now in rows]
    arrays = [list(column) for column in zip(*table, strict=True)]
    for place in (0, 1, 2, 5, 6):
        arrays[place] = stored_all(arrays[place])
    ours = set(plain(await _together(connection, (_SETTLED, arrays), lines)))
    return [
        [[tuple(row.key) in ours for row in op.rows], *[None] * (len(unit) - 1)]
        for op, unit in zip(ops, units, strict=True)
    ]


async def _together(connection: Connection, first: Statement, lines: Sequence[Any]) -> list[Any]:
    """This one and the journal's in one; what it returns."""
    texts: list[str] = []
    parameters: list[Any] = []
    for text, given in (first, *journal.statements(lines)):
        texts.append(_moved(text, len(parameters)))
        parameters += given
    return list(await connection.fetch(_joined(tuple(texts)), *parameters))


@lru_cache(1000)
def _joined(texts: tuple[str, ...]) -> str:
    if len(texts) == 1:
        return texts[0]
    named = ", ".join(f"q{place} AS ({text})" for place, text in enumerate(texts))
    return f"WITH {named} SELECT * FROM q0" if "RETURNING" in texts[0] else f"WITH {named} SELECT"


@lru_cache(1000)
def _moved(sql: str, by: int) -> str:
    """The statement with its parameters counted from another number on."""
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", sql) if by else sql
