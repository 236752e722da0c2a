"""JSON from outside: what is refused is told with its place."""

from __future__ import annotations

import pytest

from engine.core.errors import Permanent
from engine.core.jsonx import parse


@pytest.mark.parametrize(
    "raw, why",
    [
        (rb'{"a": "\ud800"}', r"line 1, column 8: \ud800 is half of a surrogate pair"),
        (b'{"a": 1,\n "\\uDBFF": 2}', r"line 2, column 3: \uDBFF is half of a surrogate pair"),
        (rb'["\\ud800 \ud83d\ude00 \udc00"]', r"line 1, column 24: \udc00 is half of a surrogate pair"),
        (rb'"\ud800\ud800\udc00"', r"line 1, column 2: \ud800 is half of a surrogate pair"),
        ('["\ud800"]', r"line 1, column 3: \ud800 is half of a surrogate pair"),
        (b'{"a": 1,\n "b": "\xed\xa0\x80"}', "line 2: byte 0xED is not UTF-8"),
    ],
)
def test_half_a_character_is_refused_with_its_place(raw: bytes | str, why: str) -> None:
    with pytest.raises(Permanent) as caught:
        parse(raw)
    assert caught.value.reason == "bad-json"
    assert caught.value.detail.startswith(why)


@pytest.mark.parametrize(
    "number", ["1e41", "-1e999999999999999999999", "1e-999999999999999999999", "0.1e9999999999999999999"]
)
def test_a_number_of_any_size_is_read_or_refused(number: str) -> None:
    with pytest.raises(Permanent, match="out of range"):
        parse(f'{{"total": {number}}}'.encode())


@pytest.mark.parametrize(
    "raw, value",
    [(rb'"\ud83d\ude00"', "\U0001f600"), (rb'"\\ud800"', r"\ud800"), (rb'"\\\ud83d\ude00"', "\\\U0001f600")],
)
def test_whole_pairs_and_backslashes_are_none(raw: bytes, value: str) -> None:
    assert parse(raw) == value
