"""The format `pos.till_csv`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field, field_validator

from connectors.core.formats.caps import MAX_SIZE, corrupt, guard, in_file
from connectors.core.formats.csv_format import groups_of, key_of
from connectors.core.formats.csv_rows import Dialect, Row, header_of, read_rows
from connectors.core.formats.fields import Encoding
from connectors.core.formats.grouping import Group, KeyedRow
from connectors.pos.till_csv.flavour import Flavour, detect
from connectors.pos.till_csv.receipt import BadCell, receipt
from engine import sdk
from engine.sdk import BadRecord, Format, Options, Permanent, Record, Size, problem

COLUMNS = {
    "store": "Filiale", "till": "Kasse", "receipt_no": "BonNr", "business_date": "Datum", "time": "Zeit", "gtin": "EAN",
    "sku": "ArtNr", "description": "Artikel", "quantity": "Menge", "unit_price": "EPreis", "discount": "Rabatt",
    "tax_rate": "MwSt", "amount": "Summe", "tender": "Zahlart",
}  # fmt: skip
KEY = ("store", "till", "receipt_no", "business_date")
NEEDED = (*KEY, "quantity", "amount")


@sdk.format("pos.till_csv")
class TillCsv(Format):
    """Line exports of tills: one row per line of a receipt, one record per receipt.

    The record is `{receipt: {kind, store, till, receipt_no, business_date, lines, taxes, tenders, totals, ..}}` with
    exact numbers and ISO dates, whichever separators the file has; `raw` of a line holds its cells as they stand.
    `kind` is sale, return or mixed; returned goods are negative. Net and tax follow from the line's amount and rate,
    rounded half up per line. A receipt with a row that cannot be read becomes a work item with file and line, its
    neighbours proceed; where a row cannot tell its receipt, each that agrees with what it tells waits, and where that is
    all of them the file waits as one work item.
    """

    class Config(Options):
        flavour: Literal["auto", "de", "us"] = Field(
            "auto",
            description="`de`: `;` and decimal comma. `us`: `,` and decimal point. `auto` looks at the header row.",
        )
        encoding: Encoding = Field("utf-8", description="Encoding of the file.", examples=["utf-8", "cp1252"])
        prices: Literal["gross", "net"] = Field("gross", description="Whether the amounts of lines include tax.")
        columns: dict[str, str] = Field(
            default_factory=dict,
            description=f"Names of the columns where they differ. Known are {', '.join(COLUMNS)}.",
            examples=[{"store": "Store", "receipt_no": "Receipt"}],
        )
        max_size: Size = Field(MAX_SIZE, description="Largest file that is read.", examples=["64MiB"])

        @field_validator("columns")
        @classmethod
        def _known(cls, columns: dict[str, str]) -> dict[str, str]:
            if unknown := [name for name in columns if name not in COLUMNS]:
                nearest = next(iter(get_close_matches(unknown[0], COLUMNS, 1)), "")
                raise problem(
                    "TF5003", f"`{unknown[0]}` is no column of a till", f"known: {', '.join(COLUMNS)}", nearest
                )
            return columns

    def __init__(self, config: Config) -> None:
        self._config = config
        self._columns = {**COLUMNS, **config.columns}

    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """The receipts in order of their first row."""
        guard(content, name, self._config.max_size)
        flavour = self._flavour(content)
        rows = read_rows(content, Dialect(flavour.delimiter, '"', self._config.encoding))
        header = header_of(rows, name)
        columns = self._header(header, name)
        for number, group in enumerate(groups_of((self._keyed(row, columns) for row in rows), name)):
            yield self._record(group, number, header.raw, flavour, name)

    def _flavour(self, content: bytes) -> Flavour:
        if self._config.flavour != "auto":
            return Flavour(self._config.flavour)
        return detect(content.splitlines()[0].decode(self._config.encoding, "replace"))

    def _header(self, header: Row, name: str) -> list[str]:
        columns = [cell.strip() for cell in header.cells]
        if missing := [self._columns[needed] for needed in NEEDED if self._columns[needed] not in columns]:
            raise corrupt(name, f"there is no column `{missing[0]}`; there are {', '.join(columns)}", header.line)
        return columns

    def _keyed(self, row: Row, columns: Sequence[str]) -> KeyedRow:
        failure = row.failure
        if failure is None and len(row.cells) != len(columns):
            why = f"line {row.line}: {len(row.cells)} cells where there are {len(columns)} columns"
            failure = Permanent("bad-line", why, data={"line": row.line})
        key, parts = key_of(row, columns, [self._columns[part] for part in KEY], '"', failure is not None)
        data = {column: cell for column, cell in zip(columns, row.cells, strict=False) if cell != ""}
        return KeyedRow(key, row.line, {"line": row.line, "cells": data}, row.raw, failure, parts)

    def _record(self, group: Group, number: int, header: bytes, flavour: Flavour, name: str) -> Record | BadRecord:
        if group.failure is None:
            rows = [(row["line"], row["cells"]) for row in group.rows]
            try:
                return Record(
                    {"receipt": receipt(rows, flavour, self._columns, self._config.prices)}, number, group.line
                )
            except BadCell as error:
                group.failure, group.failure_line = (
                    Permanent("bad-line", str(error), data={"line": error.line}),
                    error.line,
                )
        group.failure = in_file(group.failure, name)
        return group.as_bad(number, header, {"receipt": _told(group, flavour)})

    def schema(self) -> dict[str, Any] | None:
        """The shape of one record."""
        return RECORD


def _told(group: Group, flavour: Flavour) -> dict[str, Any]:
    """What a bad receipt is called, as far as it can be read."""
    told = {name: cell.strip() for name, cell in group.told(KEY).items()}
    with suppress(ValueError):
        day = told.pop("business_date", "")
        told["business_date"] = flavour.day(day)
    return told


def _object(texts: str, numbers: str, optional: str = "", **others: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {name: {"type": "string"} for name in texts.split()}
    properties |= {name: {"type": "number"} for name in numbers.split()}
    properties |= others
    required = [name for name in properties if name not in optional.split()]
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_LINE = _object(
    "gtin sku description tax_code tender",
    "quantity unit_price discount tax_rate net tax gross",
    "gtin sku description unit_price discount",
    line_no={"type": "integer"},
    kind={"enum": ["sale", "return"]},
    raw={"type": "object", "additionalProperties": {"type": "string"}},
)
RECORD = _object(
    "",
    "",
    receipt=_object(
        "store till receipt_no business_date time occurred_at",
        "",
        kind={"enum": ["sale", "return", "mixed"]},
        lines=_list(_LINE),
        taxes=_list(_object("code", "rate base amount gross")),
        tenders=_list(_object("type", "amount")),
        totals=_object("", "gross net tax"),
    ),
)
