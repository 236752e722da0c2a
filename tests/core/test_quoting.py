"""What messages quote of long texts."""

from __future__ import annotations

from engine.core.quoting import LONGEST, short


def test_a_text_that_fits_stays_and_stands_in_one_line() -> None:
    assert short("a" * LONGEST) == "a" * LONGEST
    assert short(" one\n  two\tthree ") == "one two three"
    assert short("") == ""


def test_a_long_text_keeps_its_beginning_and_says_that_more_follows() -> None:
    assert short("a" * (LONGEST + 1)) == "a" * (LONGEST - 3) + "..."
    assert short("x y " * 50_000, 20) == "x y x y x y x y x..."
    assert short("a" + " " * 10_000 + "b") == "a..."
