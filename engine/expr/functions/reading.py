"""Reading numbers out of text, exactly and strictly."""

from __future__ import annotations

import re
from decimal import Decimal

from engine.core.jsonx import MAX_DIGITS
from engine.core.quoting import short
from engine.expr.values import Refused

_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def read_number(text: str, decimal_mark: str = ".", thousands: str = "") -> int | Decimal:
    """The exact number a text holds. A trailing minus counts, thousands must stand in groups of three.

    Raises Refused; the text itself stays out of the error, it may be private.
    """
    plain = text.strip()
    if plain.endswith("-"):
        plain = "-" + plain[:-1].rstrip()
    plain = _without_groups(plain, decimal_mark, thousands)
    if decimal_mark != ".":
        if "." in plain:
            raise Refused(f"is not a number with `{short(decimal_mark)}` as decimal mark", "invalid-value")
        plain = plain.replace(decimal_mark, ".")
    if not _PLAIN.fullmatch(plain):
        raise Refused("the text is not a number", "invalid-value")
    if len(plain) > MAX_DIGITS + 2:
        raise Refused(f"the number has more than {MAX_DIGITS} digits", "invalid-value")
    return Decimal(plain) if "." in plain else int(plain)


def _without_groups(plain: str, decimal_mark: str, thousands: str) -> str:
    if not thousands:
        return plain
    if thousands == decimal_mark:
        raise Refused("the decimal mark and the thousands mark are the same", "invalid-value")
    whole, mark, fraction = plain.partition(decimal_mark)
    first, *groups = whole.split(thousands)
    if thousands in fraction or any(len(group) != 3 for group in groups) or (groups and len(first.lstrip("+-")) > 3):
        raise Refused(f"`{short(thousands)}` does not stand between groups of three digits", "invalid-value")
    return first + "".join(groups) + mark + fraction
