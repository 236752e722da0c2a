"""What a template may be made of, checked before it is compiled, and the rewriting that puts the guards in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import nodes

from engine.expr.calls import check_arity, check_literal
from engine.expr.errors import ExpressionError
from engine.expr.filters import FILTERS, TESTS
from engine.expr.guards import MAX_ROUNDS
from engine.expr.nearest import nearest
from engine.expr.nodes import Literal
from engine.expr.sandbox import JOINED, NUMBER, ROUNDS
from engine.expr.signature import Function
from engine.expr.template_text import Placed, WrittenNumber, place

MAX_PARTS = 5_000
MAX_LOOPS = 3  # inside each other
FUNCTION = "tillflow__call__"

_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign),
    *(nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.List, nodes.Tuple),
    *(nodes.Filter, nodes.Test, nodes.Call, nodes.Keyword, nodes.Compare, nodes.Operand, nodes.And, nodes.Or),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.UnaryExpr),
    *(nodes.CondExpr, nodes.Concat),
)
_WORDS = {
    "assignblock": "{% set %} around a block",
    "callblock": "call",
    "filterblock": "filter around a block",
    "pow": "**",
    "dict": "an object written out",
}
_RESERVED = frozenset({"self", "super", "caller", "varargs", "kwargs"})
_TESTS = frozenset({*TESTS, "eq", "ne", "lt", "le", "gt", "ge"})


def check(tree: nodes.Template, functions: Mapping[str, Function]) -> None:
    """Raises ExpressionError TF2502 to TF2508 for what a template must not do."""
    _Rules(functions).visit(tree, 0, 1)


class _Rules:
    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.functions = functions
        self.parts = 0
        self.last = Placed.at("", 0, 1)

    def visit(self, node: nodes.Node, loops: int, turns: int) -> None:
        """Check a node inside so many loops, which run so often together as far as that is written out."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise ExpressionError("TF2502", f"the template has more than {MAX_PARTS:,} parts", length=0)
        if not isinstance(node, _ALLOWED):
            raise self._refused(node)
        rule = getattr(self, f"_{type(node).__name__.lower()}", None)
        if rule is not None:
            rule(node)
        if isinstance(node, nodes.For):
            loops, turns = loops + 1, turns * _written_rounds(node.iter)
        if loops > MAX_LOOPS:
            raise ExpressionError("TF2506", f"more than {MAX_LOOPS} loops inside each other", **place(self.last))
        if turns > MAX_ROUNDS:
            raise ExpressionError("TF2506", f"these loops run more than {MAX_ROUNDS:,} times", **place(self.last))
        for child in node.iter_child_nodes():
            self.visit(child, loops, turns)

    def _refused(self, node: nodes.Node) -> ExpressionError:
        word = type(node).__name__.lower()
        placed = [value for _, value in node.iter_fields() if isinstance(value, Placed)]
        placed += [child.value for child in node.find_all(nodes.Const) if isinstance(child.value, Placed)]
        placed += [child.name for child in node.find_all(nodes.Name) if isinstance(child.name, Placed)]
        return ExpressionError(
            "TF2503",
            f"{_WORDS.get(word, word)} is not available in templates",
            **place(placed[0] if placed else self.last),
            help="a template has {{ .. }}, if, for and set",
        )

    def _name(self, node: nodes.Name) -> None:
        self.last = node.name  # type: ignore[assignment]
        if node.name.startswith("_") or node.name.startswith("tillflow__") or node.name in _RESERVED:
            raise ExpressionError("TF2504", f"the name `{node.name}` is not available in templates", **place(node.name))

    def _getattr(self, node: nodes.Getattr) -> None:
        self.last = node.attr  # type: ignore[assignment]
        if node.attr.startswith("_"):
            raise ExpressionError("TF2504", f"`{node.attr}` is not part of the data", **place(node.attr))

    def _for(self, node: nodes.For) -> None:
        if node.recursive:
            raise ExpressionError("TF2503", "recursive loops are not available in templates", **place(self.last))

    def _assign(self, node: nodes.Assign) -> None:
        listed = isinstance(node.node, nodes.List | nodes.Tuple) or any(node.node.find_all((nodes.List, nodes.Tuple)))
        if isinstance(node.target, nodes.Name):
            self._name(node.target)
        if listed or not isinstance(node.target, nodes.Name):
            raise ExpressionError(
                "TF2503",
                "set gives one name one value that is not a list",
                **place(self.last),
                help="lists come from the data",
            )

    def _filter(self, node: nodes.Filter) -> None:
        self._known("filter", node.name, frozenset(FILTERS))

    def _test(self, node: nodes.Test) -> None:
        self._known("test", node.name, _TESTS)

    def _known(self, what: str, name: str, known: frozenset[str]) -> None:
        self.last = name  # type: ignore[assignment]
        if name not in known:
            close = nearest(name, known)
            advice = f"did you mean `{close}`?" if close else "there are: " + ", ".join(sorted(known))
            raise ExpressionError(
                "TF2507", f"there is no {what} `{name}`", **place(name), help=advice, suggestion=close
            )

    def _call(self, node: nodes.Call) -> None:
        if not isinstance(node.node, nodes.Name):
            name = getattr(node.node, "attr", self.last)
            close = nearest(str(name), FILTERS)
            raise ExpressionError(
                "TF2505",
                "values have no methods to call in templates",
                **place(name),
                help=f"use the filter: | {close}" if close else "use a filter or a function",
                suggestion=close,
            )
        function = self.functions.get(node.node.name)
        if function is None:
            raise self._no_function(node.node.name)
        self._arguments(node, function, node.node.name)

    def _no_function(self, name: str) -> ExpressionError:
        close = nearest(name, self.functions)
        advice = f"did you mean {self.functions[close].usage}?" if close else ""
        return ExpressionError("TF2508", f"there is no function `{name}`", **place(name), help=advice, suggestion=close)

    def _arguments(self, node: nodes.Call, function: Function, name: str) -> None:
        where = place(name)
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise ExpressionError(
                "TF2508", f"{name}() takes its arguments in order, without names", **where, help=function.usage
            )
        if any(p.per_item for p in function.parameters):
            raise ExpressionError("TF2508", f"{name}() takes an &expression, which only expressions have", **where)
        try:
            check_arity(function, len(node.args), 0)
            for position, arg in enumerate(node.args):
                self._literal(function, position, arg, name)
        except ExpressionError as error:
            raise ExpressionError(
                "TF2508", error.message, **where, help=error.help, suggestion=error.suggestion
            ) from None

    def _literal(self, function: Function, position: int, arg: nodes.Expr, name: str) -> None:
        parameter = function.parameter(position)
        if isinstance(arg, nodes.Const) and not isinstance(arg.value, float):
            value = str(arg.value) if isinstance(arg.value, str) else arg.value
            check_literal(function, parameter, Literal(0, 1, value))
        elif parameter.literal:
            raise ExpressionError("TF2508", f"argument `{parameter.name}` of {name}() must be written out in quotes")


