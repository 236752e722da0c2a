"""Rows kept by `table:` sinks. Tables read from CSV files live in memory; these live here and are read from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.ports.store.base import Op


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row; `key` is the key's parts joined by `|`, `row` a JSON object, `version` decides which one is newer."""

    table: str
    key: str
    row: bytes
    version: int = 0


@dataclass(frozen=True)
class TablePut(Op[list[bool]]):
    """Insert or replace rows that are not older than what is there; False where they are."""

    rows: Sequence[TableRow]


@dataclass(frozen=True)
class TableAll(Op[list[TableRow]]):
    """All rows of a table."""

    table: str
    reads = True


@dataclass(frozen=True)
class TableStamp(Op[int]):
    """A number that grows whenever a row of the table changes."""

    table: str
    reads = True
