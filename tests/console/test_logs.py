"""A line of the log: what is always in it, and what libraries say."""

from __future__ import annotations

import io
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from engine import logs
from engine.core.clock import SystemClock
from engine.core.errors import SettingsError
from engine.logs import StderrLog, of_libraries
from engine.settings import Settings

pytestmark = pytest.mark.anyio


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_what_always_stands_in_a_line_is_what_it_is_at_that_moment(capsys: pytest.CaptureFixture[str]) -> None:
    log, number = StderrLog(SystemClock()), 1
    log("before", {})
    log.always = lambda: {"revision": "0537cd268788", "number": number}
    log("one", {"why": "\x1b[2J 4111111111111111"})
    number = 2
    log("two", {"revision": "of another"})

    before, one, two = lines(capsys)
    assert "revision" not in before
    assert (one["revision"], one["number"], two["revision"], two["number"]) == ("0537cd268788", 1, "0537cd268788", 2)
    assert "4111111111111111" not in one["why"]


def test_no_line_of_it_can_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text = "a\nb\x1b[2J\x7f\x9b31m\u202e\u2028\U000e0001\ud800z"
    StderrLog(SystemClock())(text, {"key": text, "names of caf\xe9s": "\xe9"})

    raw = capsys.readouterr().err
    assert raw.isascii() or all(c.isprintable() for c in raw.rstrip("\n"))
    assert raw.count("\n") == 1
    line = json.loads(raw)
    assert line["text"] == line["key"] == text and line["names of caf\xe9s"] == "\xe9"


async def test_libraries_are_told_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    log = StderrLog(SystemClock())
    log.always = lambda: {"number": 7}
    library = logging.getLogger("a.library")
    async with of_libraries(log):
        library.warning("it is %s", "slow")
        library.info("nobody needs this")
        try:
            raise OSError("gone")
        except OSError:
            library.exception("it failed")
    library.critical("and later not")

    slow, failed = lines(capsys)[:2]
    assert (slow["text"], slow["part"], slow["number"]) == ("it is slow", "a.library", 7)
    assert (failed["text"], failed["why"], failed["number"]) == ("it failed", "OSError: gone", 7)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=made))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return made


FACTS = {"route": "till-sales", "why": "no such folder", "try": 3}


def test_on_a_terminal_it_is_a_line_for_people(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    log = StderrLog(SystemClock())
    log.always = lambda: {"revision": "0537cd268788", "number": 7}
    log("a source failed", FACTS)
    log("running", {"routes": 2})

    failed, running = terminal.getvalue().splitlines()
    assert failed[8:] == "Z warning till-sales       a source failed: no such folder  try=3 revision=7"
    assert running[8:] == "Z info    engine           running  routes=2 revision=7"


def test_its_colours_are_left_out_where_nobody_wants_them(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    StderrLog(SystemClock())("a source failed", FACTS)
    assert "\x1b[33m" in terminal.getvalue()
    terminal.truncate(0)
    monkeypatch.setenv("NO_COLOR", "1")
    StderrLog(SystemClock())("a source failed", FACTS)
    assert "a source failed" in terminal.getvalue() and "\x1b[33m" not in terminal.getvalue()


def test_a_line_for_people_stays_one_that_steers_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    text = "a\nb\x1b[2J[red]4111111111111111 " + "long " * 60
    StderrLog(SystemClock())(text, {"route": text, "key": text, "why": text})

    raw = terminal.getvalue()
    assert raw.count("\n") == 1 and raw.rstrip("\n").isprintable()
    assert "[red]" in raw and "4111111111111111" not in raw


def test_json_can_be_asked_for_on_a_terminal_and_lines_for_people_elsewhere(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    StderrLog(SystemClock(), "json")("a source failed", FACTS)
    line = json.loads(terminal.getvalue())
    assert (line["level"], line["text"], line["route"], line["try"]) == ("warning", "a source failed", "till-sales", 3)

    file = io.StringIO()
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=file))
    StderrLog(SystemClock(), "human")("a source failed", FACTS)
    assert "a source failed: no such folder" in file.getvalue()


def test_the_form_is_a_setting() -> None:
    assert Settings.read({}).log_format == ""
    assert Settings.read({"TILLFLOW_LOG_FORMAT": "json"}).log_format == "json"
    assert Settings.read({"TILLFLOW_LOG_FORMAT": "json"}, log_format="human").log_format == "human"
    with pytest.raises(SettingsError, match="cannot be 'xml'; it is human or json"):
        Settings.read({"TILLFLOW_LOG_FORMAT": "xml"})


def test_a_level_is_what_the_facts_say_or_follows_from_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    log = StderrLog(SystemClock())
    log("one", {})
    log("two", {"why": "x"})
    log("three", {"level": "error"})
    assert [line["level"] for line in lines(capsys)] == ["info", "warning", "error"]
