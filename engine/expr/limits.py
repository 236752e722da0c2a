"""Caps of expressions and templates, and the meter that enforces them while an expression runs."""

from __future__ import annotations

from typing import Any

from engine.expr.values import Refused

MAX_TEXT = 4 * 1024  # characters of one expression
MAX_DEPTH = 64  # levels of brackets and calls inside each other
MAX_LEVELS = 128  # levels of the syntax tree; the compliance suite chains 104 projections
MAX_NODES = 50_000  # values in one result
MAX_WORK = 1_000_000  # values touched while making it
MAX_MADE_TEXT = 256 * 1024  # characters of one text a function or template makes
MAX_DIGITS = 120  # digits of one number


def too_many() -> Refused:
    """The error for a result that grew past MAX_NODES."""
    return Refused(f"makes more than {MAX_NODES:,} values", "limit-exceeded")


def size(value: Any, limit: int = MAX_NODES) -> int:
    """Number of values in a document, each reference to a shared part counted. Raises Refused past `limit`."""
    count, waiting = 0, [value]
    while waiting:
        current = waiting.pop()
        count += 1
        if type(current) is list:
            waiting.extend(current)
        elif type(current) is dict:
            waiting.extend(current.values())
        if count + len(waiting) > limit:
            raise too_many()
    return count


def fits(length: int) -> None:
    """Raises Refused when a text about to be made is too long."""
    if length > MAX_MADE_TEXT:
        raise Refused(f"makes a text of more than {MAX_MADE_TEXT:,} characters", "limit-exceeded")


def made_text(text: str) -> str:
    """The text, or Refused when it is too long."""
    fits(len(text))
    return text


class Meter:
    """The work budget of one evaluation of an expression that can give more than it was given."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_WORK

    def spend(self, work: int) -> None:
        """Take `work` from the budget. Raises Refused when it is used up."""
        self.left -= work
        if self.left < 0:
            raise Refused(f"touches more than {MAX_WORK:,} values", "limit-exceeded")

    def made(self, value: Any) -> Any:
        """Pay for a value made from parts that may be shared."""
        self.spend(size(value))
        return value
