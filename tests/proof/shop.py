"""The routes that ship, on files of a small business day: receipts in, journal entries and moves of stock out."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from engine.cli.demo import files
from engine.cli.demo.receipts import Receipt, day
from tests.proof.place import ROOT, Place

TABLES = """
create table journal_entries(reference text, date text, currency text, description text, customer text);
create table journal_lines(
  entry text, entry_date text, line_no integer, account text, debit text, credit text, cost_centre text);
create table stock_moves(
  location text, sku text, bucket text, quantity text, kind text, reference text, line_no integer, business_date text);
"""
KEPT = ("pos-ingest", "till-csv-ingest", "sales-posting", "sales-summary", "inventory-movements")
QUICK = 'match: "*.{0}"\n  stable_for: 20ms\n  poll: 50ms'


def receipts(count: int = 3, first: int = 0) -> list[Receipt]:
    """Finished sales of one till, without a loyalty card."""
    made = [
        receipt for receipt in day()["0013"] if not receipt.training and not receipt.returned and receipt.till == "03"
    ]
    return [replace(receipt, loyalty="") for receipt in made[first : first + count]]


def poslog(made: Iterable[Receipt]) -> bytes:
    """As a POSLog file."""
    return files.poslog(made)


def csv_de(made: Iterable[Receipt]) -> bytes:
    """As a German line export."""
    return files.csv_de(made)


class Shop(Place):
    """The routes from files to finance and stock, as they ship but for how long files lie still and requests may take."""

    def __init__(self, folder: Path, edits: Mapping[str, tuple[str, str]] | None = None) -> None:
        environ = {
            name: str(folder / path)
            for name, path in (("POS_INBOX", "inbox"), ("POS_ARCHIVE", "archive"), ("POS_FAILED", "failed"))
        }
        database = f"sqlite:///{folder / 'books.db'}"
        super().__init__(folder, {}, environ | {"FINANCE_DB": database, "STOCK_DB": database})
        shutil.copytree(ROOT / "mappings", self.project / "mappings")
        for name in (*KEPT, "connections", "tables"):
            path = f"routes/{name}.yaml"
            self.edit({path: (ROOT / path).read_bytes()})
        self.change(
            {f"routes/{name}.yaml": (f'match: "*.{kind}"', QUICK.format(kind)) for name, kind in _INTAKE.items()}
        )
        self.change(_SHORT)
        self.change(edits or {})
        with closing(sqlite3.connect(self.books)) as books:
            books.executescript(TABLES)

    def change(self, edits: Mapping[str, tuple[str, str]]) -> None:
        """Edit files: path -> (text that is there, what takes its place)."""
        for path, (before, after) in edits.items():
            text = (self.project / path).read_text("utf-8")
            assert before in text, f"{path} does not hold {before!r}"
            self.edit({path: text.replace(before, after)})

    def rows(self, sql: str) -> list[tuple[str, ...]]:
        """What the outside database says."""
        with closing(sqlite3.connect(f"file:{self.books}?mode=ro", uri=True)) as books:
            return books.execute(sql).fetchall()

    def posted(self) -> dict[str, int]:
        """Reference -> how many journal entries it has."""
        return dict(self.rows("select reference, count(*) from journal_entries group by 1"))  # type: ignore[arg-type]

    def balance(self) -> Decimal:
        """Debit less credit of everything, exactly."""
        return sum((Decimal(debit) - Decimal(credit) for debit, credit in self.rows(_LINES)), Decimal(0))

    def moved(self) -> dict[str, int]:
        """Reference -> how many moves of stock it has."""
        return dict(self.rows("select reference, count(*) from stock_moves group by 1"))  # type: ignore[arg-type]


_SHORT = {"routes/connections.yaml": ("limits: {concurrency: 4, timeout: 20s", "limits: {concurrency: 4, timeout: 1s")}
_INTAKE = {"pos-ingest": "xml", "till-csv-ingest": "csv"}
_LINES = "select debit, credit from journal_lines"


def reference(receipt: Receipt) -> str:
    """What finance knows a receipt by."""
    return f"{receipt.store}-{receipt.till}-{receipt.number}"


def pieces(receipt: Receipt) -> int:
    """How many moves of stock it makes."""
    return len(receipt.lines)
