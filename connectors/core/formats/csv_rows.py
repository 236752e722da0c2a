"""CSV text as rows with line numbers; a bad row spoils only itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from connectors.core.formats.caps import corrupt
from connectors.core.formats.grouping import Part, Parts
from connectors.core.formats.lines import Line, physical_lines
from engine.sdk import Permanent

_LOST = "\ufffd"  # stands for bytes that are not of the encoding
MAX_LINES_PER_ROW = 100  # a quoted cell may hold line ends; a lost quote must not swallow the rest of the file


class Dialect(NamedTuple):
    """How cells are separated and quoted."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"


class Row(NamedTuple):
    """One row. `failure` is set when its cells cannot be trusted; they are given as far as they could be read.

    unquoted   its cells are what stood between the delimiters, quotes and all
    """

    cells: list[str]
    line: int
    raw: bytes
    failure: Permanent | None = None
    unquoted: bool = False

    def parts(self, quote: str) -> Parts:
        """What its cells tell although it is bad. The last one may be cut off; behind an open quote nothing is sure."""
        parts: list[Part | None] = []
        for position, cell in enumerate(self.cells):
            last = position == len(self.cells) - 1
            text = _without_quotes(cell, quote) if self.unquoted else cell
            if text is None:
                parts.append(Part(cell.lstrip(quote), whole=False) if last and cell.count(quote) == 1 else None)
                break
            parts.append(None if _LOST in text else Part(text, whole=not last))
        return tuple(parts)


def read_rows(content: bytes, dialect: Dialect) -> Iterator[Row]:
    """Rows in order, empty lines left out."""
    lines = physical_lines(content, dialect.encoding)
    width = 0
    position = 0
    while position < len(lines):
        line = lines[position]
        if not line.problem and not line.text.strip():
            position += 1
            continue
        row, used = _row(lines, position, dialect)
        width = width or len(row.cells)
        if row.failure is None and len(row.cells) != width:
            row, used = _first_line_only(line, row, width, dialect), 1
        yield row
        position += used


def header_of(rows: Iterator[Row], name: str) -> Row:
    """The first row. Raises Permanent `corrupt-document` where nothing but space is there: Unicode knows more of it than
    `guard`.
    """
    first = next(rows, None)
    if first is None:
        raise corrupt(name, "the document is empty")
    return first


def _row(lines: Sequence[Line], position: int, dialect: Dialect) -> tuple[Row, int]:
    line = lines[position]
    if line.problem:
        return Row(_split(line, dialect), line.number, line.raw, _bad(line.number, line.problem), True), 1
    window = lines[position : position + MAX_LINES_PER_ROW]
    reader = _reader((part.text for part in window if not part.problem), dialect)
    try:
        cells: list[str] = next(reader)
    except csv.Error as error:
        quote = "end of data" in str(error) or "expected after" in str(error)
        why = "a quoted cell is not closed, or text follows its end" if quote else str(error)
        return Row(_split(line, dialect), line.number, line.raw, _bad(line.number, why), True), 1
    used = reader.line_num
    return Row(cells, line.number, b"".join(part.raw for part in window[:used])), used


def _first_line_only(line: Line, row: Row, width: int, dialect: Dialect) -> Row:
    whole = len(row.raw) == len(line.raw)
    cells = row.cells if whole else _split(line, dialect)
    why = f"{len(cells)} cells where the first row has {width}"
    return Row(cells, line.number, line.raw, _bad(line.number, why), not whole)


def _reader(texts: Iterator[str], dialect: Dialect) -> Any:
    return csv.reader(texts, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)


def _split(line: Line, dialect: Dialect) -> list[str]:
    return line.text.rstrip("\r\n").split(dialect.delimiter)


def _without_quotes(cell: str, quote: str) -> str | None:
    """The text of a cell as it stands in the line; None when its quotes do not close in it."""
    if quote not in cell:
        return cell
    inside = cell[1:-1].replace(quote * 2, "")
    if len(cell) < 2 or not (cell.startswith(quote) and cell.endswith(quote)) or quote in inside:
        return None
    return cell[1:-1].replace(quote * 2, quote)


def _bad(line: int, why: str) -> Permanent:
    return Permanent("bad-line", f"line {line}: {why}", data={"line": line})
