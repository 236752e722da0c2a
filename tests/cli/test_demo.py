"""The demo's day, checked from outside: made-up receipts on one side, the databases it wrote on the other."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from engine.cli.demo.story import UNKNOWN_AT, WRONG_TAX_AT, tell
from tests.cli.conftest import Said, Tillflow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def day(tillflow: Tillflow, tmp_path: Path) -> Said:
    return tillflow("demo", "--project", ROOT, "--into", tmp_path / "day", "--format", "json")


def test_the_day_balances_and_every_sale_is_posted_once(day: Said, tmp_path: Path) -> None:
    totals = day.json["totals"]
    story = tell()
    waiting = {id(r) for r in (story.receipts[UNKNOWN_AT], story.receipts[WRONG_TAX_AT])}
    posted = [r for r in story.receipts if not r.training and id(r) not in waiting]

    assert day.code == 0, day.err
    assert totals["received"] == totals["applied"] + totals["filtered"] + totals["work_items"]
    with closing(sqlite3.connect(tmp_path / "day" / "finance.db")) as database:
        entries = Counter(reference for (reference,) in database.execute("select reference from journal_entries"))
        lines = list(database.execute("select entry, debit, credit from journal_lines"))
    expected = Counter(("R-" if r.returned else "") + f"{r.store}-{r.till}-{r.number}" for r in posted)
    assert entries == expected
    assert sum(Decimal(d) for _, d, _ in lines) == sum(Decimal(c) for _, _, c in lines) == sum(r.gross for r in posted)


def test_amounts_of_each_store_are_those_of_its_receipts(day: Said) -> None:
    made_up = {store: f"{amount:.2f}" for store, amount in tell().gross().items()}

    assert {store["store"]: store["received"] for store in day.json["stores"]} == made_up


def test_what_goes_wrong_on_the_day_is_told(day: Said) -> None:
    reasons = Counter(item["reason"] for item in day.json["work"])

    assert {"unknown-sku", "tax-mismatch", "corrupt-document"} <= set(reasons)
    assert day.json["duplicates"] > 0
    assert day.json["refused_for_a_while"] > 0
