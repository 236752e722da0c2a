"""Rows that belong together become one record: receipts in a till export, lines of an order."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.sdk import BadRecord, Failure, Permanent

Row = dict[str, Any]
GroupKey = tuple[Any, ...]
MOST_HELD = 100  # groups a bad row may hold one by one; above it the file is one work item
_MOST_COMPARED = 2_000_000


class Part(NamedTuple):
    """A cell of a bad row as far as it can be read; one that is not `whole` may go on."""

    text: str
    whole: bool = True

    def agrees(self, cell: str) -> bool:
        return cell == self.text if self.whole else cell.startswith(self.text)


Parts = tuple[Part | None, ...]


def readable(names: Sequence[str], parts: Sequence[Part | None]) -> Row:
    """The cells that can be read whole, and are not empty, under these names."""
    pairs = zip(names, parts, strict=False)
    return {name: part.text for name, part in pairs if part is not None and part.whole and part.text}


@dataclass(frozen=True)
class KeyedRow:
    """One row on its way into a group.

    key    None when a bad row cannot tell where it belongs
    parts  what such a row still tells of its key; None for a cell that cannot be read
    """

    key: GroupKey | None
    line: int
    row: Row
    raw: bytes
    failure: Failure | None = None
    parts: Parts = ()

    @property
    def tells(self) -> bool:
        """At least one cell of its key can be read whole."""
        return any(part is not None and part.whole for part in self.parts)

    def may_be_of(self, key: GroupKey) -> bool:
        return all(part is None or part.agrees(cell) for part, cell in zip(self.parts, key, strict=False))


@dataclass
class Group:
    """Rows with the same key, with the first thing that was wrong with one of them.

    parts  without a key: what its rows still tell of it
    """

    key: GroupKey | None
    line: int
    rows: list[Row] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    failure: Failure | None = None
    failure_line: int = 0
    parts: Parts = ()

    def add(self, row: KeyedRow) -> None:
        place = bisect(self.lines, row.line)
        self.rows.insert(place, row.row)
        self.raw.insert(place, row.raw)
        self.lines.insert(place, row.line)
        if row.failure is not None and (self.failure is None or row.line < self.failure_line):
            self.failure, self.failure_line = row.failure, row.line

    def merge(self, other: Group) -> None:
        self.rows.extend(other.rows)
        self.raw.extend(other.raw)
        self.lines.extend(other.lines)
        if self.failure is None:
            self.failure, self.failure_line = other.failure, other.failure_line

    def same_rows(self, other: Group) -> bool:
        return [raw.rstrip(b"\r\n") for raw in self.raw] == [raw.rstrip(b"\r\n") for raw in other.raw]

    def told(self, names: Sequence[str]) -> Row:
        """The cells of its key, as far as they can be read, under these names."""
        return readable(names, [Part(cell) for cell in self.key] if self.key is not None else self.parts)

    def as_bad(self, number: int, header: bytes, known: Row) -> BadRecord:
        """The group as a work item: with its header and all its rows, so that it can be mended and read again."""
        assert self.failure is not None
        return BadRecord(self.failure, number, self.failure_line, header + b"".join(self.raw), known)


def grouped(rows: Iterable[KeyedRow]) -> list[Group]:
    """Groups in order of their first row.

    Rows of one key are usually consecutive. A key that comes again later is the same group written twice when its
    rows repeat exactly (then it is a group of its own, and a duplicate downstream); otherwise its rows were only
    interleaved with others and belong together. A bad row that cannot tell its group holds every group it may belong
    to, wherever that stands: none of them may go on as if it were complete. Raises Permanent `corrupt-document` where
    that would be the whole file, or too much of it.
    """
    lost: list[KeyedRow] = []
    result: list[Group] = []
    by_key: dict[GroupKey, Group] = {}
    for block in _blocks(rows, lost):
        assert block.key is not None
        known = by_key.get(block.key)
        if known is not None and not known.same_rows(block):
            known.merge(block)
            continue
        by_key.setdefault(block.key, block)
        result.append(block)
    return _with_lost(result, lost)


def _blocks(rows: Iterable[KeyedRow], lost: list[KeyedRow]) -> list[Group]:
    blocks: list[Group] = []
    for row in rows:
        if row.key is None:
            lost.append(row)
            continue
        if not blocks or blocks[-1].key != row.key:
            blocks.append(Group(row.key, row.line))
        blocks[-1].add(row)
    return blocks


def _with_lost(groups: list[Group], lost: Sequence[KeyedRow]) -> list[Group]:
    """The groups, each with the rows that may be its own; what is of none of them stands alone."""
    held: set[int] = set()
    alone: list[Group] = []
    found: dict[Parts, list[Group]] = {}
    for row in lost:
        if row.parts not in found:
            if (len(found) + 1) * len(groups) > _MOST_COMPARED:
                raise _whole(row, "and too many others are like it")
            found[row.parts] = _holds(row, groups)
        mine = found[row.parts]
        held |= {id(group) for group in mine if group.key is not None}
        if len(held) > MOST_HELD or (len(mine) == len(groups) > 2):
            raise _whole(row, f"and it may be of any of {len(mine)}")
        if not mine:
            mine = found[row.parts] = [Group(None, row.line, parts=row.parts)]
            alone += mine
        for group in mine:
            group.add(row)
    return sorted([*groups, *alone], key=lambda group: group.line) if alone else groups


def _holds(row: KeyedRow, groups: list[Group]) -> list[Group]:
    """Those whose key agrees with what the row tells of its own. Where it tells nothing that agrees: all."""
    agreeing = [group for group in groups if group.key is not None and row.may_be_of(group.key)]
    return agreeing if agreeing or row.tells else list(groups)


def _whole(row: KeyedRow, why: str) -> Permanent:
    assert row.failure is not None
    text = f"{row.failure.detail}; the row does not tell its group, {why}: mend or remove it, the whole file waits"
    return Permanent("corrupt-document", text, data={"line": row.line})
