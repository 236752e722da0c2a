"""How much more than its document an expression can give: only one that can give more is metered while it runs."""

from __future__ import annotations

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

_MANY_PROJECTIONS = 16
_LIMIT = 1_000_000


def needs_meter(tree: Node) -> bool:
    """Whether an evaluation may touch or make much more than the document holds."""
    projections = sum(isinstance(node, Project | ProjectValues | Filter) for node in walk(tree))
    return projections > _MANY_PROJECTIONS or copies(tree) > 1


def copies(node: Node) -> int:
    """At most how often one part of the document can occur in what the node gives."""
    if isinstance(node, Literal | Compare | Not):
        return 0
    if isinstance(node, MultiList | MultiDict):
        return _select(node.children)
    if isinstance(node, Chain):
        product = 1
        for part in node.parts:
            product = min(_LIMIT, product * max(1, copies(part)))
        return product
    if isinstance(node, Project | ProjectValues | Filter):
        return min(_LIMIT, max(1, copies(node.children[0])) * max(1, copies(node.children[1])))
    if isinstance(node, Or | And):
        return max(map(copies, node.children))
    if isinstance(node, Call):
        return min(_LIMIT, sum(map(copies, node.args)))
    return max([1, *map(copies, node.children)])


def _select(items: tuple[Node, ...]) -> int:
    """Different names of one object hold different parts of it, however many are selected."""
    paths: list[tuple[str, ...]] = []
    others = 0
    for item in items:
        path = _path(item)
        if path:
            paths.append(path)
        else:
            others += copies(item)
    return min(_LIMIT, others + _overlap(paths))


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
