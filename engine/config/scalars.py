"""What a plain YAML scalar means here: JSON's words and JSON's numbers, everything else is text.

`NO`, `on`, `yes`, `True`, `0042`, `010`, `12:30`, `2026-01-01`, `1_000`, `0x1F`, `+49891234`, `.5` are text. `1e3` is
the number 1000 as in JSON and YAML 1.2; an identifier of that form has to be quoted.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

MAX_DIGITS: Final = 40

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:(\.[0-9]+)?([eE][+-]?[0-9]+)?)")
_WORDS: Final[dict[str, bool | None]] = {"null": None, "~": None, "": None, "true": True, "false": False}
_NUMBER_STARTS: Final = frozenset("-0123456789")


class NumberOutOfRange(ValueError):
    """A number no amount or quantity needs: more digits, or a larger exponent, than JSON input may have."""


def resolve(text: str) -> str | int | Decimal | bool | None:
    """The value of an unquoted scalar. Raises NumberOutOfRange."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if len(text) > MAX_DIGITS + 10:
        raise NumberOutOfRange(text)
    if match[1] is None and match[2] is None:
        return int(text)
    try:
        value = Decimal(text)
    except InvalidOperation:  # an exponent past what a Decimal can have
        raise NumberOutOfRange(text) from None
    if abs(value.adjusted()) > MAX_DIGITS:
        raise NumberOutOfRange(text)
    return int(value) if match[1] is None and value == value.to_integral_value() else value
