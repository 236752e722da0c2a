"""Exact numbers: nothing is rounded in silence, and equal numbers are written alike."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest

from engine.core.errors import Permanent
from engine.core.jsonx import MAX_DIGITS, encode, over_caps, parse
from engine.core.money import add
from engine.core.numbers import EXACT, plain

LARGEST, SMALLEST = Decimal(f"1E+{MAX_DIGITS}"), Decimal(f"1E-{MAX_DIGITS}")


def test_every_two_numbers_that_come_in_have_an_exact_sum_and_product() -> None:
    longest = Decimal("9" * MAX_DIGITS)
    assert EXACT.subtract(EXACT.add(LARGEST, SMALLEST), LARGEST) == SMALLEST
    assert EXACT.multiply(longest, longest) == int(longest) ** 2
    assert add(LARGEST, SMALLEST) == EXACT.add(LARGEST, SMALLEST)


@pytest.mark.parametrize("big", [Decimal("1E+200"), Decimal("1" * 130)])
def test_what_does_not_fit_is_an_error(big: Decimal) -> None:
    with pytest.raises(decimal.Inexact):
        EXACT.add(big, SMALLEST)
    with pytest.raises(decimal.InvalidOperation):
        EXACT.add(Decimal("sNaN"), Decimal(1))


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.50", "1.5"), ("1E+3", "1000"), ("-0.0", "0"), ("-0.10", "-0.1"), ("9007199254740993", "9007199254740993")],
)
def test_equal_numbers_are_written_alike(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text
    assert plain(7) == "7"
    with pytest.raises(decimal.InvalidOperation):
        plain(Decimal("NaN"))


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("9" * 40, True),
        ("9" * 41, False),
        ("9" * 4_000, False),
        ("9" * 19 + "." + "9" * 30, True),
        ("9" * 20 + "." + "9" * 30, False),
        ("1E+40", True),
        ("1E+41", False),
        ("1E-40", True),
        ("1E-41", False),
    ],
)
def test_a_number_is_over_the_caps_when_the_reader_of_json_refuses_what_is_written(
    sign: str, text: str, fits: bool
) -> None:
    number = int(sign + text) if text.isdigit() else Decimal(sign + text)
    assert (over_caps(number) == "") is fits
    if fits:
        assert parse(encode(number)) == number
    else:
        with pytest.raises(Permanent, match="bad-json"):
            parse(sign + text)


def test_a_decimal_without_a_fraction_counts_as_a_whole_number() -> None:
    assert over_caps(Decimal("9" * 40)) == ""
    assert over_caps(Decimal("9" * 41)) == "a number has 41 digits; at most 40 are accepted"
