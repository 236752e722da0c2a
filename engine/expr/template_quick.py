"""Templates of nothing but text, paths and calls as closures: what most templates are, at a fifth of Jinja's cost.

What is missing, cannot be printed or fails is left to Jinja, which finds the words for it: a rendering changes nothing,
so it can be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from jinja2 import nodes

from engine.expr import calls
from engine.expr.errors import ExpressionError
from engine.expr.functions.text import written
from engine.expr.limits import MAX_MADE_TEXT
from engine.expr.nodes import Literal
from engine.expr.paths import Closure
from engine.expr.signature import Function, Parameter
from engine.expr.template_text import WrittenNumber

Quick: TypeAlias = Callable[[Any, Any], str | None]

MOST_PIECES = 32  # all of them are made before their length is looked at


class _NeedsJinja(Exception):
    """The template, or this rendering of it."""


def quick_template(tree: nodes.Template, functions: Mapping[str, Function]) -> Quick | None:
    """`(data, env) -> text`, or None where Jinja has to render this data; None for a template that always needs Jinja.

    The tree is one that `template_rules.check` has passed.
    """
    try:
        pieces = [_piece(node, functions) for output in tree.body for node in _nodes(output)]
    except (_NeedsJinja, ExpressionError):
        return None
    if len(pieces) > MOST_PIECES:
        return None

    def render(data: Any, env: Any) -> str | None:
        try:
            made = [piece(data, env) for piece in pieces]
        except Exception:
            return None
        return "".join(made) if sum(map(len, made)) <= MAX_MADE_TEXT else None

    return render


def _nodes(output: nodes.Node) -> list[nodes.Expr]:
    if not isinstance(output, nodes.Output):
        raise _NeedsJinja
    return output.nodes


def _piece(node: nodes.Expr, functions: Mapping[str, Function]) -> Closure:
    if isinstance(node, nodes.TemplateData):
        return calls.constant(str(node.data))
    value = _value(node, functions)

    def piece(data: Any, env: Any) -> str:
        found = value(data, env)
        return found if type(found) is str else written(found)

    return piece


def _value(node: nodes.Expr, functions: Mapping[str, Function]) -> Closure:
    if isinstance(node, nodes.Name):
        name = str(node.name)
        return lambda data, env: data[name]
    if isinstance(node, nodes.Getattr):
        return _part(_value(node.node, functions), dict, str(node.attr))
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return _item(_value(node.node, functions), _constant(node.arg))
    if isinstance(node, nodes.Const):
        return calls.constant(_constant(node))
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        return _call(node, functions[str(node.node.name)], functions)
    raise _NeedsJinja


def _item(whole: Closure, key: Any) -> Closure:
    if type(key) not in (str, int):
        raise _NeedsJinja
    return _part(whole, dict if type(key) is str else list, key)


def _part(whole: Closure, kind: Any, key: Any) -> Closure:
    def part(data: Any, env: Any) -> Any:
        found = whole(data, env)
        if type(found) is kind:
            return found[key]
        raise _NeedsJinja

    return part


def _constant(node: nodes.Const) -> Any:
    if isinstance(node.value, WrittenNumber):
        return Decimal(node.value.text)
    return str(node.value) if isinstance(node.value, str) else node.value


def _call(node: nodes.Call, function: Function, functions: Mapping[str, Function]) -> Closure:
    arguments = [
        _argument(arg, function, function.parameter(position), functions) for position, arg in enumerate(node.args)
    ]
    return calls.caller(function, arguments)


def _argument(node: nodes.Expr, function: Function, parameter: Parameter, functions: Mapping[str, Function]) -> Closure:
    if isinstance(node, nodes.Const) and not parameter.lazy:
        return calls.constant(calls.check_literal(function, parameter, Literal(0, 1, _constant(node))))
    if parameter.lazy or parameter.prepare is not None:
        raise _NeedsJinja
    closure = _value(node, functions)
    return closure if parameter.accepted is None else calls.checked(parameter, closure)