def _written_rounds(items: nodes.Node) -> int:
    """How often a loop over `range(n)` runs; 1 when that is not written out."""
    if (
        isinstance(items, nodes.Call)
        and isinstance(items.node, nodes.Name)
        and items.node.name == "range"
        and items.args
    ):
        count = items.args[0]
        return max(1, count.value) if isinstance(count, nodes.Const) and type(count.value) is int else 1
    return 1


def rewrite(tree: nodes.Template, functions: Mapping[str, Function]) -> set[str]:
    """Put the guards in: loops counted, `~` capped, numbers exact, calls to our functions. Gives the names called."""
    called: set[str] = set()
    _rewrite(tree, functions, called)
    return called


def _rewrite(node: nodes.Node, functions: Mapping[str, Function], called: set[str]) -> Any:
    for name, value in node.iter_fields():
        if isinstance(value, list):
            value[:] = [_rewrite(item, functions, called) if isinstance(item, nodes.Node) else item for item in value]
        elif isinstance(value, nodes.Node):
            setattr(node, name, _rewrite(value, functions, called))
    if isinstance(node, nodes.For):
        node.iter = _guarded(ROUNDS, [node.iter], node)
    elif isinstance(node, nodes.Concat):
        return _guarded(JOINED, list(node.nodes), node)
    elif isinstance(node, nodes.Const) and isinstance(node.value, WrittenNumber):
        return _guarded(NUMBER, [nodes.Const(node.value.text, lineno=node.lineno, environment=node.environment)], node)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in functions:
        called.add(str(node.node.name))
        node.node.name = FUNCTION + node.node.name
    return node


def _guarded(name: str, args: list[Any], near: nodes.Node) -> nodes.Call:
    where = {"lineno": near.lineno, "environment": near.environment}
    return nodes.Call(nodes.Name(name, "load", **where), args, [], None, None, **where)
