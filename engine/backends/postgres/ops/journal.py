"""Operations of ports.store.journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.backends.postgres.draft import Connection, Draft
from engine.backends.postgres.ops.topic import Directs, Write, Writes
from engine.backends.postgres.table import INTEGER, TEXT, Row, Table, columns
from engine.backends.postgres.text import plain, stored, stored_all
from engine.core.jsonx import decode, encode
from engine.ports.store.journal import Entry, JournalAppend, JournalFind, JournalPrune

_NAMES = (
    "at", "day", "event_id", "trace", "route", "what", "sink", "attempt", "detail", "revision", "event_type", "keys"
)  # fmt: skip
_TYPES = {name: INTEGER if name in ("at", "attempt") else TEXT for name in _NAMES if name != "event_id"}
JOURNAL = Table("journal", {"event_id": TEXT}, _TYPES)
_INSERT_KEYS = (
    "INSERT INTO journal_key (value, name, trace, at) "
    "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) ON CONFLICT DO NOTHING"
)
_TRACES = f"SELECT {columns(_NAMES)} FROM journal WHERE trace = ANY($1::text[]) ORDER BY at, number LIMIT $2"
_BY_KEY = "SELECT DISTINCT trace FROM journal_key WHERE value = $1 AND ($2 = '' OR name = $2) LIMIT $3"
_PRUNE = (  # with the index of block ranges on `at`, which costs next to nothing
    "DELETE FROM journal WHERE ctid = ANY(ARRAY(SELECT ctid FROM journal WHERE at < $1 LIMIT $2)) RETURNING trace, keys"
)
_FORGET_KEYS = (
    "DELETE FROM journal_key AS k USING unnest($1::text[], $2::text[], $3::text[]) AS gone (value, name, trace) "
    "WHERE k.value = gone.value AND k.name = gone.name AND k.trace = gone.trace AND k.at < $4"
)
PIECE = 2000  # lines forgotten in one transaction
_ENTRIES = "journal: entries"
_AFTER = "\U0010ffff"


def _nothing(draft: Draft, op: JournalAppend) -> None:
    """It looks at no row."""


async def load(draft: Draft, connection: Connection) -> None:
    """There is nothing to read."""


def append(draft: Draft, op: JournalAppend) -> None:
    draft.append(_ENTRIES, *op.entries)


async def flush(draft: Draft, connection: Connection) -> None:
    for sql, parameters in statements(draft.listed(_ENTRIES)):
        await connection.execute(sql, *parameters)


def statements(entries: Sequence[Entry]) -> list[tuple[str, list[Any]]]:
    """What writes these lines, with its parameters."""
    if not entries:
        return []
    made = [JOURNAL.inserting([((entry.event_id,), _row(entry)) for entry in entries])]
    found = {(value, name, e.trace): e.at for e in reversed(entries) for name, value in e.keys.items()}
    if found:
        # Sorted: two that write the same keys then wait for each other in one direction only.
        rows = [(*key, at) for key, at in sorted(found.items())]
        values, names, traces, times = map(list, zip(*rows, strict=True))
        made.append((_INSERT_KEYS, [stored_all(values), stored_all(names), stored_all(traces), times]))
    return made


def _row(entry: Entry) -> Row:
    values = {name: getattr(entry, name) for name in _TYPES}
    values["keys"] = encode(entry.keys).decode() if entry.keys else "{}"
    return values


async def find(connection: Connection, op: JournalFind) -> list[Entry]:
    traces = {trace for (trace,) in await connection.fetch(_BY_KEY, stored(op.text), stored(op.name), op.limit)}
    if not op.name and op.text:
        for column in ("trace", "event_id"):
            traces |= await _by_id(connection, column, stored(op.text))
    if not traces:
        return []
    return [_entry(row) for row in plain(await connection.fetch(_TRACES, sorted(traces), op.limit))]


async def _by_id(connection: Connection, column: str, text: str) -> set[str]:
    """Traces of the event or trace with this id, or the only one that begins with it."""
    begins = f"SELECT DISTINCT {column} FROM journal WHERE {column} >= $1 AND {column} < $2 ORDER BY 1 LIMIT 2"
    found = [name for (name,) in await connection.fetch(begins, text, text + _AFTER)]
    if not found or (len(found) > 1 and found[0] != text):
        return set()
    records = await connection.fetch(f"SELECT DISTINCT trace FROM journal WHERE {column} = $1", found[0])
    return {trace for (trace,) in records}


def _entry(row: tuple[Any, ...]) -> Entry:
    facts = dict(zip(_NAMES, row, strict=True))
    return Entry(**facts | {"keys": decode(facts["keys"])})


async def prune(connection: Connection, op: JournalPrune) -> int:
    gone = plain(await connection.fetch(_PRUNE, op.before, PIECE))
    keys = [(value, name, trace) for trace, text in gone for name, value in decode(text).items()]
    if keys:
        values, names, traces = (stored_all(list(part)) for part in zip(*keys, strict=True))
        await connection.execute(_FORGET_KEYS, values, names, traces, op.before)
    return len(gone)


WRITES: Writes = {JournalAppend: Write(_nothing, append)}
DIRECT: Directs = {JournalPrune: prune}
READS: Directs = {JournalFind: find}
