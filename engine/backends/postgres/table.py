"""One table as the writing half of the store sees it: its columns, and set-based statements over many rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.backends.postgres.text import stored, stored_all

Key = tuple[Any, ...]
Row = dict[str, Any]

TEXT, INTEGER, BYTES, JSON, FLAG = "text", "bigint", "bytea", "json", "boolean"


class Table:
    """Columns by name with their types.

    loaded   the columns an operation looks at; only these are read
    lock     False for rows that never change once they are there

    `same`, as SQL: a row `t` of it has the key of the given row `g`.
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
        self.same = " AND ".join(f"t.{quoted(column)} = g.{quoted(column)}" for column in key)
        keys = ", ".join(f"t.{quoted(column)}" for column in key)
        reading = ", ".join(f"t.{quoted(column)}" for column in (*self.key, *self.loaded))
        locking = " FOR UPDATE OF t" if lock else ""
        self.load = f"SELECT {reading} FROM {name} AS t JOIN {self.given(key)} ON {self.same} ORDER BY {keys}{locking}"
        self.delete = f"DELETE FROM {name} AS t USING {self.given(key)} WHERE {self.same}"
        self._made: dict[tuple[str, tuple[str, ...], tuple[str, ...]], str] = {}

    def given(self, columns: Iterable[str]) -> str:
        """As SQL: arrays handed in, one a column, as rows of `g`."""
        columns = tuple(columns)
        arrays = ", ".join(f"${place}::{self._types[column]}[]" for place, column in enumerate(columns, 1))
        return f"unnest({arrays}) AS g ({', '.join(map(quoted, columns))})"

    def keys(self, keys: Sequence[Key]) -> list[list[Any]]:
        """What `load`, `delete` and `given(key)` are handed for these keys."""
        return [self._array(name, list(parts)) for name, parts in zip(self.key, zip(*keys, strict=True), strict=True)]

    def inserting(self, rows: Sequence[tuple[Key, Row]]) -> tuple[str, list[Any]]:
        """Statement and parameters that insert rows in this order; one that is there already stays."""
        varying, equal, parameters = self._split(rows, self.values)
        sql = self._made.get(("insert", varying, equal))
        if sql is None:
            sources = self._sources(varying, equal)
            names = (*self.key, *self.values)
            values = ", ".join(sources.get(name, f"g.{quoted(name)}") for name in names)
            sql = (
                f"INSERT INTO {self.name} ({columns(names)}) "
                f"SELECT {values} FROM {self.given((*self.key, *varying))} ON CONFLICT DO NOTHING"
            )
            self._made["insert", varying, equal] = sql
        return sql, parameters

    def updating(self, rows: Sequence[tuple[Key, Row]], names: Sequence[str]) -> tuple[str, list[Any]]:
        """Statement and parameters that set these columns of rows that are there."""
        varying, equal, parameters = self._split(rows, names)
        sql = self._made.get(("update", varying, equal))
        if sql is None:
            sources = self._sources(varying, equal)
            setting = ", ".join(f"{quoted(name)} = {source}" for name, source in sources.items())
            given = self.given((*self.key, *varying))
            sql = f"UPDATE {self.name} AS t SET {setting} FROM {given} WHERE {self.same}"
            self._made["update", varying, equal] = sql
        return sql, parameters

    def _split(
        self, rows: Sequence[tuple[Key, Row]], names: Sequence[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...], list[Any]]:
        """Columns that vary from row to row, columns that do not, and the parameters in that order after the keys.

        Most columns of a batch do not: sending such a value once takes a third off the work, here and in the server.
        """
        arrays: dict[str, list[Any]] = {}
        equal: dict[str, Any] = {}
        for name in names:
            values = [row[name] for _, row in rows]
            if values.count(values[0]) == len(values):
                equal[name] = stored(values[0]) if self._types[name] == TEXT else values[0]
            else:
                arrays[name] = self._array(name, values)
        return tuple(arrays), tuple(equal), [*self.keys([key for key, _ in rows]), *arrays.values(), *equal.values()]

    def _sources(self, varying: tuple[str, ...], equal: tuple[str, ...]) -> dict[str, str]:
        """Where the value of each column comes from."""
        first = len(self.key) + len(varying) + 1
        once = {name: f"${place}::{self._types[name]}" for place, name in enumerate(equal, first)}
        return {name: f"g.{quoted(name)}" for name in varying} | once

    def _array(self, column: str, values: list[Any]) -> list[Any]:
        return stored_all(values) if self._types[column] == TEXT else values


def quoted(column: str) -> str:
    """A column's name as SQL."""
    return f'"{column}"'


def columns(of: Iterable[str]) -> str:
    """Names as SQL, comma separated."""
    return ", ".join(map(quoted, of))
