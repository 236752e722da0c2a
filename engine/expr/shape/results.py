"""What is known of the result of a function, from what is known of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from engine.expr.nodes import Literal, Node
from engine.expr.shape.known import Known
from engine.expr.shape.model import UNKNOWN, Shape
from engine.expr.signature import Function

Arguments = Sequence[tuple[Node, Shape]]

_TEXT_FACTS = ("id", "type", "schema", "source", "subject", "day", "region", "route")


def literal(value: Any) -> Shape:
    """What is known of a value that stands in the expression."""
    if value is None:
        return replace(UNKNOWN, maybe=True)
    if isinstance(value, bool):
        return Shape.of("yes/no")
    if isinstance(value, str):
        return Shape.of("text")
    if isinstance(value, list):
        element = reduce(Shape.union, map(literal, value)) if value else UNKNOWN
        return replace(Shape.of_list(element), least=len(value))
    if isinstance(value, dict):
        return Shape.of_object({name: literal(inner) for name, inner in value.items()})
    return Shape.of("number")


def result(function: Function, arguments: Arguments, known: Known) -> Shape:
    """What is known of what a function gives."""
    special = _SPECIAL.get(function.name)
    if special is not None and arguments:
        return special(arguments, known)
    element = Shape.of(*function.gives_elements) if function.gives_elements else None
    return Shape(kinds=frozenset(function.gives), element=element, maybe=function.gives_null)


def _named(arguments: Arguments) -> str:
    node = arguments[0][0]
    return node.value if isinstance(node, Literal) and isinstance(node.value, str) else ""


def _first_given(arguments: Arguments, known: Known) -> Shape:
    shapes = [shape for _, shape in arguments]
    found = reduce(Shape.union, [shape.sure() for shape in shapes])
    if any(isinstance(node, Literal) and node.value is None for node, _ in arguments):
        found = reduce(
            Shape.union, [s.sure() for n, s in arguments if not (isinstance(n, Literal) and n.value is None)]
        )
    return replace(found, maybe=all(shape.maybe for shape in shapes), defaulted=False)


def _row(arguments: Arguments, known: Known) -> Shape:
    return known.tables.get(_named(arguments), Shape.of("object"))


def _maybe_row(arguments: Arguments, known: Known) -> Shape:
    return replace(_row(arguments, known), maybe=True)


def _edge(arguments: Arguments, known: Known) -> Shape:
    items = arguments[0][1]
    return items.item() if items.least else replace(items.item(), maybe=True)


def _object_of(inner: Shape) -> Shape:
    return replace(Shape.of("object"), others=inner)


def _merged(arguments: Arguments, known: Known) -> Shape:
    shapes = [shape for _, shape in arguments]
    fields = {name: inner for shape in shapes for name, inner in shape.fields.items()}
    return replace(Shape.of("object"), fields=fields, open=any(shape.open for shape in shapes))


def _fact(arguments: Arguments, known: Known) -> Shape:
    return Shape.of("text") if _named(arguments) in _TEXT_FACTS else UNKNOWN


def _values(arguments: Arguments, known: Known) -> Shape:
    source = arguments[0][1]
    if source.open or not source.fields:
        return Shape.of("list")
    return Shape.of_list(reduce(Shape.union, source.fields.values()))


def _listed(arguments: Arguments, known: Known) -> Shape:
    shape = arguments[0][1]
    if not shape.known:
        return Shape.of("list")
    return shape.sure() if "list" in shape.kinds else Shape.of_list(shape)


_SPECIAL: dict[str, Callable[[Arguments, Known], Shape]] = {
    "coalesce": _first_given,
    "not_null": _first_given,
    "if": lambda arguments, known: arguments[1][1].union(arguments[2][1]),
    "lookup": _row,
    "find": _maybe_row,
    "param": lambda arguments, known: known.params.get(_named(arguments), UNKNOWN),
    "meta": _fact,
    "first": _edge,
    "last": _edge,
    "max_by": _edge,
    "min_by": _edge,
    "sort": lambda arguments, known: arguments[0][1].sure(),
    "sort_by": lambda arguments, known: arguments[0][1].sure(),
    "distinct": lambda arguments, known: arguments[0][1].sure(),
    "reverse": lambda arguments, known: arguments[0][1].sure(),
    "to_array": _listed,
    "map": lambda arguments, known: Shape.of_list(arguments[0][1]),
    "merge": _merged,
    "values": _values,
    "index_by": lambda arguments, known: _object_of(arguments[0][1].item()),
    "group_by": lambda arguments, known: _object_of(Shape.of_list(arguments[0][1].item())),
    "sum_by": lambda arguments, known: _object_of(Shape.of("number")),
}
