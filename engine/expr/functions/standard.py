"""The functions of the JMESPath specification, exact with Decimal.

Annotated with what the specification allows; checks that depend on two arguments at once are made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from engine.core import jsonx, money
from engine.expr.limits import fits, made_text, size
from engine.expr.types import Anything, ExpressionArg, List, Number, Numbers, Object, Text, Texts
from engine.expr.values import NUMBERS, TEXTS, Refused, described, kind, same, undated

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
_TYPES = {"text": "string", "yes/no": "boolean", "list": "array", "date": "string", "moment": "string"}


def abs_(value: Number) -> Number:
    """The number without its sign.

    abs(`-1.50`) -> 1.50
    """
    return money.absolute(value)


def avg(values: Numbers) -> Number | None:
    """The average of a list of numbers; null for an empty list. Exact up to 34 digits.

    avg([`1.10`, `1.20`]) -> 1.15
    """
    return money.divide(money.total(values), len(values)) if values else None


def ceil(value: Number) -> Number:
    """The next whole number up.

    ceil(`1.01`) -> 2
    """
    return int(Decimal(value).to_integral_value(ROUND_CEILING))


def floor(value: Number) -> Number:
    """The next whole number down.

    floor(`1.99`) -> 1
    """
    return int(Decimal(value).to_integral_value(ROUND_FLOOR))


def contains(subject: List | Text, search: Anything) -> bool:
    """Whether a list has an element equal to the second argument, or a text contains it.

    contains('abc', 'b') -> true
    contains(['EUR', 'CHF'], 'USD') -> false
    """
    if type(subject) is list:
        return any(same(item, search) for item in subject)
    return type(search) in TEXTS and search in subject


def starts_with(subject: Text, prefix: Text) -> bool:
    """Whether the text begins with the other.

    starts_with('0012-03', '0012') -> true
    """
    return subject.startswith(prefix)


def ends_with(subject: Text, suffix: Text) -> bool:
    """Whether the text ends with the other.

    ends_with('sale.xml', '.xml') -> true
    """
    return subject.endswith(suffix)


def join(glue: Text, parts: Texts) -> Text:
    """The texts of a list, joined.

    join('-', ['0012', '03', '1001']) -> "0012-03-1001"
    """
    if len(parts) > 100:
        fits(len(glue) * len(parts) + sum(map(len, parts)))
    return made_text(glue.join(parts))


def keys(value: Object) -> Texts:
    """The names of an object, in its order.

    keys({a: `1`, b: `2`}) -> ["a", "b"]
    """
    return list(value)


def values(value: Object) -> List:
    """The values of an object, in its order.

    values({a: `1`, b: `2`}) -> [1, 2]
    """
    return list(value.values())


def length(value: Text | List | Object) -> Number:
    """Characters of a text, elements of a list, names of an object.

    length(['a', 'b']) -> 2
    """
    return len(value)


def map_(expression: ExpressionArg, items: List) -> List:
    """The expression applied to each element; unlike a projection it keeps nulls, so nothing is left out.

    map(&sku, [{sku: 'A'}, {no: `2`}]) -> ["A", null]
    """
    return [expression(item) for item in items]


def merge(first: Object, *others: Object) -> Object:
    """One object with the names of all; the last one wins.

    merge({a: `1`, b: `1`}, {b: `2`}) -> {"a": 1, "b": 2}
    """
    result = dict(first)
    for other in others:
        result.update(other)
    return result


def not_null(first: Anything, *others: Anything) -> Anything:
    """The first argument that is not null.

    not_null(`null`, 'A') -> "A"
    """
    return next((value for value in (first, *others) if value is not None), None)


def reverse(value: List | Text) -> List | Text:
    """The list or text backwards.

    reverse([`1`, `2`]) -> [2, 1]
    """
    return value[::-1]


def sum_(values: Numbers) -> Number:
    """The exact sum of a list of numbers. For amounts of lines use money_sum(list, 'field'): it misses nothing.

    sum([`0.10`, `0.20`]) -> 0.30
    """
    if values and type(values[0]) is int:
        result = sum(values)
        if type(result) is int:
            return result
    return money.total(values)


def to_array(value: Anything) -> List:
    """A list as it is, anything else as a list of one.

    to_array('A') -> ["A"]
    """
    return value if type(value) is list else [value]


def to_number(value: Anything) -> Number | None:
    """The number a text holds, exactly; null when it holds none. number() fails instead.

    to_number('1.50') -> 1.50
    to_number('x') -> null
    """
    if type(value) in NUMBERS:
        return value  # type: ignore[no-any-return]
    if type(value) not in TEXTS or len(value) > jsonx.MAX_DIGITS + 10:
        return None
    match = _JSON_NUMBER.fullmatch(value)
    if match is None:
        return None
    return Decimal(value) if match[2] or match[3] else int(value)


def to_string(value: Anything) -> Text:
    """A text as it is, anything else as JSON.

    to_string(`1.50`) -> "1.50"
    """
    if type(value) in TEXTS:
        return str(value)
    size(value)
    return made_text(jsonx.encode(undated(value)).decode())


def type_(value: Anything) -> Text:
    """JMESPath's name of the kind of a value: string, number, boolean, array, object, null.

    type(`1.50`) -> "number"
    """
    name = kind(value)
    return _TYPES.get(name, name)


def _ordered(values: list[Any]) -> list[Any]:
    """The values, which must be all numbers or all text to have an order."""
    kinds = {*map(type, values)}
    if kinds <= NUMBERS or kinds <= TEXTS:
        return values
    wrong = next((v for v in values if type(v) not in NUMBERS | TEXTS), None)
    if wrong is None and None not in values:
        raise Refused("the list mixes numbers and text, which have no order")
    raise Refused(f"the list has {described(wrong)} in it, which has no order; numbers or text only")


def sort(values: List) -> List:
    """A list of numbers or of text in ascending order.

    sort([`2`, `1.5`]) -> [1.5, 2]
    """
    return sorted(_ordered(values))


def max_(values: List) -> Number | Text | None:
    """The largest of a list of numbers or of text; null for an empty list.

    max([`2`, `1.5`]) -> 2
    """
    return max(_ordered(values), default=None)


def min_(values: List) -> Number | Text | None:
    """The smallest of a list of numbers or of text; null for an empty list.

    min([`2`, `1.5`]) -> 1.5
    """
    return min(_ordered(values), default=None)


def _by(items: list[Any], expression: Callable[[Any], Any]) -> list[tuple[Any, int]]:
    """(key, position) of each item; the position keeps the order of equal keys."""
    found = [expression(item) for item in items]
    _ordered(found)
    return [(key, position) for position, key in enumerate(found)]


def sort_by(items: List, expression: ExpressionArg) -> List:
    """The list in ascending order of what the expression gives for each element; equal ones keep their order.

    sort_by([{no: `2`}, {no: `1`}], &no) -> [{"no": 1}, {"no": 2}]
    """
    return [items[position] for _, position in sorted(_by(items, expression))]


def max_by(items: List, expression: ExpressionArg) -> Anything:
    """The element with the largest value of the expression; null for an empty list.

    max_by([{no: `1`}, {no: `2`}], &no) -> {"no": 2}
    """
    return max(zip(_by(items, expression), items, strict=True), key=lambda pair: pair[0][0], default=(None, None))[1]


def min_by(items: List, expression: ExpressionArg) -> Anything:
    """The element with the smallest value of the expression; null for an empty list.

    min_by([{no: `1`}, {no: `2`}], &no) -> {"no": 1}
    """
    return min(zip(_by(items, expression), items, strict=True), key=lambda pair: pair[0][0], default=(None, None))[1]


FUNCTIONS = (
    abs_,
    avg,
    ceil,
    contains,
    ends_with,
    floor,
    join,
    keys,
    length,
    map_,
    max_,
    max_by,
    merge,
    min_,
    min_by,
    not_null,
    reverse,
    sort,
    sort_by,
    starts_with,
    sum_,
    to_array,
    to_number,
    to_string,
    type_,
    values,
)
