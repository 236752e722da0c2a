"""Lists: first and last, distinct, grouping by a field."""

from __future__ import annotations

from typing import Any

from engine.core import money as exact
from engine.core.quoting import short
from engine.expr.functions.money import field_of, whole
from engine.expr.functions.text import written
from engine.expr.limits import MAX_NODES, too_many
from engine.expr.types import Anything, FieldName, List, Number, Object
from engine.expr.values import NUMBERS, Refused, described, same


def first(items: List) -> Anything:
    """The first element, null for an empty list.

    first(['A', 'B']) -> "A"
    """
    return items[0] if items else None


def last(items: List) -> Anything:
    """The last element, null for an empty list.

    last(['A', 'B']) -> "B"
    """
    return items[-1] if items else None


def distinct(items: List) -> List:
    """The list with each value once, in the order they first come.

    distinct(['A', 'B', 'A']) -> ["A", "B"]
    """
    simple: set[tuple[type, Any]] = set()
    kept: list[Any] = []
    structured: list[Any] = []
    for item in items:
        if type(item) in (list, dict):
            if len(structured) * len(items) > MAX_NODES * 20:
                raise too_many()
            if any(same(item, other) for other in structured):
                continue
            structured.append(item)
        else:
            mark = (bool if type(item) is bool else object, item)
            if mark in simple:
                continue
            simple.add(mark)
        kept.append(item)
    return kept


def flatten(items: List) -> List:
    """The list with lists inside it dissolved at every depth.

    flatten([[`1`, [`2`]], `3`]) -> [1, 2, 3]
    """
    result: list[Any] = []
    waiting = list(reversed(items))
    while waiting:
        item = waiting.pop()
        if type(item) is list:
            waiting.extend(reversed(item))
        else:
            result.append(item)
        if len(result) + len(waiting) > MAX_NODES:
            raise too_many()
    return result


def index_by(items: List, field: FieldName) -> Object:
    """An object with the elements of a list under the text of one of their fields. A repeat is an error.

    index_by([{sku: 'A', qty: `1`}], 'sku') -> {"A": {"sku": "A", "qty": 1}}
    """
    result: dict[str, Any] = {}
    for position, item in enumerate(items, 1):
        name = written(field_of(item, field, position))
        if name in result:
            raise Refused(f"element {position} has the same `{short(field)}` as one before it", "invalid-value")
        result[name] = item
    return result


def group_by(items: List, field: FieldName) -> Object:
    """An object with lists of the elements that have the same text in a field, in the order they first come.

    group_by([{c: 'A'}, {c: 'B'}, {c: 'A'}], 'c') -> {"A": [{"c": "A"}, {"c": "A"}], "B": [{"c": "B"}]}
    """
    result: dict[str, Any] = {}
    for position, item in enumerate(items, 1):
        result.setdefault(written(field_of(item, field, position)), []).append(item)
    return result


def sum_by(items: List, by: FieldName, field: FieldName) -> Object:
    """An object with the exact sum of a field for each text of another. An element without one of them is an error.

    sum_by([{code: 'A', net: `1.10`}, {code: 'A', net: `2.20`}], 'code', 'net') -> {"A": 3.30}
    """
    result: dict[str, Any] = {}
    for position, item in enumerate(items, 1):
        amount = field_of(item, field, position)
        if type(amount) not in NUMBERS:
            raise Refused(f"`{field}` of element {position} is {described(amount)}, not a number")
        name = written(field_of(item, by, position))
        result[name] = exact.add(result.get(name, 0), amount)
    return result


def zip_(left: List, right: List) -> List:
    """Pairs of two lists of the same length.

    zip(['A', 'B'], [`1`, `2`]) -> [["A", 1], ["B", 2]]
    """
    if len(left) != len(right):
        raise Refused("the lists have different lengths", "invalid-value")
    return [[a, b] for a, b in zip(left, right, strict=True)]


def range_(count: Number, start: Number = 0) -> List:
    """Whole numbers in a row, at most 10,000.

    range(`3`) -> [0, 1, 2]
    """
    wanted = whole(count)
    if not 0 <= wanted <= 10_000:
        raise Refused("gives 0 to 10,000 numbers", "limit-exceeded")
    return list(range(whole(start), whole(start) + wanted))


FUNCTIONS = (first, last, distinct, flatten, index_by, group_by, sum_by, zip_, range_)
