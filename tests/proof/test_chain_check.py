"""The check of exported chains finds what may be wrong with one: it is no proof otherwise."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from connectors.compliance.at_rksv import chain as rksv
from connectors.compliance.es_verifactu import chain as verifactu
from engine.core.jsonx import encode
from tests.proof import chains
from tests.proof.chains import RKSV, RULES, TABLE, Rule, check

BOX = "BOX-1"
Row = tuple[str, str, str]


def made(rule: Rule, numbers: Iterable[int], after: Any = None) -> tuple[list[Row], list[Any]]:
    """Rows of one box's chain, and its state after each; `after`: from that state on."""
    rows: list[Row] = []
    states = [after]
    for number in numbers:
        record, state = (_rksv if rule is RKSV else _verifactu)(states[-1], number)
        rows.append((BOX, str(number), record))
        states.append(state)
    return rows, states[1:]


def _rksv(state: Any, number: int) -> tuple[str, Any]:
    values = {"box": BOX, "number": str(number), "time": "2027-03-14T10:00:00", "normal": number if state else 0}
    entry, after = rksv.issue(state, values, rksv.Device("AT0", "AB12", chains.KEY, chains.AES))
    return entry["jws"], after


def _verifactu(state: Any, number: int) -> tuple[str, Any]:
    values = {
        "IDEmisorFactura": "89890001K",
        "NumSerieFactura": f"{BOX}/{number}",
        "FechaExpedicionFactura": "2027-03-14",
        "TipoFactura": "F1",
        "CuotaTotal": "0.21",
        "ImporteTotal": str(number),
    }
    entry, after = verifactu.issue(state, values, "2027-03-14T10:00:00+01:00", "test")
    return encode(entry["record"]).decode(), after


def judged(rule: Rule, folder: Path, rows: list[Row], told: list[Row] | None = None) -> None:
    """Check these rows against what the tills were told."""
    with closing(sqlite3.connect(folder / "books.db")) as books:
        books.execute(TABLE)
        books.executemany("insert into entries values (?, ?, ?)", rows)
        books.commit()
    check(rule, folder / "books.db", {(box, number): {"record": record} for box, number, record in told or rows})


EVERY = pytest.mark.parametrize("rule", RULES, ids=str)


@EVERY
def test_a_whole_chain_is_right_in_whatever_order_its_rows_are(rule: Rule, tmp_path: Path) -> None:
    judged(rule, tmp_path, made(rule, range(5))[0][::-1])


@EVERY
@pytest.mark.parametrize(
    ("harmed", "why"),
    [
        pytest.param(lambda rows: rows[:2] + rows[3:], "not each receipt", id="a record is missing"),
        pytest.param(lambda rows: [*rows, rows[2]], "not each receipt", id="a record is there twice"),
        pytest.param(lambda rows: [*rows, (BOX, "7", rows[2][2])], "not each receipt", id="a receipt nobody had"),
        pytest.param(lambda rows: [*rows[:4], (BOX, "4", rows[3][2])], "not what its till got", id="another record"),
    ],
)
def test_an_export_that_is_not_what_the_tills_got_is_told(
    rule: Rule, harmed: Callable[[list[Row]], list[Row]], why: str, tmp_path: Path
) -> None:
    rows, _ = made(rule, range(5))
    with pytest.raises(AssertionError, match=why):
        judged(rule, tmp_path, harmed(rows), rows)


@EVERY
@pytest.mark.parametrize("left_out", [0, 2], ids=["its beginning", "one inside"])
def test_a_chain_that_lacks_a_record_is_told_though_the_tills_got_just_that(
    rule: Rule, left_out: int, tmp_path: Path
) -> None:
    rows, _ = made(rule, range(5))
    with pytest.raises(AssertionError, match="hang in no chain"):
        judged(rule, tmp_path, rows[:left_out] + rows[left_out + 1 :])


@EVERY
def test_two_records_that_follow_the_same_one_are_told(rule: Rule, tmp_path: Path) -> None:
    rows, states = made(rule, range(3))
    with pytest.raises(AssertionError, match="quote the same one"):
        judged(rule, tmp_path, rows + made(rule, [3], states[1])[0])


@EVERY
def test_a_receipt_that_was_signed_twice_is_told(rule: Rule, tmp_path: Path) -> None:
    rows, states = made(rule, range(3))
    ((_, _, record),), _ = made(rule, [2], states[2])
    with pytest.raises(AssertionError, match="two records of one receipt"):
        judged(rule, tmp_path, [*rows, (BOX, "3", record)])


@EVERY
def test_a_record_that_was_changed_is_told(rule: Rule, tmp_path: Path) -> None:
    rows, _ = made(rule, range(3))
    changed = rows[1][2].replace("eyJhbGciOiJFUzI1NiJ9.", "eyJhbGciOiJFUzI1NiIgfQ.").replace('"1.00"', '"2.00"')
    assert changed != rows[1][2]
    with pytest.raises((AssertionError, InvalidSignature)):
        judged(rule, tmp_path, [rows[0], (BOX, "1", changed), rows[2]])


def test_a_turnover_counter_that_does_not_add_up_is_told(tmp_path: Path) -> None:
    first, state = _rksv(None, 0)
    second, _ = _rksv({**state, "counter": 1}, 1)
    with pytest.raises(AssertionError, match="counter of BOX-1 1 is wrong"):
        judged(RKSV, tmp_path, [(BOX, "0", first), (BOX, "1", second)])
