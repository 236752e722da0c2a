"""What an expression names outside of its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.expr.nodes import Call, Compare, Literal, Node, walk
from engine.expr.signature import Function

_DATED = ("date", "moment")


@dataclass(frozen=True, slots=True)
class Reference:
    """A literal name in an expression or template.

    kind    table, param, secret, meta; schema for a literal that `meta('schema')` or `meta('type')` is compared with
    offset  where the name itself stands in the text, without its quotes
    """

    kind: str
    name: str
    offset: int
    length: int


def references(tree: Node, functions: Mapping[str, Function]) -> tuple[Reference, ...]:
    """All literal names, in the order of the text."""
    found: list[Reference] = []
    for node in walk(tree):
        if isinstance(node, Call) and node.name in functions:
            found.extend(_of_call(node, functions[node.name]))
        elif isinstance(node, Compare):
            found.extend(_of_comparison(node.left, node.right))
            found.extend(_of_comparison(node.right, node.left))
    return tuple(sorted(found, key=lambda reference: reference.offset))


def _of_call(node: Call, function: Function) -> list[Reference]:
    found = []
    for position, arg in enumerate(node.args):
        names = function.parameter(position).names if function.parameters else ""
        if names == "secret" and len(node.args) > 1:
            continue  # one of a family: which one is known only when there is an event
        if names and names != "field" and isinstance(arg, Literal) and isinstance(arg.value, str):
            found.append(Reference(names, arg.value, arg.start + 1, len(arg.value)))
    return found


def _of_comparison(side: Node, other: Node) -> list[Reference]:
    if not (
        isinstance(side, Call) and side.name == "meta" and isinstance(other, Literal) and isinstance(other.value, str)
    ):
        return []
    asked = side.args[0] if side.args else None
    if isinstance(asked, Literal) and asked.value in ("schema", "type") and "@" in other.value:
        return [Reference("schema", other.value, other.start + 1, len(other.value))]
    return []


def gives_dates(tree: Node, functions: Mapping[str, Function]) -> bool:
    """Whether a checked date can come out of the expression: it calls a function that makes one and may hand it on."""
    if isinstance(tree, Compare):
        return False
    if isinstance(tree, Call) and tree.name in functions:
        gives = functions[tree.name].gives
        if gives and {*gives} <= {"number", "yes/no"}:
            return False
    return any(
        isinstance(node, Call) and node.name in functions and {*functions[node.name].gives} & {*_DATED}
        for node in walk(tree)
    )
