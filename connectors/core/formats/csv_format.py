"""The format `csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from connectors.core.formats.caps import MAX_SIZE, corrupt, guard, in_file
from connectors.core.formats.csv_rows import Dialect, Row, header_of, read_rows
from connectors.core.formats.fields import Encoding, Names
from connectors.core.formats.grouping import Group, KeyedRow, Parts, grouped, readable
from connectors.core.formats.numbers import is_numeric
from engine import sdk
from engine.sdk import BadRecord, Format, Options, Permanent, Record, Size, plain, problem

_DELIMITERS = (";", "\t", "|", ",")  # the usual ones
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@sdk.format("csv")
class Csv(Format):
    """Rows of text cells, one record each, or one record per group of rows.

    Cells stay text; a mapping makes numbers and dates of them. A bad row (too many or too few cells, a quote that is
    not closed, bytes that are not of the encoding) becomes a work item with its line while its neighbours proceed.
    In a grouped file the group it belongs to waits as a whole; where it does not tell its group, each group that agrees
    with the cells it has waits, and where that is all of them the file waits as one work item.
    """

    class Config(Options):
        delimiter: str = Field(",", min_length=1, max_length=1, description="Character between cells.", examples=[";"])
        quote: str = Field(
            '"', min_length=1, max_length=1, description="Character around cells that hold the delimiter."
        )
        encoding: Encoding = Field(
            "utf-8", description="Encoding of the file.", examples=["utf-8", "cp1252", "iso-8859-15"]
        )
        columns: Names = Field(
            default_factory=list,
            description="Column names of a file without a header row; empty: the first row names them.",
        )
        group_by: Names = Field(
            default_factory=list,
            description="Columns that make rows one record, `{<columns>: .., rows: [..]}`; empty: each row is one.",
            examples=[["store", "till", "receipt_no"]],
        )
        empty: Literal["missing", "text"] = Field(
            "missing", description="What an empty cell is: `missing` (the key is left out) or `text` (empty text)."
        )
        max_size: Size = Field(MAX_SIZE, description="Largest file that is read.", examples=["64MiB"])

        @model_validator(mode="after")
        def _sound(self) -> Csv.Config:
            if missing := [name for name in self.group_by if self.columns and name not in self.columns]:
                place = ("group_by", self.group_by.index(missing[0]))
                raise problem("TF5003", f"`group_by` names `{missing[0]}`, which is not one of `columns`", path=place)
            return self

    def __init__(self, config: Config) -> None:
        self._config = config
        self._dialect = Dialect(config.delimiter, config.quote, config.encoding)

    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """Records in order."""
        guard(content, name, self._config.max_size)
        rows = read_rows(content, self._dialect)
        header = b""
        columns = self._config.columns
        if not columns:
            first = header_of(rows, name)
            columns, header = self._header(first, name), first.raw
        if self._config.group_by:
            yield from self._groups(rows, columns, header, name)
        else:
            for number, row in enumerate(rows):
                failure = row.failure or _width(row, columns)
                if failure:
                    known = readable(columns, row.parts(self._config.quote))
                    yield BadRecord(in_file(failure, name), number, row.line, header + row.raw, known)
                else:
                    yield Record(self._data(row, columns), number, row.line)

    def _header(self, first: Row, name: str) -> list[str]:
        columns = [cell.strip() for cell in first.cells]
        if first.failure:
            raise corrupt(name, f"the header row cannot be read: {first.failure.detail}", first.line)
        if "" in columns or len(set(columns)) != len(columns):
            raise corrupt(name, "the header row has a column twice or without a name", first.line)
        if missing := [column for column in self._config.group_by if column not in columns]:
            raise corrupt(name, no_column(missing[0], columns), first.line)
        return columns

    def _data(self, row: Row, columns: Sequence[str]) -> dict[str, Any]:
        pairs = zip(columns, row.cells, strict=False)
        if self._config.empty == "text":
            return dict(pairs)
        return {column: cell for column, cell in pairs if cell != ""}

    def _groups(
        self, rows: Iterator[Row], columns: Sequence[str], header: bytes, name: str
    ) -> Iterator[Record | BadRecord]:
        keys = self._config.group_by
        for number, group in enumerate(groups_of((self._keyed(row, columns) for row in rows), name)):
            if group.failure:
                group.failure = in_file(group.failure, name)
                yield group.as_bad(number, header, group.told(keys))
                continue
            assert group.key is not None
            data: dict[str, Any] = dict(zip(keys, group.key, strict=True))
            yield Record({**data, "rows": group.rows}, number, group.line)

    def _keyed(self, row: Row, columns: Sequence[str]) -> KeyedRow:
        failure = row.failure or _width(row, columns)
        key, parts = key_of(row, columns, self._config.group_by, self._config.quote, bool(failure))
        return KeyedRow(key, row.line, self._data(row, columns), row.raw, failure, parts)

    def encode(self, items: Sequence[Any]) -> bytes:
        """A header row and one row per item; text a spreadsheet would run as a formula gets a leading `'`."""
        columns, config = self._config.columns, self._config
        text = written(items, columns, config.delimiter, config.quote, header=not columns)
        return text.encode(config.encoding)

    def schema(self) -> dict[str, Any] | None:
        """Known when the columns are named; of a group of rows with a header what makes it one, and that it has rows."""
        if not self._config.columns and not self._config.group_by:
            return None
        row = (
            _row_schema(self._config.columns)
            if self._config.columns
            else {"type": "object", "additionalProperties": True}
        )
        if not self._config.group_by:
            return row
        keys = {name: {"type": "string"} for name in self._config.group_by}
        made = {**keys, "rows": {"type": "array", "items": row}}
        return {"type": "object", "properties": made, "additionalProperties": False}


def no_column(name: str, columns: Sequence[str]) -> str:
    """What is said of a column that a header row does not have."""
    text = f"there is no column `{name}`; there are {', '.join(columns)}"
    other = next((mark for mark in _DELIMITERS if len(columns) == 1 and mark in columns[0]), "")
    shown = "\\t" if other == "\t" else other
    return f'{text}. Is it `delimiter: "{shown}"`?' if other else text


def written(items: Sequence[Any], columns: Sequence[str], delimiter: str, quote: str = '"', *, header: bool) -> str:
    """Rows of these columns, without any those of the items, perhaps under their names. Raises Permanent `bad-item`."""
    names = list(columns) or list(dict.fromkeys(key for item in items for key in item))
    known = set(names)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quotechar=quote, lineterminator="\r\n")
    if header:
        writer.writerow([_cell(name, name) for name in names])
    for item in items:
        if item.keys() - known:
            extra = next(key for key in item if key not in known)
            raise Permanent("bad-item", f"the item has `{extra}`, which is not one of the columns")
        writer.writerow([_cell(item.get(name), name) for name in names])
    return out.getvalue()


def groups_of(rows: Iterable[KeyedRow], name: str) -> list[Group]:
    """The groups of a file. Raises Permanent `corrupt-document`."""
    try:
        return grouped(rows)
    except Permanent as failure:
        raise in_file(failure, name) from None


def key_of(
    row: Row, columns: Sequence[str], keys: Sequence[str], quote: str, bad: bool
) -> tuple[tuple[str, ...] | None, Parts]:
    """The key cells of a row. None when it is bad and one is missing or may be cut off; then what it tells of them."""
    positions = [columns.index(key) for key in keys]
    if not bad:
        return tuple(row.cells[position] for position in positions), ()
    told = row.parts(quote)
    parts = tuple(told[position] if position < len(told) else None for position in positions)
    sure = [part.text for part in parts if part is not None and part.whole]
    return (tuple(sure), ()) if len(sure) == len(parts) else (None, parts)


def _width(row: Row, columns: Sequence[str]) -> Permanent | None:
    if len(row.cells) == len(columns):
        return None
    why = f"line {row.line}: {len(row.cells)} cells where there are {len(columns)} columns"
    return Permanent("bad-line", why, data={"line": row.line})


def _row_schema(columns: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": "string"} for name in columns},
        "additionalProperties": False,
    }


def _cell(value: Any, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return plain(value) if isinstance(value, int) else f"{value:f}"
    if not isinstance(value, str):
        raise Permanent("bad-item", f"the column `{column}` holds a list or an object; a cell is text or a number")
    if value.startswith(_FORMULA) and not is_numeric(value):
        return f"'{value}"
    return value
