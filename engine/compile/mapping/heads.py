"""The first names of all paths below a node: what its expressions and templates take from their surroundings."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes as jinja

from engine.compile.mapping.nodes import ChoiceNode, EachNode, LetNode, ListNode, Node, ObjectNode, ValueNode
from engine.expr import nodes
from engine.expr.jmes import Expr
from engine.plugins.fields import ValueExpr


def heads_in(node: Node) -> set[str]:
    """Every first name; names inside projections and functions are among them, so it never misses one."""
    return {name for text in _texts(node) for name in text}


def _texts(node: Node) -> Iterator[set[str]]:
    if isinstance(node, ValueNode):
        yield from _of_value(node.value)
    elif isinstance(node, ObjectNode):
        for inner in (*node.fields.values(), *([node.choice] if node.choice else [])):
            yield from _texts(inner)
    elif isinstance(node, ListNode):
        for inner in node.items:
            yield from _texts(inner)
    elif isinstance(node, EachNode):
        yield from _of_each(node)
    elif isinstance(node, LetNode):
        for inner in (*node.values.values(), node.content):
            yield from _texts(inner)
    elif isinstance(node, ChoiceNode):
        for branch in node.branches:
            yield from ([_heads(branch.when)] if branch.when else [])
            yield from _texts(branch.content)


def _of_each(node: EachNode) -> Iterator[set[str]]:
    yield _heads(node.source)
    if node.where is not None:
        yield _heads(node.where)
    for key in node.group.by if node.group else ():
        if isinstance(key, Expr):
            yield _heads(key)
    yield from _texts(node.content)


def _of_value(value: ValueExpr) -> Iterator[set[str]]:
    if value.expr is not None:
        yield _heads(value.expr)
    if value.template is not None:
        yield {name.name for name in value.template.tree.find_all(jinja.Name)}
    for inner in (value.fields or {}).values():
        yield from _of_value(inner)


def _heads(expr: Expr) -> set[str]:
    return {node.name for node in nodes.walk(expr.tree) if isinstance(node, nodes.Field)}
