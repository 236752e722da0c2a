"""Check digits."""

from __future__ import annotations

from engine.expr.types import Text


def gs1_check_digit_ok(value: Text) -> bool:
    """Whether a GTIN, GLN or SSCC (8, 12, 13, 14, 17 or 18 digits) has the right check digit.

    gs1_check_digit_ok('8437001120048') -> true
    gs1_check_digit_ok('8437001120049') -> false
    """
    if not (value.isascii() and value.isdigit()) or len(value) not in (8, 12, 13, 14, 17, 18):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(value)))
    return weighted % 10 == 0


def luhn_ok(value: Text) -> bool:
    """Whether the digits of a text pass the Luhn check; spaces and dashes between them do not count.

    luhn_ok('4111 1111 1111 1111') -> true
    luhn_ok('4111 1111 1111 1112') -> false
    """
    digits = value.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


FUNCTIONS = (gs1_check_digit_ok, luhn_ok)
