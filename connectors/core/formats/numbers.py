"""Numbers as people and machines write them, as exact Decimals."""

from __future__ import annotations

import re
from decimal import Decimal

_PLAIN = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,30})?|\.[0-9]{1,30})")
_TRAILING = re.compile(r"(.*[0-9])\s*-")


def number(text: str, decimal: str = ".", thousands: str = "") -> Decimal:
    """`1.234,50` with decimal `,` and thousands `.` -> Decimal("1234.50"). A trailing minus is read too.

    Raises ValueError that says what is wrong; a thousands separator in an odd place is wrong.
    """
    stripped = text.strip().replace("\u2212", "-")
    if trailing := _TRAILING.fullmatch(stripped):
        stripped = f"-{trailing[1]}"
    if thousands and thousands in stripped:
        grouped = rf"[+-]?[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+({re.escape(decimal)}[0-9]*)?"
        if not re.fullmatch(grouped, stripped):
            raise ValueError(f"{text!r} is not a number: `{thousands}` does not stand between groups of three")
        stripped = stripped.replace(thousands, "")
    if decimal != ".":
        if "." in stripped:
            raise ValueError(f"{text!r} is not a number written with a decimal `{decimal}`")
        stripped = stripped.replace(decimal, ".")
    if not _PLAIN.fullmatch(stripped):
        raise ValueError(f"{text!r} is not a number")
    return Decimal(stripped)


def is_numeric(text: str) -> bool:
    """True for text that a spreadsheet reads as a number, with a point or a comma."""
    return bool(re.fullmatch(r"[+-]?[0-9]+([.,][0-9]+)*", text.strip()))
