"""A line of the log: what is always in it, and what libraries say."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from engine.core.clock import SystemClock
from engine.logs import StderrLog, of_libraries

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
