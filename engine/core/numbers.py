"""Exact numbers: int and Decimal only. A float is a defect wherever it turns up."""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

# 120 digits hold every sum and product of numbers as they come in (see jsonx.MAX_DIGITS). What would still need more is
# an error, decimal.Inexact, and never rounded in silence; so are the three signals every context traps.
EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Decimal context of every calculation: 120 digits, and decimal.Inexact raised where digits would be rounded away."""


def is_number(value: object) -> bool:
    """True for int and Decimal; yes/no values are not numbers."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def plain(value: int | Decimal) -> str:
    """Shortest plain text of a number: 1.50 -> `1.5`, 1E+3 -> `1000`, -0.0 -> `0`. Equal numbers give equal text."""
    if isinstance(value, int):
        return str(value)
    if not value.is_finite():
        raise InvalidOperation(f"{value} is not a finite number")
    text = format(value.normalize(EXACT), "f")
    return "0" if text == "-0" else text
