"""Amounts as fiscal rules write them: exact, with two decimals, never rounded in silence."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from engine.sdk import EXACT, is_number

_WRITTEN = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)


def amount(value: Any) -> Decimal:
    """A number, or text such as `123.1`, as it is. Raises ValueError."""
    if is_number(value):
        made = Decimal(value)
        if made.is_finite():
            return made
    elif isinstance(value, str) and _WRITTEN.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise ValueError("it is no amount; write digits with a decimal point: 123.10")


def _with_places(exact: Decimal, places: int) -> str | None:
    """The amount with so many decimals; None where digits would be lost."""
    try:
        made = exact.quantize(Decimal(1).scaleb(-places), context=EXACT)
    except ArithmeticError:
        return None
    return format(abs(made) if made == 0 else made, "f")


def two_places(value: Any) -> str:
    """`123.1` -> `123.10`, with the sign of a negative one. Raises ValueError where a third decimal would be lost."""
    exact = amount(value)
    made = _with_places(exact, 2)
    if made is None:
        raise ValueError(f"{str(exact)[:40]} has more than two decimals; round it where the tax is calculated")
    return made


def cents(value: Any) -> int:
    """The amount in cents. Raises ValueError as `two_places` does."""
    return int(two_places(value).replace(".", ""))


def spellings(value: Any) -> list[str]:
    """Every way this amount may have been written: as it stands, and with none, one or two decimals."""
    text = format(value, "f") if isinstance(value, Decimal) else str(value).strip()
    try:
        exact = amount(value)
    except ValueError:
        return [text]
    forms = (_with_places(exact, places) for places in (2, 1, 0))
    return list(dict.fromkeys([text, *(form for form in forms if form is not None)]))
