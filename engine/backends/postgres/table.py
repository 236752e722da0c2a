"""One table as the writing half of the store sees it: its columns, and set-based statements over many rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.backends.postgres.text import stored_all

Key = tuple[Any, ...]
Row = dict[str, Any]

TEXT, INTEGER, BYTES, JSON, FLAG = "text", "bigint", "bytea", "json", "boolean"


class Table:
    """Columns by name with their types.

    loaded   the columns an operation looks at; only these are read
    lock     False for rows that never change once they are there
    """

    def __init__(
        self,
        name: str,
        key: Mapping[str, str],
        values: Mapping[str, str],
        *,
        loaded: Iterable[str] = (),
        lock: bool = True,
    ) -> None:
        self.name, self.key, self.values = name, tuple(key), tuple(values)
        self.loaded = tuple(loaded)
        self._types = {**key, **values}
        keys = ", ".join(f"t.{quoted(column)}" for column in self.key)
        reading = ", ".join(f"t.{quoted(column)}" for column in (*self.key, *self.loaded))
        locking = " FOR UPDATE OF t" if lock else ""
        self.load = (
            f"SELECT {reading} FROM {name} AS t JOIN {self.given(self.key)} ON {self._same} ORDER BY {keys}{locking}"
        )
        names = ", ".join(map(quoted, self._types))
        self.insert = f"INSERT INTO {name} ({names}) SELECT * FROM {self.given(self._types)} ON CONFLICT DO NOTHING"
        self.delete = f"DELETE FROM {name} AS t USING {self.given(self.key)} WHERE {self._same}"
        self._updates: dict[tuple[str, ...], str] = {}

    @property
    def _same(self) -> str:
        return " AND ".join(f"t.{quoted(column)} = g.{quoted(column)}" for column in self.key)

    def given(self, columns: Iterable[str]) -> str:
        """As SQL: arrays handed in, one a column, as rows of `g`."""
        columns = tuple(columns)
        arrays = ", ".join(f"${place}::{self._types[column]}[]" for place, column in enumerate(columns, 1))
        return f"unnest({arrays}) AS g ({', '.join(map(quoted, columns))})"

    def update(self, columns: tuple[str, ...]) -> str:
        """Setting these columns by key; keys come first."""
        made = self._updates.get(columns)
        if made is None:
            setting = ", ".join(f"{quoted(column)} = g.{quoted(column)}" for column in columns)
            given = self.given((*self.key, *columns))
            made = self._updates[columns] = f"UPDATE {self.name} AS t SET {setting} FROM {given} WHERE {self._same}"
        return made

    def arrays(self, keys: Sequence[Key], rows: Sequence[Row] = (), columns: Sequence[str] = ()) -> list[list[Any]]:
        """What a statement is handed: the keys' columns, then these columns of the rows."""
        arrays = [self._array(name, list(parts)) for name, parts in zip(self.key, zip(*keys, strict=True), strict=True)]
        return arrays + [self._array(name, [row[name] for row in rows]) for name in columns]

    def _array(self, column: str, values: list[Any]) -> list[Any]:
        return stored_all(values) if self._types[column] == TEXT else values


def quoted(column: str) -> str:
    """A column's name as SQL."""
    return f'"{column}"'


def columns(of: Iterable[str]) -> str:
    """Names as SQL, comma separated."""
    return ", ".join(map(quoted, of))
