"""How much more than its document an expression can give: only one that can give more is metered while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from engine.expr.nodes import (
    And,
    Call,
    Chain,
    Compare,
    Field,
    Filter,
    Literal,
    MultiDict,
    MultiList,
    Node,
    Not,
    Or,
    Project,
    ProjectValues,
    walk,
)
from engine.expr.signature import Function

_MANY_PROJECTIONS = 16
_LIMIT = 1_000_000
_SCALARS = frozenset({"text", "number", "yes/no", "date", "moment"})
_ONE_OF = frozenset({"coalesce", "not_null", "if", "lookup", "find"})


def needs_meter(tree: Node, functions: Mapping[str, Function]) -> bool:
    """Whether an evaluation may touch or make much more than the document holds."""
    projections = sum(isinstance(node, Project | ProjectValues | Filter) for node in walk(tree))
    growth = _Growth(functions)
    growth.copies(tree)
    return projections > _MANY_PROJECTIONS or growth.largest > 1


class _Growth:
    """`largest` is how often one part of the document can occur in any value on the way to the result."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.functions = functions
        self.largest = 0

    def copies(self, node: Node) -> int:
        """At most how often one part of the document can occur in what the node gives."""
        found = min(_LIMIT, self._copies(node, [self.copies(child) for child in node.children]))
        self.largest = max(self.largest, found)
        return found

    def _copies(self, node: Node, children: list[int]) -> int:
        if isinstance(node, Literal | Compare | Not):
            return 0
        if isinstance(node, MultiList | MultiDict):
            return _select(node.children, children)
        if isinstance(node, Chain | Project | ProjectValues | Filter):
            return prod(max(1, count) for count in children[:2] + (children[2:] if isinstance(node, Chain) else []))
        if isinstance(node, Or | And):
            return max(children)
        if isinstance(node, Call):
            return self._call(node, children)
        return max([1, *children])

    def _call(self, node: Call, children: list[int]) -> int:
        function = self.functions.get(node.name)
        if function is not None and function.gives and {*function.gives} <= _SCALARS:
            return 0
        return max(children, default=1) if node.name in _ONE_OF else sum(children)


def _select(items: tuple[Node, ...], copies: list[int]) -> int:
    """Different names of one object hold different parts of it, however many are selected."""
    paths: list[tuple[str, ...]] = []
    others = 0
    for item, count in zip(items, copies, strict=True):
        path = _path(item)
        if path:
            paths.append(path)
        else:
            others += count
    return others + _overlap(paths)


def _path(node: Node) -> tuple[str, ...]:
    parts = node.parts if isinstance(node, Chain) else (node,)
    return (
        tuple(part.name for part in parts if isinstance(part, Field))
        if all(isinstance(p, Field) for p in parts)
        else ()
    )


def _overlap(paths: list[tuple[str, ...]]) -> int:
    """The largest number of paths that lead to or through one place."""
    return max(
        (sum(path[: len(other)] == other or other[: len(path)] == path for other in paths) for path in paths), default=0
    )
