"""Rows kept by `table:` sinks. Tables read from CSV files live in memory; these live here and are read from here."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.ports.store.base import Op


class TableRow(Struct, frozen=True):
    """One row; `key` is the key's parts joined by `|`, `row` a JSON object, `version` decides which one is newer."""

    table: str
    key: str
    row: bytes
    version: int = 0


class TablePut(Op[list[bool]], frozen=True):
    """Insert or replace rows that are not older than what is there; False where they are."""

    rows: Sequence[TableRow]


class TableAll(Op[list[TableRow]], frozen=True):
    """All rows of a table."""

    table: str
    reads = True


class TableStamp(Op[int], frozen=True):
    """A number that grows whenever a row of the table changes."""

    table: str
    reads = True
