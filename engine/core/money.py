"""Exact arithmetic on amounts, and rounding by currency (ISO 4217). int and Decimal only; never a float."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import reduce
from typing import Literal, TypeAlias

from engine.core.numbers import EXACT

Amount: TypeAlias = int | Decimal
Mode: TypeAlias = Literal["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"]

_ROUNDING = Context(prec=120, traps=[InvalidOperation, DivisionByZero, Overflow])
# What cannot be exact (1/3) has the precision of IEEE decimal128 and still passes our own JSON reader.
_DIVISION = Context(prec=34, traps=[InvalidOperation, DivisionByZero, Overflow])

_ZERO = Decimal(0)

_MODES: dict[str, str] = {
    "half_up": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "half_down": decimal.ROUND_HALF_DOWN,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
    "ceiling": decimal.ROUND_CEILING,
    "floor": decimal.ROUND_FLOOR,
}

_TWO_PLACES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN
PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_NO_PLACES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_PLACES = "BHD IQD JOD KWD LYD OMR TND"

MINOR_UNITS: dict[str, int] = {
    **dict.fromkeys(_TWO_PLACES.split(), 2),
    **dict.fromkeys(_NO_PLACES.split(), 0),
    **dict.fromkeys(_THREE_PLACES.split(), 3),
    "CLF": 4,
    "UYW": 4,
}


class AmountError(ValueError):
    """An amount, currency or rounding that cannot be. Its text holds no amount: that may be private."""


def places_of(currency: str) -> int:
    """Decimal places of a currency: JPY 0, EUR 2, KWD 3. Raises AmountError for an unknown code."""
    try:
        return MINOR_UNITS[currency]
    except KeyError:
        raise AmountError("the currency is not an ISO 4217 code like EUR") from None


def add(left: Amount, right: Amount) -> Amount:
    """Exact sum; an int when both are. Raises decimal.Inexact past 120 digits."""
    if type(left) is int and type(right) is int:
        return left + right
    return EXACT.add(left, right)


def total(amounts: Iterable[Amount]) -> Amount:
    """Exact sum of any number of amounts, an int when all are; 0 of none."""
    listed = amounts if isinstance(amounts, list | tuple) else list(amounts)
    if Decimal not in map(type, listed):
        return sum(listed)
    return reduce(EXACT.add, listed, _ZERO)


def subtract(left: Amount, right: Amount) -> Amount:
    """Exact difference."""
    if type(left) is int and type(right) is int:
        return left - right
    return EXACT.subtract(left, right)


def multiply(left: Amount, right: Amount) -> Amount:
    """Exact product. Raises decimal.Inexact past 120 digits."""
    if type(left) is int and type(right) is int:
        return left * right
    return EXACT.multiply(left, right)


def divide(left: Amount, right: Amount) -> Amount:
    """Quotient: exact where it has at most 34 digits, else rounded half even to 34. An int of ints where it is whole.

    Raises decimal.DivisionByZero or InvalidOperation for a zero divisor.
    """
    if type(left) is int and type(right) is int and right != 0 and left % right == 0:
        return left // right
    return _DIVISION.divide(Decimal(left), Decimal(right))


def negate(amount: Amount) -> Amount:
    """The amount with the other sign; a zero stays a plain zero."""
    return -amount if type(amount) is int or amount == 0 else Decimal(amount).copy_negate()


def absolute(amount: Amount) -> Amount:
    """The amount without its sign."""
    return abs(amount) if type(amount) is int else Decimal(amount).copy_abs()


def rounded(amount: Amount, places: int = 2, mode: str = "half_up") -> Decimal:
    """The amount with exactly `places` decimal places. Raises AmountError for an unknown mode or places not 0 to 12."""
    if mode not in _MODES:
        raise AmountError(f"{mode!r} is not a way of rounding; write one of {', '.join(_MODES)}")
    if not 0 <= places <= 12:
        raise AmountError(f"{places} is not a number of decimal places from 0 to 12")
    result = Decimal(amount).quantize(Decimal(1).scaleb(-places), _MODES[mode], _ROUNDING)
    return result.copy_abs() if result == 0 else result


def rounded_to(amount: Amount, step: Amount, mode: str = "half_up") -> Decimal:
    """The nearest multiple of `step` (0.05 for cash in Swiss francs), with the places of the step."""
    if step <= 0:
        raise AmountError("the step to round to must be above zero")
    steps = rounded(divide(amount, step), 0, mode)
    return EXACT.multiply(steps, Decimal(step))


def for_currency(amount: Amount, currency: str, mode: str = "half_up") -> Decimal:
    """The amount with the decimal places of its currency."""
    return rounded(amount, places_of(currency), mode)


def to_minor(amount: Amount, currency: str) -> int:
    """12.34 EUR -> 1234. Raises AmountError when the amount is finer than the currency."""
    scaled = Decimal(amount).scaleb(places_of(currency), EXACT)
    if scaled != scaled.to_integral_value():
        raise AmountError(f"the amount has more decimal places than {currency} has")
    return int(scaled)


def from_minor(units: int, currency: str) -> Decimal:
    """1234 EUR -> 12.34."""
    return Decimal(units).scaleb(-places_of(currency), EXACT)
