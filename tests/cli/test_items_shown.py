"""Work items as people see them: whole ids in a narrow terminal, the place in a long document, and what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from engine.cli.output import out
from engine.cli.shown import CUT, LINES, around, show_item, show_items

ID = "ab12cd34ef56"
ITEM: dict[str, Any] = {
    "id": ID, "level": "record", "state": "open", "created": "2026-03-14T09:20:00.000000Z", "attempts": 3,
    "note": "replay by ana: again", "route": "till-sales-of-the-north", "sink": "", "reason": "corrupt-document",
    "detail": "day.csv, line 40: the header row has a column twice or without a name and more is told of it here",
    "owner": "store-systems-of-the-north", "search": {"file": "a-rather-long-name-of-a-file-2026-03-14.csv"},
    "headers": {"h-file": "day.csv", "tf-number": -1}, "data": {"line": 40, "last_try": "2026-03-14T10:00:00.000000Z"},
    "body": "\n".join(f"row {n} " + "x" * 300 for n in range(1, 101)), "failed_again": True,
    "last_try": "2026-03-14T10:00:00.000000Z", "takes": ["edit", "replay", "resolve", "discard"], "help": "",
}  # fmt: skip


@pytest.mark.parametrize("columns", [60, 80, 120, 240])
def test_ids_routes_and_reasons_are_never_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setattr("engine.cli.output.WIDE", columns)
    assert out().width == columns

    show_items([ITEM, {**ITEM, "id": "ffff00001111", "route": "x"}])

    told = capsys.readouterr().out
    first = next(line for line in told.splitlines() if line.startswith(ID))
    assert ITEM["route"] in first and ITEM["reason"] in first
    assert max(map(len, told.splitlines()[:-1])) <= max(columns, 80)
    assert "failed" in told and told.splitlines()[-1].startswith("`tillflow work show ID` tells more")


def test_owner_and_keys_are_told_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.cli.output.WIDE", 240)
    show_items([ITEM])
    told = capsys.readouterr().out
    assert ITEM["owner"] in told and "file=" in told and "2026-03-14 10:00" in told


@pytest.mark.parametrize("columns", [80, 240])
def test_a_key_of_thousands_of_characters_is_cut_in_the_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setattr("engine.cli.output.WIDE", columns)
    show_items([{**ITEM, "search": {"store": "A", "receipt": "9" * 5000}}])
    told = capsys.readouterr().out
    assert len(told.splitlines()) < 20 and told.count("9") < 2 * CUT


def test_of_a_long_document_the_lines_around_the_place_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show_item(ITEM, full=False)
    told = capsys.readouterr().out
    shown = [line for line in told.splitlines() if line.startswith("row ")]
    assert [line.split()[1] for line in shown] == [str(n) for n in range(35, 45)]
    assert all(len(line) == CUT for line in shown)
    assert "(lines 35 to 44 of 100; --full shows all)" in told

    show_item(ITEM, full=True)
    assert ITEM["body"] in capsys.readouterr().out


@pytest.mark.parametrize(("place", "first"), [(0, 1), (1, 1), (100, 91), (999, 91)])
def test_there_are_always_ten_lines(place: int, first: int) -> None:
    lines = around("\n".join(map(str, range(1, 101))), place).splitlines()
    assert lines[:LINES] == [str(n) for n in range(first, first + LINES)]


def test_a_short_text_is_shown_as_it_is() -> None:
    assert around("a,b\n1,2,3\n", 2) == "a,b\n1,2,3\n"


def test_the_next_steps_are_named_with_their_commands(capsys: pytest.CaptureFixture[str]) -> None:
    show_item({**ITEM, "help": "create the table, then replay"}, full=False)
    told = capsys.readouterr().out
    for verb in ("edit", "replay", "resolve", "discard"):
        assert f"tillflow work {verb} {ID} -r WHY" in told
    assert "help: create the table, then replay" in told
    assert "attempts  3, the last one 2026-03-14T10:00:00 UTC" in told and "failed again: day.csv" in told

    show_item({**ITEM, "state": "resolved", "takes": []}, full=False)
    assert "tillflow work" not in capsys.readouterr().out


@pytest.mark.parametrize(("state", "told"), [("rejected", True), ("past", False)])
def test_a_revision_that_made_a_request_and_was_rolled_back_is_named(
    capsys: pytest.CaptureFixture[str], state: str, told: bool
) -> None:
    show_item({**ITEM, "made_by": {"number": 3, "state": state, "problem": "5 of 5 failed"}}, full=False)

    line = "made by   revision 3, which was rolled back: 5 of 5 failed"
    assert (line in capsys.readouterr().out) is told


def test_decisions_are_told_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    edit = {"at": "2026-03-14T09:30:00.000000Z", "action": "edit", "actor": "root", "reason": "comma", "state": ""}
    vain = {**edit, "at": "2026-03-14T09:31:00.000000Z", "action": "replay", "actor": "ana", "state": "open"}
    show_item({**ITEM, "decisions": [edit, vain]}, full=False)

    told = capsys.readouterr().out
    assert "  2026-03-14 09:30:00 UTC  edit by root: comma\n" in told
    assert "  2026-03-14 09:31:00 UTC  replay by ana: comma, and it failed again\n" in told
    assert ITEM["note"] not in told, "it is the last of them"
