"""CSV text as rows with line numbers; a bad row spoils only itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from connectors.core.formats.lines import Line, physical_lines
from engine.sdk import Permanent

MAX_LINES_PER_ROW = 100  # a quoted cell may hold line ends; a lost quote must not swallow the rest of the file


class Dialect(NamedTuple):
    """How cells are separated and quoted."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"


class Row(NamedTuple):
    """One row. `failure` is set when its cells cannot be trusted; they are given as far as they could be read."""

    cells: list[str]
    line: int
    raw: bytes
    failure: Permanent | None = None


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


def _row(lines: Sequence[Line], position: int, dialect: Dialect) -> tuple[Row, int]:
    line = lines[position]
    if line.problem:
        return Row(_split(line, dialect), line.number, line.raw, _bad(line.number, line.problem)), 1
    window = lines[position : position + MAX_LINES_PER_ROW]
    reader = _reader((part.text for part in window if not part.problem), dialect)
    try:
        cells: list[str] = next(reader)
    except csv.Error as error:
        quote = "end of data" in str(error) or "expected after" in str(error)
        why = "a quoted cell is not closed, or text follows its end" if quote else str(error)
        return Row(_split(line, dialect), line.number, line.raw, _bad(line.number, why)), 1
    used = reader.line_num
    return Row(cells, line.number, b"".join(part.raw for part in window[:used])), used


def _first_line_only(line: Line, row: Row, width: int, dialect: Dialect) -> Row:
    cells = row.cells if len(row.raw) == len(line.raw) else _split(line, dialect)
    why = f"{len(cells)} cells where the first row has {width}"
    return Row(cells, line.number, line.raw, _bad(line.number, why))


def _reader(texts: Iterator[str], dialect: Dialect) -> Any:
    return csv.reader(texts, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)


def _split(line: Line, dialect: Dialect) -> list[str]:
    return line.text.rstrip("\r\n").split(dialect.delimiter)


def _bad(line: int, why: str) -> Permanent:
    return Permanent("bad-line", f"line {line}: {why}", data={"line": line})
