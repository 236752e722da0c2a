"""What keeps a template small while it renders: the sandbox stops neither memory nor CPU."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from jinja2 import Undefined

from engine.core import money
from engine.expr.functions.text import written
from engine.expr.limits import MAX_DIGITS, fits
from engine.expr.values import NUMBERS, TEXTS, Refused, described

MAX_ROUNDS = 100_000  # of all loops together
SECONDS = 1.0
_CHECK_EVERY = 256


class Budget:
    """Rounds and time left for one rendering."""

    __slots__ = ("deadline", "env", "rounds")

    def __init__(self, env: Any) -> None:
        self.env = env
        self.rounds = 0
        self.deadline = time.monotonic() + SECONDS

    def spend(self) -> None:
        """One round of a loop. Raises Refused `template-limit` when rounds or time are used up."""
        self.rounds += 1
        if self.rounds > MAX_ROUNDS:
            raise limit(f"loops more than {MAX_ROUNDS:,} times")
        if self.rounds % _CHECK_EVERY == 0:
            self.in_time()

    def in_time(self) -> None:
        """Raises Refused when the time is used up."""
        if time.monotonic() > self.deadline:
            raise limit(f"takes more than {SECONDS:g} s")


budget: ContextVar[Budget] = ContextVar("budget")


def limit(detail: str) -> Refused:
    """The error of a rendering that grew too large."""
    return Refused(detail, "limit-exceeded", "template-limit")


def rounds(items: Any) -> Iterator[Any]:
    """The items of a loop, each paid for. Lists, and the names of an object."""
    if isinstance(items, Undefined):
        items._fail_with_undefined_error()
    if type(items) not in (list, tuple, dict) and not isinstance(items, Iterator):
        raise Refused(f"a loop goes over a list, not over {described(items)}")
    paying = budget.get()
    for item in items:
        paying.spend()
        yield item


def joined(*parts: Any) -> str:
    """`a ~ b`."""
    texts = [written(part) for part in parts]
    fits(sum(map(len, texts)))
    return "".join(texts)


def exact_number(text: str) -> Decimal:
    """A decimal number that stands in a template."""
    return Decimal(text)


def calculate(operator: str, left: Any, right: Any) -> Any:
    """Exact arithmetic on numbers; `+` also joins texts. Raises Refused for anything else, and for huge numbers."""
    if operator == "+" and type(left) in TEXTS and type(right) in TEXTS:
        fits(len(left) + len(right))
        return left + right
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        raise Refused(f"{operator} works on numbers, not on {described(left)} and {described(right)}")
    if operator in ("/", "//", "%") and right == 0:
        raise Refused("cannot divide by zero", "invalid-value")
    return small(_OPERATORS[operator](left, right))


def _remainder(left: money.Amount, right: money.Amount) -> money.Amount:
    return money.subtract(left, money.multiply(_whole(left, right), right))


def _whole(left: money.Amount, right: money.Amount) -> money.Amount:
    return (
        left // right
        if type(left) is int and type(right) is int
        else money.rounded(money.divide(left, right), 0, "floor")
    )


_OPERATORS: dict[str, Any] = {
    "+": money.add,
    "-": money.subtract,
    "*": money.multiply,
    "/": money.divide,
    "//": _whole,
    "%": _remainder,
}


def small(number: Any) -> Any:
    """The number, or Refused past MAX_DIGITS digits."""
    huge = number.bit_length() > MAX_DIGITS * 4 if type(number) is int else abs(number.adjusted()) > MAX_DIGITS
    if huge:
        raise limit(f"makes a number of more than {MAX_DIGITS} digits")
    return number


def signed(operator: str, value: Any) -> Any:
    """`-a` and `+a`."""
    if type(value) not in NUMBERS:
        raise Refused(f"{operator} works on numbers, not on {described(value)}")
    return money.negate(value) if operator == "-" else value
