"""Operations of ports.store.journal."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from engine.backends.sqlite.ops.rows import Handlers, columns, insert, names
from engine.core.jsonx import decode, encode
from engine.ports.store.journal import Entry, JournalAppend, JournalFind, JournalPrune

_NAMES = names(Entry)
_INSERT = insert("journal", _NAMES)
_SELECT = f"SELECT {columns(_NAMES)} FROM journal"
_OLD = (
    "SELECT number, trace, keys FROM (SELECT number, at, trace, keys FROM journal ORDER BY number LIMIT ?) "
    "WHERE at < ? LIMIT ?"
)
_FORGET_KEY = "DELETE FROM journal_key WHERE value = ? AND name = ? AND trace = ? AND at < ?"
PIECE = 2000  # lines forgotten in one transaction: whoever else writes waits so long
WINDOW = 50_000  # lines looked at for them


def append(connection: Connection, op: JournalAppend) -> None:
    connection.executemany(_INSERT, map(_columns_of, op.entries))
    keys = [(value, name, entry.trace, entry.at) for entry in op.entries for name, value in entry.keys.items()]
    if keys:
        connection.executemany("INSERT OR IGNORE INTO journal_key (value, name, trace, at) VALUES (?, ?, ?, ?)", keys)


def _columns_of(entry: Entry) -> tuple[object, ...]:
    return (
        entry.at, entry.day, entry.event_id, entry.trace, entry.route, entry.what, entry.sink, entry.attempt,
        entry.detail, entry.revision, entry.event_type, encode(entry.keys).decode() if entry.keys else "{}",
    )  # fmt: skip


def _entry(row: Sequence[Any]) -> Entry:
    facts = dict(zip(_NAMES, row, strict=True))
    return Entry(**facts | {"keys": decode(facts["keys"])})


def find(connection: Connection, op: JournalFind) -> list[Entry]:
    traces = _by_key(connection, op)
    if not op.name:
        traces |= _by_id(connection, op.text)
    if not traces:
        return []
    marks = ", ".join("?" * len(traces))
    sql = f"{_SELECT} WHERE trace IN ({marks}) ORDER BY at, number LIMIT ?"
    return [_entry(row) for row in connection.execute(sql, (*sorted(traces), op.limit))]


def _by_key(connection: Connection, op: JournalFind) -> set[str]:
    sql = "SELECT DISTINCT trace FROM journal_key WHERE value = ? AND (? = '' OR name = ?) LIMIT ?"
    return {row[0] for row in connection.execute(sql, (op.text, op.name, op.name, op.limit))}


def _by_id(connection: Connection, text: str) -> set[str]:
    """Traces of the event or trace with this id, or the only one that begins with it."""
    if not text:
        return set()
    traces: set[str] = set()
    for column in ("trace", "event_id"):
        begins = f"SELECT DISTINCT {column} FROM journal WHERE {column} >= ? AND substr({column}, 1, ?) = ?"
        found = [row[0] for row in connection.execute(f"{begins} ORDER BY 1 LIMIT 2", (text, len(text), text))]
        if found and (len(found) == 1 or found[0] == text):
            of = connection.execute(f"SELECT DISTINCT trace FROM journal WHERE {column} = ?", (found[0],))
            traces.update(row[0] for row in of)
    return traces


def prune(connection: Connection, op: JournalPrune) -> int:
    """The oldest lines are those with the lowest numbers, give or take what other processes wrote a moment later: so
    they are found without an index on `at`, for which every line written would pay.
    """
    old = connection.execute(_OLD, (WINDOW, op.before, PIECE)).fetchall()
    keys = [(value, name, trace) for _, trace, text in old for name, value in decode(text).items()]
    connection.executemany(_FORGET_KEY, [(*key, op.before) for key in keys])
    connection.executemany("DELETE FROM journal WHERE number = ?", [(number,) for number, _, _ in old])
    return len(old)


HANDLERS: Handlers = {JournalAppend: append, JournalFind: find, JournalPrune: prune}
