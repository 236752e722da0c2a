"""Rows that belong together become one record: receipts in a till export, lines of an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.sdk import BadRecord, Failure

Row = dict[str, Any]
GroupKey = tuple[Any, ...]


@dataclass(frozen=True)
class KeyedRow:
    """One row on its way into a group. `key` is None when a bad row cannot tell where it belongs."""

    key: GroupKey | None
    line: int
    row: Row
    raw: bytes
    failure: Failure | None = None


@dataclass
class Group:
    """Rows with the same key, with the first thing that was wrong with one of them."""

    key: GroupKey | None
    line: int
    rows: list[Row] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    failure: Failure | None = None
    failure_line: int = 0

    def add(self, row: KeyedRow) -> None:
        self.rows.append(row.row)
        self.raw.append(row.raw)
        if row.failure is not None and self.failure is None:
            self.failure, self.failure_line = row.failure, row.line

    def merge(self, other: Group) -> None:
        self.rows.extend(other.rows)
        self.raw.extend(other.raw)
        if self.failure is None:
            self.failure, self.failure_line = other.failure, other.failure_line

    def same_rows(self, other: Group) -> bool:
        return [raw.rstrip(b"\r\n") for raw in self.raw] == [raw.rstrip(b"\r\n") for raw in other.raw]

    def as_bad(self, number: int, header: bytes) -> BadRecord:
        """The group as a work item: with its header and all its rows, so that it can be mended and read again."""
        assert self.failure is not None
        return BadRecord(self.failure, number, self.failure_line, header + b"".join(self.raw))


def grouped(rows: Iterable[KeyedRow]) -> list[Group]:
    """Groups in order of their first row.

    Rows of one key are usually consecutive. A key that comes again later is the same group written twice when its
    rows repeat exactly (then it is a group of its own, and a duplicate downstream); otherwise its rows were only
    interleaved with others and belong together.
    """
    result: list[Group] = []
    by_key: dict[GroupKey, Group] = {}
    for block in _blocks(rows):
        known = by_key.get(block.key) if block.key is not None else None
        if known is not None and not known.same_rows(block):
            known.merge(block)
            continue
        if block.key is not None:
            by_key.setdefault(block.key, block)
        result.append(block)
    return result


def _blocks(rows: Iterable[KeyedRow]) -> list[Group]:
    blocks: list[Group] = []
    lost: list[KeyedRow] = []
    for row in rows:
        if row.key is None:
            lost.append(row)
            continue
        if not blocks or blocks[-1].key != row.key:
            _blame(blocks, lost)
            blocks.append(Group(row.key, row.line))
        _blame(blocks, lost)
        lost = []
        blocks[-1].add(row)
    if lost and not blocks:
        blocks.append(Group(None, lost[0].line))
    _blame(blocks, lost)
    return blocks


def _blame(blocks: list[Group], lost: list[KeyedRow]) -> None:
    """A row that cannot tell its group may belong to either neighbour: neither may go on as if it were complete."""
    if blocks:
        for row in lost:
            blocks[-1].add(row)
