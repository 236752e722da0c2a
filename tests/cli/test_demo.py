"""The demo's day, checked from outside: made-up receipts on one side, the databases it wrote on the other."""

from __future__ import annotations

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.cli.demo.story import UNKNOWN_AT, WRONG_TAX_AT, tell
from engine.cli.demo.totals import reckon
from engine.core.jsonx import decode

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Day:
    """Where it happened, and what the command said of it."""

    folder: Path
    json: Any


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("demo") / "day"
    command = [sys.executable, "-m", "engine.cli", "demo", "--into", str(folder), "--format", "json"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    return Day(folder, decode(told))


def test_the_day_balances_and_every_sale_is_posted_once(day: Day) -> None:
    totals = day.json["totals"]
    story = tell()
    waiting = {id(r) for r in (story.receipts[UNKNOWN_AT], story.receipts[WRONG_TAX_AT])}
    posted = [r for r in story.receipts if not r.training and id(r) not in waiting]

    assert totals["received"] == totals["applied"] + totals["filtered"] + totals["work_items"]
    with closing(sqlite3.connect(day.folder / "finance.db")) as database:
        entries = Counter(reference for (reference,) in database.execute("select reference from journal_entries"))
        lines = list(database.execute("select entry, debit, credit from journal_lines"))
    expected = Counter(("R-" if r.returned else "") + f"{r.store}-{r.till}-{r.number}" for r in posted)
    assert entries == expected
    assert sum(Decimal(d) for _, d, _ in lines) == sum(Decimal(c) for _, _, c in lines) == sum(r.gross for r in posted)


def test_amounts_of_each_store_are_those_of_its_receipts(day: Day) -> None:
    made_up = {store: f"{amount:.2f}" for store, amount in tell().gross().items()}

    assert {store["store"]: store["received"] for store in day.json["stores"]} == made_up


def test_what_goes_wrong_on_the_day_is_told(day: Day) -> None:
    reasons = Counter(item["reason"] for item in day.json["work"])

    assert {"unknown-sku", "tax-mismatch", "corrupt-document"} <= set(reasons)
    assert day.json["duplicates"] > 0
    assert day.json["refused_for_a_while"] > 0


def test_what_it_prints_at_the_end_leads_one_item_to_its_end(tmp_path: Path) -> None:
    """The very lines, in their order; whoever reads them stops `run` when the item is done."""
    environ = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "engine.cli", "demo", "--into", str(tmp_path / "a day")]
    told = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    shipped = (ROOT / "mappings/tables/products.csv").read_bytes()
    lines = [line.strip() for line in told.partition("Look further")[2].splitlines() if line.startswith("  ")]
    before = reckon(tmp_path / "a day" / "state")

    def said(line: str) -> str:
        done = subprocess.run(line, shell=True, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    run = next(line for line in lines if " run " in line)
    for line in lines[: lines.index(run)]:
        said(line)
    engine = subprocess.Popen(shlex.split(run), cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    trace, status = lines[lines.index(run) + 1 :]
    try:
        until = time.monotonic() + 60
        while ("applied", "erp") not in [
            (entry["what"], entry["sink"]) for entry in decode(said(f"{trace} --format json"))["entries"]
        ]:
            assert engine.poll() is None and time.monotonic() < until
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.wait(timeout=60)

    after = reckon(tmp_path / "a day" / "state")
    assert "replayed" in said(trace) and "unknown-sku" not in said(status)
    assert (after.received, after.applied) == (before.received, before.applied + 1)
    assert after.work_items == before.work_items - 1 and after.agree
    assert (ROOT / "mappings/tables/products.csv").read_bytes() == shipped
