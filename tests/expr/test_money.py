"""Exact arithmetic and rounding by currency."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest

from engine.core import money


@pytest.mark.parametrize(
    ("amount", "mode", "expected"),
    [
        ("2.345", "half_up", "2.35"),
        ("-2.345", "half_up", "-2.35"),
        ("2.345", "half_even", "2.34"),
        ("2.355", "half_even", "2.36"),
        ("2.345", "half_down", "2.34"),
        ("2.341", "up", "2.35"),
        ("2.349", "down", "2.34"),
        ("-2.341", "ceiling", "-2.34"),
        ("-2.341", "floor", "-2.35"),
        ("2", "half_up", "2.00"),
        ("-0.001", "half_up", "0.00"),
    ],
)
def test_rounding(amount: str, mode: str, expected: str) -> None:
    assert str(money.rounded(Decimal(amount), 2, mode)) == expected


@pytest.mark.parametrize(
    ("currency", "units", "amount"),
    [("JPY", 500, "500"), ("EUR", 1234, "12.34"), ("KWD", 1234, "1.234"), ("CLF", 12345, "1.2345")],
)
def test_minor_units_there_and_back(currency: str, units: int, amount: str) -> None:
    assert str(money.from_minor(units, currency)) == amount
    assert money.to_minor(Decimal(amount), currency) == units


def test_every_currency_has_places_and_an_unknown_one_is_an_error() -> None:
    assert len(money.MINOR_UNITS) > 150
    assert all(len(code) == 3 and code.isupper() and 0 <= places <= 4 for code, places in money.MINOR_UNITS.items())
    with pytest.raises(ValueError, match="ISO 4217"):
        money.places_of("eur")


def test_cash_rounding() -> None:
    assert [str(money.rounded_to(Decimal(a), Decimal("0.05"))) for a in ("12.42", "12.43", "-12.43", "12")] == [
        "12.40", "12.45", "-12.45", "12.00",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="above zero"):
        money.rounded_to(1, 0)


def test_results_do_not_depend_on_the_decimal_context_of_the_thread() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        assert money.add(Decimal("1234567.89"), 1) == Decimal("1234568.89")
        assert money.multiply(Decimal("1234567.89"), 3) == Decimal("3703703.67")
        assert money.negate(Decimal("1234567.89")) == Decimal("-1234567.89")
        assert money.absolute(Decimal("-1234567.89")) == Decimal("1234567.89")
        assert str(money.rounded(Decimal("1234567.895"))) == "1234567.90"
        assert money.total([Decimal("1234567.89")] * 3) == Decimal("3703703.67")


def test_ints_stay_ints() -> None:
    assert (
        type(money.add(1, 2))
        is type(money.multiply(2, 3))
        is type(money.divide(6, 3))
        is type(money.total([1, 2]))
        is int
    )
    assert money.divide(7, 2) == Decimal("3.5")


def test_what_does_not_fit_exactly_is_an_error() -> None:
    with pytest.raises(decimal.Inexact):
        money.add(Decimal("1e100"), Decimal("1e-100"))
