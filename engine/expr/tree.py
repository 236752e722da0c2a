"""jmespath's tree of dictionaries -> our typed nodes: chains flat, depth checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.expr.errors import ExpressionError
from engine.expr.limits import MAX_LEVELS
from engine.expr.nodes import (
    And,
    Call,
    Chain,
    Compare,
    Current,
    Field,
    Filter,
    Flatten,
    Index,
    Literal,
    MultiDict,
    MultiList,
    Node,
    Not,
    Or,
    Project,
    ProjectValues,
    Ref,
    Slice,
)

Tree = dict[str, Any]

_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_CHAINED = ("subexpression", "index_expression", "pipe")


def build(tree: Tree, depth: int = 0) -> Node:
    """The typed node of a tree. Raises ExpressionError TF2009 when it is nested too deep."""
    start, end = _span(tree)
    if depth > MAX_LEVELS:
        raise ExpressionError(
            "TF2009",
            f"the expression is nested deeper than {MAX_LEVELS} levels",
            offset=start,
            help="split it: `set` a part first",
        )
    kind = tree["type"]
    if kind in _CHAINED:
        return _chain(tree, start, end, depth)
    if kind in ("or_expression", "and_expression"):
        items = tuple(build(part, depth + 1) for part in _flat(tree, (kind,)))
        return Or(start, end, items) if kind == "or_expression" else And(start, end, items)
    return _BUILDERS[kind](tree, start, end, depth + 1)


def _flat(tree: Tree, kinds: tuple[str, ...]) -> list[Tree]:
    """The parts of a chain that leans to the left, in order, without recursion."""
    parts: list[Tree] = []
    while tree["type"] in kinds:
        parts.extend(reversed(tree["children"][1:]))
        tree = tree["children"][0]
    parts.append(tree)
    parts.reverse()
    return parts


def _chain(tree: Tree, start: int, end: int, depth: int) -> Node:
    parts: list[Node] = []
    for part in _flat(tree, _CHAINED):
        if part["type"] == "identity":
            continue
        node = build(part, depth)
        parts.extend(node.parts if isinstance(node, Chain) else (node,))
    return parts[0] if len(parts) == 1 else Chain(start, end, tuple(parts))


def _span(tree: Tree) -> tuple[int, int]:
    if "span" in tree:
        return tree["span"]  # type: ignore[no-any-return]
    children = [_span(child) for child in tree["children"] if isinstance(child, dict)]
    places = [place for place in children if place != (0, 0)]
    return (min(p[0] for p in places), max(p[1] for p in places)) if places else (0, 0)


def _field(tree: Tree, start: int, end: int, depth: int) -> Node:
    return Field(start, end, tree["value"], tree["at"], tree["width"], tree.get("quoted", False))


def _pair(make: Callable[..., Node]) -> Callable[[Tree, int, int, int], Node]:
    return lambda tree, start, end, depth: make(start, end, *(build(child, depth) for child in tree["children"]))


def _multi_dict(tree: Tree, start: int, end: int, depth: int) -> Node:
    names = tuple(pair["value"] for pair in tree["children"])
    return MultiDict(start, end, names, tuple(build(pair["children"][0], depth) for pair in tree["children"]))


_BUILDERS: dict[str, Callable[[Tree, int, int, int], Node]] = {
    "field": _field,
    "current": lambda tree, start, end, depth: Current(start, end),
    "identity": lambda tree, start, end, depth: Current(start, end),
    "literal": lambda tree, start, end, depth: Literal(start, end, tree["value"]),
    "index": lambda tree, start, end, depth: Index(start, end, tree["value"]),
    "slice": lambda tree, start, end, depth: Slice(start, end, tuple(tree["children"])),
    "flatten": _pair(Flatten),
    "projection": _pair(Project),
    "value_projection": _pair(ProjectValues),
    "filter_projection": _pair(Filter),
    "not_expression": _pair(Not),
    "expref": _pair(Ref),
    "comparator": lambda tree, start, end, depth: Compare(
        start, end, _OPERATORS[tree["value"]], *(build(child, depth) for child in tree["children"])
    ),
    "multi_select_list": lambda tree, start, end, depth: MultiList(
        start, end, tuple(build(child, depth) for child in tree["children"])
    ),
    "multi_select_dict": _multi_dict,
    "function_expression": lambda tree, start, end, depth: Call(
        start, end, tree["value"], tree["at"], tuple(build(child, depth) for child in tree["children"])
    ),
}
