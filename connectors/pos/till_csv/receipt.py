"""Rows of one receipt as a record: typed lines, and the taxes and totals that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.pos.till_csv.flavour import Flavour, clock_time

Fact = dict[str, Any]
ZERO = Decimal(0)
CENT = Decimal("0.01")
TEXTS = {"gtin": "EAN", "sku": "ArtNr", "description": "Artikel"}
NUMBERS = {"quantity": "Menge", "unit_price": "EPreis", "discount": "Rabatt", "tax_rate": "MwSt", "amount": "Summe"}


class BadCell(ValueError):
    """A cell that cannot be read; `line` is where."""

    def __init__(self, line: int, column: str, why: str) -> None:
        super().__init__(f"line {line}, column {column}: {why}")
        self.line = line


def receipt(rows: Sequence[tuple[int, Fact]], flavour: Flavour, columns: Fact, prices: str) -> Fact:
    """The `receipt` of a record from its rows, each with its line in the file. Raises BadCell."""
    first_line, first = rows[0]
    lines = [_line(position, line, row, flavour, columns, prices) for position, (line, row) in enumerate(rows, 1)]
    day = _read(flavour.day, first_line, first, columns["business_date"])
    time = _read(clock_time, first_line, first, columns["time"]) if columns["time"] in first else "00:00:00"
    totals = {name: sum((line[name] for line in lines), ZERO) for name in ("gross", "net", "tax")}
    return {
        "kind": _kind(lines),
        "store": _text(first_line, first, columns["store"]),
        "till": _text(first_line, first, columns["till"]),
        "receipt_no": _text(first_line, first, columns["receipt_no"]),
        "business_date": day,
        "time": time,
        "occurred_at": f"{day}T{time}",
        "lines": lines,
        "taxes": _taxes(lines),
        "tenders": _tenders(lines),
        "totals": totals,
    }


def _line(position: int, at: int, row: Fact, flavour: Flavour, columns: Fact, prices: str) -> Fact:
    line: Fact = {"line_no": position}
    for name in TEXTS:
        if columns[name] in row:
            line[name] = row[columns[name]]
    for name in NUMBERS:
        if columns[name] in row or name in ("quantity", "amount"):
            line[name] = _read(flavour.number, at, row, columns[name])
    rate = line.setdefault("tax_rate", ZERO)
    line["tax_code"] = f"{rate.normalize():f}"
    line["tender"] = row.get(columns["tender"], "")
    line["net"], line["tax"], line["gross"] = _amounts(line.pop("amount"), rate, prices)
    line["kind"] = "return" if line["quantity"] < 0 else "sale"
    line["raw"] = row
    return line


def _amounts(amount: Decimal, rate: Decimal, prices: str) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of a line, rounded half up per line, as tills do."""
    if prices == "net":
        tax = (amount * rate / 100).quantize(CENT, ROUND_HALF_UP)
        return amount, tax, amount + tax
    net = (amount / (1 + rate / 100)).quantize(CENT, ROUND_HALF_UP)
    return net, amount - net, amount


def _kind(lines: Sequence[Fact]) -> str:
    kinds = {line["kind"] for line in lines}
    return str(kinds.pop()) if len(kinds) == 1 else "mixed"


def _taxes(lines: Sequence[Fact]) -> list[Fact]:
    totals: dict[str, Fact] = {}
    for line in lines:
        empty = {"code": line["tax_code"], "rate": line["tax_rate"], "base": ZERO, "amount": ZERO, "gross": ZERO}
        entry = totals.setdefault(line["tax_code"], empty)
        entry["base"] += line["net"]
        entry["amount"] += line["tax"]
        entry["gross"] += line["gross"]
    return list(totals.values())


def _tenders(lines: Sequence[Fact]) -> list[Fact]:
    totals: dict[str, Decimal] = {}
    for line in lines:
        totals[line["tender"]] = totals.get(line["tender"], ZERO) + line["gross"]
    return [{"type": name, "amount": amount} for name, amount in totals.items()]


def _text(line: int, row: Fact, column: str) -> str:
    if column not in row:
        raise BadCell(line, column, "the cell is empty")
    return str(row[column]).strip()


def _read(reader: Any, line: int, row: Fact, column: str) -> Any:
    text = _text(line, row, column)
    try:
        return reader(text)
    except ValueError as error:
        raise BadCell(line, column, str(error)) from None
