"""Kinds of values an expression works on, and how an evaluation says no."""

from __future__ import annotations

from decimal import Decimal
from types import NoneType
from typing import Any


class DateText(str):
    """A calendar day that was checked, `YYYY-MM-DD`. Text order is date order; leaves an expression as plain text."""

    __slots__ = ()


class MomentText(str):
    """A moment that was checked, UTC, `YYYY-MM-DDTHH:MM:SS.ffffffZ`. Text order is time order."""

    __slots__ = ()


TEXTS = frozenset({str, DateText, MomentText})
NUMBERS = frozenset({int, Decimal})

KINDS: dict[type, str] = {
    str: "text",
    int: "number",
    Decimal: "number",
    bool: "yes/no",
    list: "list",
    dict: "object",
    NoneType: "null",
    DateText: "date",
    MomentText: "moment",
}

_WITH_ARTICLE = {
    "text": "text",
    "number": "a number",
    "yes/no": "yes/no",
    "list": "a list",
    "object": "an object",
    "null": "nothing",
    "date": "a date",
    "moment": "a moment",
}


def kind(value: Any) -> str:
    """The kind of a value: text, number, yes/no, list, object, null, date, moment."""
    return KINDS.get(type(value), type(value).__name__)


def described(value: Any) -> str:
    """The kind with its article. Never the value itself: it may be private."""
    name = kind(value)
    return _WITH_ARTICLE.get(name, name)


def a(kind_name: str) -> str:
    """A kind's name with its article."""
    return _WITH_ARTICLE.get(kind_name, kind_name)


class Refused(Exception):
    """An evaluation that gives no value. Callers of an Expr never see it: it becomes a Permanent.

    error     JMESPath's word for it: invalid-type, invalid-value, limit-exceeded
    function  where it happened: empty outside of functions, None until the call around it has said
    """

    def __init__(
        self, detail: str, error: str = "invalid-type", reason: str = "expression-failed", function: str | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.error = error
        self.reason = reason
        self.function = function

    def __str__(self) -> str:
        return f"{self.function}(): {self.detail}" if self.function else self.detail


def same(left: Any, right: Any) -> bool:
    """JMESPath's equality: 1 and 1.0 are equal, 1 and true are not, at every depth."""
    a_type, b_type = type(left), type(right)
    if a_type is list:
        return b_type is list and len(left) == len(right) and all(map(same, left, right))
    if a_type is dict:
        if b_type is not dict or left.keys() != right.keys():
            return False
        return all(same(item, right[name]) for name, item in left.items())
    if (a_type is bool) != (b_type is bool):
        return False
    return bool(left == right)


def undated(value: Any) -> Any:
    """The value with dates and moments as plain text, copying only what changes."""
    if type(value) is str:
        return value
    if type(value) is list:
        return [undated(item) for item in value]
    if type(value) is dict:
        return {name: undated(item) for name, item in value.items()}
    return str(value) if type(value) in (DateText, MomentText) else value
