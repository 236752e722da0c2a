"""Where two JSON values differ, as JSON pointers: places are named, values never."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

MOST = 10  # places that are named
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def pointer(path: Iterable[str | int]) -> str:
    """The JSON pointer of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def pointer_of(expression: str) -> str:
    """The JSON pointer of an expression that is a plain path; else the expression itself."""
    return pointer(expression.split(".")) if _PATH.fullmatch(expression) else f"`{expression}`"


def differing(first: Any, second: Any, closed: Iterable[str] = ()) -> list[str]:
    """The first `MOST` places and one more, where there are more.

    closed   plain paths (`customer.id`, `lines[].note`): what differs within is told as the place itself
    """
    shut = frozenset(tuple(path.replace("[]", "").split(".")) for path in closed)
    return list(islice((pointer(path) for path in _differing(first, second, (), shut)), MOST + 1))


def _differing(
    first: Any, second: Any, path: tuple[str | int, ...], shut: frozenset[tuple[str, ...]]
) -> Iterator[tuple[str | int, ...]]:
    if tuple(part for part in path if isinstance(part, str)) not in shut:
        if isinstance(first, dict) and isinstance(second, dict):
            for name in dict.fromkeys((*first, *second)):
                yield from _members(first, second, name, name in first and name in second, path, shut)
            return
        if isinstance(first, list) and isinstance(second, list):
            for place in range(max(len(first), len(second))):
                yield from _members(first, second, place, place < min(len(first), len(second)), path, shut)
            return
    if not _same(first, second):
        yield path


def _members(
    first: Any, second: Any, name: str | int, both: bool, path: tuple[str | int, ...], shut: frozenset[tuple[str, ...]]
) -> Iterator[tuple[str | int, ...]]:
    if both:
        yield from _differing(first[name], second[name], (*path, name), shut)
    else:
        yield (*path, name)


def _same(first: Any, second: Any) -> bool:
    """Numbers by value, whatever they are written as; nothing else is like a number."""
    numbers = isinstance(first, int | Decimal) and isinstance(second, int | Decimal)
    if isinstance(first, bool) or isinstance(second, bool) or not numbers:
        return type(first) is type(second) and bool(first == second)
    return bool(first == second)


def told(places: Sequence[str]) -> str:
    """Places as a sentence has them: `/total, /note and more`."""
    more = " and more" if len(places) > MOST else ""
    return ", ".join(place or "the whole" for place in places[:MOST]) + more
