"""Whether a secret can come out of an expression or template: what they make is written down, a secret never is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jinja2 import nodes as jinja

from engine.expr.errors import ExpressionError, Where
from engine.expr.nodes import Call, Compare, Filter, Literal, Node, Not
from engine.expr.signature import Function, Parameter
from engine.expr.template_text import place

_ANSWERS = frozenset({"number", "yes/no"})
_SCALARS = _ANSWERS | {"text", "date", "moment"}
_WRITES = frozenset({"to_string"})  # takes anything and gives it as text


def given_secret(tree: Node, functions: Mapping[str, Function]) -> Call | None:
    """The first call in the text whose secret may be in what the expression gives."""
    if isinstance(tree, Compare | Not):
        return None
    if isinstance(tree, Filter):
        return given_secret(tree.base, functions) or given_secret(tree.each, functions)
    if not isinstance(tree, Call):
        return next(filter(None, (given_secret(child, functions) for child in tree.children)), None)
    function = functions.get(tree.name)
    if function is not None and _is_source(function):
        return tree
    handed = (arg for at, arg in enumerate(tree.args) if function is None or _hands_on(function, at))
    return next(filter(None, (given_secret(arg, functions) for arg in handed)), None)


def _is_source(function: Function) -> bool:
    """It gives the secret it names; one that names a secret and gives text, number or yes/no has used it."""
    return not function.gives and any(parameter.names == "secret" for parameter in function.parameters)


def _hands_on(function: Function, position: int) -> bool:
    """Whether what is passed at a position may be in the result, or can never be passed there at all."""
    if not function.gives or not {*function.gives} <= _SCALARS:
        return True
    if {*function.gives} <= _ANSWERS or not function.parameters:
        return False
    return function.name in _WRITES or not _takes_anything(function.parameter(position))


def _takes_anything(parameter: Parameter) -> bool:
    """A function that takes anything and gives a text takes secrets knowingly: a signature, a hash."""
    return parameter.accepted is None and not (parameter.lazy or parameter.per_item)


def secret_error(call: Call) -> ExpressionError:
    """The error of an expression that gives a secret as data."""
    return _error(_named(call), Where(offset=call.at, length=call.end - call.at))


def _named(call: Call) -> str:
    name = call.args[0] if call.args else None
    return name.value if isinstance(name, Literal) and isinstance(name.value, str) else ""


def _error(name: str, where: Where) -> ExpressionError:
    what = f"the secret `{name}`" if name else "a secret"
    advice = f"name it in the connection that needs it: ${{secret.{name or '<name>'}}}; here it can only be asked about"
    return ExpressionError(
        "TF2045", f"{what} would become part of the data, which is written down", **where, help=advice
    )


def printed_secrets(tree: jinja.Template, functions: Mapping[str, Function]) -> Iterator[ExpressionError]:
    """An error for each secret that a template may print."""
    for child in tree.iter_child_nodes():
        yield from _printed(child, functions)


def _printed(node: jinja.Node, functions: Mapping[str, Function]) -> Iterator[ExpressionError]:
    if isinstance(node, jinja.Compare | jinja.Test | jinja.Not):
        return
    if isinstance(node, jinja.Call) and isinstance(node.node, jinja.Name) and node.node.name in functions:
        yield from _printed_call(node, node.node.name, functions)
        return
    asked = node.test if isinstance(node, jinja.If | jinja.CondExpr | jinja.For) else None
    for child in node.iter_child_nodes():
        if child is not asked:
            yield from _printed(child, functions)


def _printed_call(call: jinja.Call, name: str, functions: Mapping[str, Function]) -> Iterator[ExpressionError]:
    function = functions[name]
    if _is_source(function):
        first = call.args[0] if call.args else None
        named = str(first.value) if isinstance(first, jinja.Const) and isinstance(first.value, str) else ""
        yield _error(named, place(name))
        return
    for position, arg in enumerate(call.args):
        if _hands_on(function, position):
            yield from _printed(arg, functions)
