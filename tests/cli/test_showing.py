"""What commands print of files and events: nothing in it steers a terminal; JSON tells it exactly."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.cli.status import _show_status, _to_the_cent
from tests.cli.conftest import Tillflow

EVIL = "day\x1b]0;owned\x07\n2026.csv"
SHOWN = r"day\x1b]0;owned\x07\n2026.csv"
ITEM: dict[str, Any] = {
    "id": "ab12", "level": "event", "state": "open", "created": "2026-03-14T09:20:00Z", "attempts": 1, "note": EVIL,
    "route": EVIL, "sink": EVIL, "reason": EVIL, "detail": EVIL, "owner": EVIL, "search": {"file": EVIL, EVIL: "1"},
    "headers": {"h-file": EVIL, "h-line": "3"}, "data": {EVIL: EVIL}, "body": EVIL,
}  # fmt: skip
LINE = {
    "at": "2026-03-14T09:20:00.000000Z", "trace": EVIL, "route": EVIL, "what": "received", "sink": EVIL, "attempt": 0,
    "detail": EVIL, "event_type": "sale", "keys": {"file": EVIL},
}  # fmt: skip
ANSWERS = {
    "work list": ("work", {"items": [ITEM]}),
    "work show ab12": ("work", ITEM),
    "trace x": ("trace", {"entries": [LINE], "effects": [], "work": [ITEM]}),
}


@pytest.mark.parametrize("command", ANSWERS)
def test_control_characters_are_shown(
    tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    module, answer = ANSWERS[command]
    monkeypatch.setattr(f"engine.cli.{module}.ask", lambda *_, **__: answer)

    people = tillflow(*command.split(), "--project", project)
    program = tillflow(*command.split(), "--project", project, "--format", "json")

    assert people.code == program.code == 0, people
    assert SHOWN in people.out
    assert not [c for c in people.out if not c.isprintable() and c != "\n"]
    if command != "work show ab12":  # its body is a text of several lines
        assert not any(line.startswith("2026.csv") for line in people.out.splitlines())
    assert program.json == answer


def test_an_error_shows_them_too(tillflow: Tillflow, project: Path) -> None:
    said = tillflow("validate", "no\x1b[2Jsuch.yaml", "--project", project)
    assert said.code == 2
    assert r"no\x1b[2Jsuch.yaml does not exist" in said.err and "\x1b" not in said.err


# --- status ----------------------------------------------------------------------------------------------------------


def status(capsys: pytest.CaptureFixture[str], **more: Any) -> str:
    _show_status(defaultdict(list, {"running": True, "state": "running", "revision": "0537cd268788", **more}))
    return capsys.readouterr().out


PLAIN = [{"route": "prices", "plain": True}]


def test_of_plain_routes_the_process_tells_what_it_counted(capsys: pytest.CaptureFixture[str]) -> None:
    plain = [{"route": "prices", "outcomes": {"received": 12, "applied": 24}}, {"route": "quiet", "outcomes": {}}]

    told = status(capsys, routes=PLAIN, plain=plain)

    assert "plain routes, counted since the process that answers was started" in told
    lines = [line.split() for line in told.splitlines()]
    assert ["route", "received", "applied"] in lines
    assert ["prices", "12", "24"] in lines and ["quiet", "0", "0"] in lines
    assert "Nothing was received yet" not in told


def test_where_nothing_counts_plain_routes_the_reason_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    told = status(capsys, routes=PLAIN, plain=[{"route": "prices", "outcomes": {}}])

    assert "prices: no figures, these are plain routes. A running engine counts their events" in told
    assert "Nothing was received yet" not in told


def test_a_financial_route_that_got_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing was received yet." in status(capsys, routes=[{"route": "sales", "plain": False}])


def test_status_tells_why_a_conflicting_record_is_no_work_item_among_the_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    work = [{"route": "sales", "reason": "idempotency-conflict", "state": "open", "count": 1}]

    told = " ".join(status(capsys, work=work, conflicts=[{"route": "sales", "count": 1}]).split())

    assert "sales: 1 of these are other records under the key of an event that came before; the figures count" in told


@pytest.mark.parametrize(
    ("amounts", "currency", "shown"),
    [
        (("54.9", "12"), "", ("54.90", "12.00")),
        (("54.905", "12"), "XQQ", ("54.905", "12.000")),
        (("55", "12"), "", ("55", "12")),
        (("1E+3", "0"), "", ("1000", "0")),
        (("54.9", "12"), "EUR", ("54.90", "12.00")),
        (("54", "12"), "JPY", ("54", "12")),
    ],
)
def test_amounts_of_a_line_have_as_many_decimals(
    amounts: tuple[str, ...], currency: str, shown: tuple[str, ...]
) -> None:
    assert _to_the_cent(tuple(map(Decimal, amounts)), currency) == shown
