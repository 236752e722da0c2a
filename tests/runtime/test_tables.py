"""Reference tables: a new row serves the next event, a broken version replaces nothing, dates decide."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from engine.compile.plan import PlannedTable
from engine.compile.tablefile import TableProblem, read_csv
from engine.core.clock import SystemClock
from engine.core.errors import Permanent, Transient
from engine.runtime.tables import FolderFiles, Tables
from engine.testing.clock import run_virtual
from tests.runtime.fixed_files import FixedFiles

STORES = PlannedTable("stores", "stores.csv", ("id",))
VAT = PlannedTable("vat", "vat.csv", ("country", "code"), since="from", until="to")
RATES = (
    b"country,code,rate,from,to\nDE,19,19,2007-01-01,2020-06-30\nDE,19,16,2020-07-01,2020-12-31\nDE,19,19,2021-01-01,\n"
)


def tables(files: dict[str, bytes], *planned: PlannedTable) -> tuple[Tables, list[str]]:
    told: list[str] = []
    made = Tables({p.name: p for p in planned}, FixedFiles(files), SystemClock(), lambda text, facts: told.append(text))
    run_virtual(made.refresh())
    return made, told


def test_a_changed_row_serves_the_next_lookup() -> None:
    files = {"stores.csv": b"id,name\n0012,North\n"}
    made, _ = tables(files, STORES)
    assert made.find("stores", "0012", "2026-03-14") == {"id": "0012", "name": "North"}
    files["stores.csv"] = b"id,name\n0012,South\n"
    assert run_virtual(made.refresh()) == ["stores"]
    assert made.find("stores", "0012", "2026-03-14") == {"id": "0012", "name": "South"}
    assert run_virtual(made.refresh()) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"id,name\n0012,North\n0012,South\n", "line 3: key `0012` is there twice"),
        (b"id,name\n0012\n", "line 2: 1 cell, the header has 2"),
        (b"id,name\n,North\n", "line 2: column `id` of the key is empty"),
        (b"id,name\n0012,\xff\n", "line 2: byte 0xFF is not UTF-8; save the file as UTF-8"),
        (b"", "line 1: no header with column names"),
        (b'id,name\n0012,"No\n', "line 2: unexpected end of data"),
    ],
)
def test_a_broken_version_says_where_and_the_one_before_stays(content: bytes, problem: str) -> None:
    files = {"stores.csv": b"id,name\n0012,North\n"}
    made, told = tables(files, STORES)
    files["stores.csv"] = content
    for _ in range(3):
        assert run_virtual(made.refresh()) == []
    assert made.problems == {"stores": problem}
    assert told == ["a table cannot be used"]
    assert made.find("stores", "0012", "") == {"id": "0012", "name": "North"}
    files["stores.csv"] = b"id,name\n0012,East\n"
    run_virtual(made.refresh())
    assert made.problems == {} and made.find("stores", "0012", "") == {"id": "0012", "name": "East"}


@pytest.mark.parametrize(
    ("day", "rate"),
    [("2020-06-30", "19"), ("2020-07-01", "16"), ("2020-12-31", "16"), ("2021-01-01", "19"), ("2006-12-31", None)],
)
def test_a_row_is_valid_from_its_first_to_its_last_day(day: str, rate: str | None) -> None:
    made, _ = tables({"vat.csv": RATES}, VAT)
    found = made.find("vat", ["DE", "19"], day)
    assert (found["rate"] if found else None) == rate


def test_rows_of_one_key_must_not_be_valid_on_the_same_day() -> None:
    with pytest.raises(TableProblem, match=r"line 3: key `DE\|19` is there on the same days"):
        read_csv(VAT, RATES.replace(b"2020-07-01", b"2020-06-30"), "")


def test_a_table_without_any_version_makes_events_wait_and_an_unknown_one_does_not() -> None:
    made, _ = tables({}, STORES)
    with pytest.raises(Transient, match="table-unavailable"):
        made.find("stores", "0012", "")
    with pytest.raises(Permanent, match="no-such-table"):
        made.find("shops", "0012", "")


def test_files_of_a_folder_are_read_again_only_when_they_may_have_changed(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_bytes(b"id\n1\n")
    files = FolderFiles(tmp_path)
    assert files.stamp("stores.csv") is None  # young: it may change again within the resolution of its time
    os.utime(path, (1_000_000, 1_000_000))
    before: Any = files.stamp("stores.csv")
    assert before is not None and files.stamp("stores.csv") == before
    path.write_bytes(b"id\n2\n")
    assert files.stamp("stores.csv") is None
