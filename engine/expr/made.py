"""Numbers that an expression makes: what they come to is data, so it must be one that can be read again as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.core.jsonx import over_caps
from engine.expr.functions import FunctionTable
from engine.expr.nodes import Call, Compare, Node, walk
from engine.expr.paths import Closure
from engine.expr.signature import Function
from engine.expr.values import Refused

REASON = "number-too-long"
_NO_NUMBERS = frozenset({"text", "yes/no", "date", "moment"})


def makes_numbers(tree: Node, functions: Mapping[str, Function]) -> bool:
    """Whether a number that was not in the document may be in what the expression gives."""
    if isinstance(tree, Compare):
        return False
    return any(isinstance(node, Call) and _makes(node.name, functions.get(node.name)) for node in walk(tree))


def _makes(name: str, function: Function | None) -> bool:
    if function is None or "number" in function.gives or name == "sum_by":
        return True
    if function.gives and {*function.gives} <= _NO_NUMBERS:
        return False
    return FunctionTable.builtin().get(name) is not function  # a plugin's; ours hand on what they are given


def readable(run: Closure) -> Closure:
    """The closure, refusing numbers past the caps of JSON from outside."""

    def checked(value: Any, env: Any) -> Any:
        found = run(value, env)
        _check(found)
        return found

    return checked


def _check(value: Any) -> None:
    kind = type(value)
    if kind is int or kind is Decimal:
        wrong = over_caps(value)
        if wrong:
            raise Refused(f"{wrong}; round it, or make it text", "limit-exceeded", REASON, function="")
    elif kind is list:
        for item in value:
            _check(item)
    elif kind is dict:
        for item in value.values():
            _check(item)
