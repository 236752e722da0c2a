"""What a group of units is about to write.

The rows its operations name are locked and read once, table after table and in the order of their keys; the operations
are then carried out on them in memory, one after the other, and what came of it is written back with one statement a
table. So units of many callers share a transaction without a savepoint: one that fails is taken back here. And since
every transaction locks in the same order, none waits for another in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.backends.postgres.table import Key, Row, Table
from engine.backends.postgres.text import plain

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]
else:  # the driver's class takes no parameters when it runs
    Connection = Any


class Raced(Exception):
    """A row that was not there when the group looked was written by somebody else meanwhile: do it all again."""


class _State(NamedTuple):
    """A row as it will be (None: not there), whether the table has it, and what is to be set in it."""

    row: Row | None
    stored: bool
    changes: Row


class Rows:
    """Rows of one table in the hands of one transaction."""

    def __init__(self, table: Table, undo: list[Callable[[], object]]) -> None:
        self.table = table
        self.wanted: set[Key] = set()
        self._states: dict[Key, _State] = {}
        self._undo = undo

    async def load(self, connection: Connection) -> None:
        """Lock and read what is wanted."""
        if self.wanted:
            table, size = self.table, len(self.table.key)
            for found in plain(await connection.fetch(table.load, *table.keys(list(self.wanted)))):
                self.found(found[:size], dict(zip(table.loaded, found[size:], strict=True)))
            self.wanted = set()

    def found(self, key: Key, row: Row) -> None:
        """It is in the table."""
        self._states[key] = _State(row, True, {})

    def get(self, key: Key) -> Row | None:
        """The row as it is by now; None when there is none. Holds the loaded columns, or all of a new one."""
        state = self._states.get(key)
        return None if state is None else state.row

    def items(self) -> Iterable[tuple[Key, Row]]:
        """Those that are there by now."""
        return [(key, state.row) for key, state in self._states.items() if state.row is not None]

    def add(self, key: Key, row: Row) -> None:
        """A row that is not there: all values."""
        there = self._states.get(key)
        stored = there is not None and there.stored
        self._set(key, _State(row, stored, row if stored else {}))

    def change(self, key: Key, **values: Any) -> None:
        """Set values of a row that is there."""
        there = self._states[key]
        changes = {**there.changes, **values} if there.stored else {}
        self._set(key, _State({**(there.row or {}), **values}, there.stored, changes))

    def drop(self, key: Key) -> None:
        """Take away a row that is there."""
        self._set(key, _State(None, self._states[key].stored, {}))

    def _set(self, key: Key, state: _State) -> None:
        before = self._states.get(key)
        self._undo.append(partial(self._states.pop, key) if before is None else partial(self._put, key, before))
        self._states[key] = state

    def _put(self, key: Key, state: _State) -> None:
        self._states[key] = state

    async def flush(self, connection: Connection, *, as_added: bool = False) -> None:
        """Write back. Raises Raced. `as_added`: new rows in the order they were added, not in that of their keys."""
        added: list[tuple[Key, Row]] = []
        changed: dict[tuple[str, ...], list[tuple[Key, Row]]] = {}
        gone: list[Key] = []
        for key, state in self._states.items():
            if not state.stored:
                if state.row is not None:
                    added.append((key, state.row))
            elif state.row is None:
                gone.append(key)
            elif state.changes:
                names = tuple(name for name in self.table.values if name in state.changes)
                changed.setdefault(names, []).append((key, state.changes))
        if gone:
            await connection.execute(self.table.delete, *self.table.keys(gone))
        for names, rows in changed.items():
            sql, parameters = self.table.updating(rows, names)
            await connection.execute(sql, *parameters)
        if added:
            await self._insert(connection, added if as_added else sorted(added, key=_by_key))

    async def _insert(self, connection: Connection, rows: list[tuple[Key, Row]]) -> None:
        sql, parameters = self.table.inserting(rows)
        if await connection.execute(sql, *parameters) != f"INSERT 0 {len(rows)}":
            raise Raced(self.table.name)


def _by_key(row: tuple[Key, Row]) -> Key:
    return row[0]


class Draft:
    """Rows by table, and lists and notes of the topics; all of it can be taken back to a mark."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self._rows: dict[str, Rows] = {}
        self._lists: dict[str, list[Any]] = {}
        self._notes: dict[str, dict[Any, Any]] = {}

    def of(self, table: Table) -> Rows:
        """The rows of a table."""
        rows = self._rows.get(table.name)
        if rows is None:
            rows = self._rows[table.name] = Rows(table, self._undo)
        return rows

    def touched(self, table: Table) -> bool:
        """Some operation named a row of it."""
        return table.name in self._rows

    def listed(self, name: str) -> list[Any]:
        """What was handed to `append` under this name."""
        return self._lists.get(name, [])

    def append(self, name: str, *items: Any) -> None:
        """Add to a list that is written as it is."""
        there = self._lists.setdefault(name, [])
        self._undo.append(partial(there.__delitem__, slice(len(there), None)))
        there.extend(items)

    def notes(self, name: str) -> dict[Any, Any]:
        """What a topic needs to know besides rows; change them with `note` once operations are carried out."""
        return self._notes.setdefault(name, {})

    def note(self, name: str, key: Any, value: Any) -> None:
        """Set one note."""
        notes = self.notes(name)
        self._undo.append(partial(notes.__setitem__, key, notes[key]) if key in notes else partial(notes.pop, key))
        notes[key] = value

    def mark(self) -> int:
        """The point to go back to."""
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        """Take back everything since then."""
        while len(self._undo) > mark:
            self._undo.pop()()


def want(table: Table, draft: Draft, keys: Iterable[Key]) -> None:
    """Note rows that an operation will look at."""
    draft.of(table).wanted.update(keys)
