"""Telling that YAML cut an expression in two: at a comma, a bracket or a colon of a list written on one line."""

from __future__ import annotations

import re
from typing import Final

_INTERESTING: Final = re.compile(r"[('\"`]")
_QUOTES: Final = frozenset("'\"`")


def is_cut_short(text: str) -> bool:
    """True when a quote or parenthesis is opened and not closed. An apostrophe inside or after a word opens nothing."""
    if _INTERESTING.search(text) is None:
        return False
    depth, quote = 0, ""
    for position, char in enumerate(text):
        if quote:
            if char == quote and text[position - 1] != "\\":
                quote = ""
        elif char in _QUOTES:
            if position == 0 or not text[position - 1].isalnum():
                quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
    return depth > 0 or bool(quote)
