"""One version of a reference table: CSV bytes or stored rows, checked as a whole and indexed by key and date."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from engine.compile.plan import PlannedTable
from engine.core.errors import KeyIncomplete
from engine.core.ids import key_text

FIRST_DAY, LAST_DAY = "", "9999-12-31"  # a row without dates is found without one too


class TableProblem(Exception):
    """A version of a table that cannot be used; the text says where and why.

    line    of the file, or the number of a stored row
    detail  the text without the line
    """

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"line {line}: {detail}")
        self.line = line
        self.detail = detail


class Dated(NamedTuple):
    """A row and the days on which it is valid, both included."""

    since: str
    until: str
    row: Mapping[str, Any]


class Version:
    """Rows of one version. `find` costs one hash of the key text; rows are never changed."""

    def __init__(self, rows: Mapping[str, list[Dated]], stamp: str) -> None:
        self._rows = rows
        self.stamp = stamp

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))

    def find(self, key: str, on: str) -> Mapping[str, Any] | None:
        """The row of a key valid on a day."""
        for since, until, row in self._rows.get(key, ()):
            if since <= on <= until:
                return row
        return None


def read_csv(planned: PlannedTable, content: bytes, stamp: str) -> Version:
    """A version from a CSV file: UTF-8, one header line, empty cells are missing values.

    Raises TableProblem at the first line that is wrong: a partly read table would make misses of what is there.
    """
    return _version(planned, _rows(content), stamp)


def from_rows(planned: PlannedTable, rows: Iterable[Mapping[str, Any]], stamp: str) -> Version:
    """A version from rows that a `table:` sink keeps."""
    return _version(planned, enumerate(rows, 1), stamp)


def problems_in(planned: PlannedTable, content: bytes, most: int) -> list[TableProblem]:
    """What is wrong with a CSV file, line by line, at most so many; `read_csv` raises the first of them."""
    index: dict[str, list[Dated]] = {}
    found: list[TableProblem] = []
    for line, row in _rows(content):
        try:
            _add(planned, index, line, row)
        except TableProblem as problem:
            found.append(problem)
            if len(found) == most:
                break
    return found


def _rows(content: bytes) -> Iterator[tuple[int, dict[str, Any] | TableProblem]]:
    """Line number and row, or what is wrong with it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield line, TableProblem(line, f"byte 0x{content[error.start]:02X} is not UTF-8; save the file as UTF-8")
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        if not any(header):
            yield 1, TableProblem(1, "no header with column names")
            return
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) not in (0, len(header)):
                yield line, TableProblem(line, f"{_cells(len(cells))}, the header has {len(header)}")
            elif cells:
                yield line, {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
            line = reader.line_num + 1
    except csv.Error as error:
        yield line, TableProblem(line, str(error))


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _version(
    planned: PlannedTable, rows: Iterable[tuple[int, Mapping[str, Any] | TableProblem]], stamp: str
) -> Version:
    index: dict[str, list[Dated]] = {}
    for line, row in rows:
        _add(planned, index, line, row)
    return Version(index, stamp)


def _add(
    planned: PlannedTable, index: dict[str, list[Dated]], line: int, row: Mapping[str, Any] | TableProblem
) -> None:
    """Put one checked row where `find` looks for it."""
    if isinstance(row, TableProblem):
        raise row
    _check(planned, row, line)
    dated = Dated(_day(row, planned.since, FIRST_DAY, line), _day(row, planned.until, LAST_DAY, line), row)
    key = _key(planned, row, line)
    for other in index.setdefault(key, []):
        if other.since <= dated.until and dated.since <= other.until:
            both = "on the same days" if planned.since or planned.until else "twice"
            raise TableProblem(line, f"key `{key}` is there {both}")
    index[key].append(dated)


def _key(planned: PlannedTable, row: Mapping[str, Any], line: int) -> str:
    try:
        return key_text([row.get(column) for column in planned.key])
    except KeyIncomplete:
        missing = next(column for column in planned.key if row.get(column) is None)
        raise TableProblem(line, f"column `{missing}` of the key is empty") from None


def _day(row: Mapping[str, Any], column: str, otherwise: str, line: int) -> str:
    value = row.get(column) if column else None
    if value is None:
        return otherwise
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise TableProblem(line, f"`{value}` in column `{column}` is not a date YYYY-MM-DD") from None


def _check(planned: PlannedTable, row: Mapping[str, Any], line: int) -> None:
    """The row against the schema; columns that only say when it is valid need not stand in the schema."""
    if planned.validator is None:
        return
    violations = planned.validator.violations(row, 1)
    dates = {planned.since, planned.until} - {""}
    if violations and dates:
        bare = {name: value for name, value in row.items() if name not in dates}
        violations = planned.validator.violations(bare, 1)
    if violations:
        pointer, message = violations[0]
        raise TableProblem(line, f"{pointer or '/'}: {message}")
