"""What a terminal would obey is shown, never sent."""

from __future__ import annotations

import json

import pytest

from engine.core.visible import visible, visible_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, caf\xe9, \u5e97, a\xa0b", "plain, caf\xe9, \u5e97, a\xa0b"),
        ("1001\nERROR", r"1001\nERROR"),
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("a\u2028b\ud800", r"a\u2028b\ud800"),
    ],
)
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_may_stay_lines() -> None:
    assert visible("a\n\tb\r", keep="\n\t") == "a\n\tb\\r"


def test_json_means_the_same() -> None:
    value = {"key\x7f": "a\u202e\x9b\U000e0001\ud800 \xe9"}
    told = visible_json(json.dumps(value, ensure_ascii=False))
    assert told.isprintable() and "\xe9" in told
    assert json.loads(told) == value


def test_the_layout_of_json_stays() -> None:
    value = {"a": ["\u202e", "\n"], "b": {}}
    told = visible_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert told.replace("\n", "").isprintable() and told.count("\n") == 6
    assert json.loads(told) == value
