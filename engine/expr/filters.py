"""The filters and tests a template may use: a short list, each capped and exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from jinja2 import Undefined, pass_context

from engine.core import jsonx, money
from engine.expr.functions import dates, lists, standard
from engine.expr.functions import text as texts
from engine.expr.functions.money import field_of, whole
from engine.expr.limits import fits, made_text, size
from engine.expr.values import NUMBERS, TEXTS, Refused, described, undated

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def _of_text(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of text as a filter: numbers are written first, anything else is refused."""

    def run(value: Any, *args: Any) -> Any:
        _there(value)
        return function(texts.written(value), *args)

    return run


def _of_number(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(value: Any, *args: Any) -> Any:
        _there(value)
        if type(value) not in NUMBERS:
            raise Refused(f"needs a number, this is {described(value)}")
        return function(value, *args)

    return run


def _there(value: Any) -> None:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()


def default(value: Any, otherwise: Any = "") -> Any:
    """The value, or the other one when it is missing or null."""
    return otherwise if value is None or isinstance(value, Undefined) else value


def join(items: Any, glue: str = "", attribute: str = "") -> str:
    """The elements of a list, joined; with a name, that field of each element."""
    parts = [texts.written(item) for item in _list(field(items, attribute) if attribute else items)]
    fits(len(glue) * len(parts) + sum(map(len, parts)))
    return glue.join(parts)


def _list(items: Any) -> list[Any]:
    _there(items)
    if type(items) not in (list, tuple):
        raise Refused(f"needs a list, this is {described(items)}")
    return list(items)


def field(items: Any, attribute: str) -> list[Any]:
    """One field of every element; an element without it is an error."""
    return [field_of(item, attribute, position) for position, item in enumerate(_list(items), 1)]


def total(items: Any, attribute: str = "") -> money.Amount:
    """The exact sum of a list of numbers, or of one field of every element."""
    amounts = field(items, attribute) if attribute else _list(items)
    wrong = next((item for item in amounts if type(item) not in NUMBERS), 0)
    if type(wrong) not in NUMBERS:
        raise Refused(f"adds up numbers, the list has {described(wrong)} in it")
    return money.total(amounts)


def length(value: Any) -> int:
    """Elements of a list, names of an object, characters of a text."""
    _there(value)
    if type(value) in (list, tuple, dict) or type(value) in TEXTS:
        return len(value)
    raise Refused(f"{described(value)} has no length")


def rounded(value: money.Amount, places: Any = 2, mode: str = "half_up") -> money.Amount:
    """The number with so many decimal places."""
    return money.rounded(value, whole(places), mode)


def pairs(value: Any) -> list[list[Any]]:
    """[name, value] of everything in an object, for loops."""
    _there(value)
    if type(value) is not dict:
        raise Refused(f"needs an object, this is {described(value)}")
    return [[name, inner] for name, inner in value.items()]


def as_json(value: Any) -> str:
    """The value as JSON, numbers exact."""
    _there(value)
    size(value)
    return made_text(jsonx.encode(undated(value)).decode())


def escaped(text: str) -> str:
    """Text for HTML and XML."""
    return made_text("".join(_ESCAPES.get(char, char) for char in text))


def url_part(text: str) -> str:
    """Text as one part of an address."""
    return made_text(quote(text, safe=""))


FILTERS: dict[str, Callable[..., Any]] = {
    "default": default,
    "join": join,
    "sum": total,
    "map": lambda items, attribute: field(items, attribute),
    "length": length,
    "count": length,
    "first": lambda items: lists.first(_list(items)),
    "last": lambda items: lists.last(_list(items)),
    "sort": lambda items: standard.sort(_list(items)),
    "unique": lambda items: lists.distinct(_list(items)),
    "reverse": lambda items: list(reversed(_list(items))),
    "items": pairs,
    "round": _of_number(rounded),
    "abs": _of_number(money.absolute),
    "tojson": as_json,
    "e": _of_text(escaped),
    "escape": _of_text(escaped),
    "urlencode": _of_text(url_part),
    "string": _of_text(str),
    "number": _of_text(texts.number),
    "upper": _of_text(str.upper),
    "lower": _of_text(str.lower),
    "title": _of_text(str.title),
    "capitalize": _of_text(str.capitalize),
    "trim": _of_text(str.strip),
    "replace": _of_text(texts.replace),
    "truncate": _of_text(texts.truncate),
    "pad_left": _of_text(texts.pad_left),
    "pad_right": _of_text(texts.pad_right),
    "date": _of_text(dates.format_date),
    "format_number": _of_number(texts.format_number),
}

TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None,
    "number": lambda value: type(value) in NUMBERS,
    "string": lambda value: type(value) in TEXTS,
    "boolean": lambda value: type(value) is bool,
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "in": lambda value, items: value in items,
    "odd": lambda value: _whole_number(value) % 2 == 1,
    "even": lambda value: _whole_number(value) % 2 == 0,
    "divisibleby": lambda value, by: _whole_number(value) % _whole_number(by) == 0,
}


def _whole_number(value: Any) -> int:
    if type(value) not in NUMBERS:
        raise Refused(f"needs a whole number, this is {described(value)}")
    return whole(value)


@pass_context  # asking for the context keeps Jinja from evaluating constants while it compiles
def printed(context: Any, value: Any) -> str:
    """What `{{ value }}` prints. Numbers keep their digits; missing, null, lists, objects and secrets are errors."""
    _there(value)
    if value is None:
        raise Refused("prints a value that is null; write {{ .. | default('') }}")
    return texts.written(value)
