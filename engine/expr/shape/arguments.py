"""Arguments of functions, judged by what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.expr.errors import ExpressionError
from engine.expr.nearest import nearest
from engine.expr.nodes import Call, Chain, Field, Literal, MultiList, Node, Project, Ref
from engine.expr.shape import judge
from engine.expr.shape.model import UNKNOWN, Shape
from engine.expr.shape.results import result
from engine.expr.signature import Function, Parameter
from engine.expr.values import KINDS

if TYPE_CHECKING:
    from engine.expr.shape.check import Checker

_SUMS = ("sum",)
_SKIPPING = ("sum", "avg", "min", "max", "join")
_ADDS_UP = ("money_sum", "sum_by")
_CONDITIONS = ("every", "some")


def _kinds(types: frozenset[type]) -> set[str]:
    return {KINDS[python] for python in types if python in KINDS}


class ArgumentChecks:
    """The part of a Checker that looks at calls."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker

    def call(self, node: Call, scope: Shape) -> Shape:
        """Check the arguments; what is known of the result."""
        function = self.checker.functions.get(node.name)
        if function is None:
            return UNKNOWN
        items = self._items(node, scope)
        shapes: list[tuple[Node, Shape]] = []
        for position, arg in enumerate(node.args):
            parameter = function.parameter(position)
            shape = self._argument(function, parameter, arg, scope, items)
            shapes.append((arg, shape))
        self._skips(node)
        return result(function, shapes, self.checker.known)

    def _items(self, node: Call, scope: Shape) -> Shape:
        """The elements of the list among the arguments: what `&expression` and names of fields belong to."""
        for arg in node.args:
            if not isinstance(arg, Ref | Literal):
                before = len(self.checker.errors)
                shape = self.checker.shape_of(arg, scope)
                del self.checker.errors[before:]  # the walk over the arguments finds them again
                if shape.can_be("list"):
                    return shape.item().sure()
        return UNKNOWN

    def _argument(self, function: Function, parameter: Parameter, arg: Node, scope: Shape, items: Shape) -> Shape:
        if isinstance(arg, Ref):
            if function.name in _CONDITIONS:
                self.checker.condition(arg.item, items)
            return self.checker.shape_of(arg.item, items)
        if function.name == "if" and parameter.name == "condition":
            self.checker.condition(arg, scope)
            return Shape.of("yes/no")
        shape = self.checker.shape_of(arg, scope)
        if parameter.names and isinstance(arg, Literal) and isinstance(arg.value, str):
            self._name(function, parameter, arg, items)
        elif not self._elements(function, parameter, arg, scope):
            self._kind(function, parameter, arg, shape)
        return shape

    def _name(self, function: Function, parameter: Parameter, arg: Literal, items: Shape) -> None:
        if parameter.names == "field":
            self._field(function, parameter, arg, items)

    def _field(self, function: Function, parameter: Parameter, arg: Literal, items: Shape) -> None:
        shape, offset = items, arg.start + 1
        for name in arg.value.split("."):
            if not shape.has(name):
                close = nearest(name, shape.fields)
                advice = f"did you mean `{close}`?" if close else "there are: " + ", ".join(shape.fields)
                self.checker.errors.append(
                    ExpressionError(
                        "TF2020",
                        f"the elements have no `{name}`",
                        offset=offset,
                        length=len(name),
                        help=advice,
                        suggestion=close,
                    )
                )
                return
            shape = shape.at(name)
            offset += len(name) + 1
        if function.name in _ADDS_UP and parameter.name == "field" and not shape.can_be("number"):
            self._error(
                "TF2012", f"`{arg.value}` is {judge.named(shape.kinds)}, {function.name}() adds up numbers", arg
            )

    def _elements(self, function: Function, parameter: Parameter, arg: Node, scope: Shape) -> bool:
        """Judge each part of a list that is written out. True when there was one."""
        if parameter.elements is None or not isinstance(arg, MultiList):
            return False
        accepted = _kinds(parameter.elements)
        for item in arg.items:
            before = len(self.checker.errors)
            shape = self.checker.shape_of(item, scope)
            del self.checker.errors[before:]
            self._fits(function, parameter, item, shape, accepted)
        return True

    def _kind(self, function: Function, parameter: Parameter, arg: Node, shape: Shape) -> None:
        if parameter.accepted is None:
            return
        if self._fits(function, parameter, arg, shape, _kinds(parameter.accepted)) and parameter.elements is not None:
            item = shape.item()
            if item.known and item.kinds.isdisjoint(_kinds(parameter.elements)):
                wanted = " or ".join(sorted(_kinds(parameter.elements) - {"date", "moment"}))
                self._error(
                    "TF2012",
                    f"{function.name}() takes a list of {wanted}; the elements are {judge.named(item.kinds)}",
                    arg,
                )

    def _fits(self, function: Function, parameter: Parameter, arg: Node, shape: Shape, accepted: set[str]) -> bool:
        written = judge.source(self.checker.text, arg)
        if shape.known and shape.kinds.isdisjoint(accepted):
            cure = _cure(shape, accepted)
            self._error(
                "TF2012",
                f"`{written}` is {judge.named(shape.kinds)}; {function.name}() takes {_wanted(accepted)} here",
                arg,
                f"write {cure}({written})" if cure else f"write {function.usage}",
                f"{cure}({written})" if cure else "",
            )
            return False
        if shape.maybe and not parameter.nullable:
            self._error(
                "TF2044",
                f"`{written}` may be missing, and {function.name}() fails without it",
                arg,
                "give a value with coalesce(.., ..), or make it `required` in the schema",
            )
        return True

    def _skips(self, node: Call) -> None:
        """A projection leaves out elements that give nothing; a sum over it is too small and nobody sees it."""
        for arg in node.args:
            if node.name not in _SKIPPING or not isinstance(arg, Project) or not _names(arg.each):
                continue
            skipped = self.checker.skipping.get(id(arg))
            if node.name in _SUMS or (skipped is not None and skipped.maybe):
                self._skip(node, arg)

    def _skip(self, node: Call, arg: Project) -> None:
        field = ".".join(_names(arg.each))
        items = judge.source(self.checker.text, arg.base)
        items = items.removesuffix("[]").removesuffix("[*]")
        suggestion = f"money_sum({items}, '{field}')" if node.name in _SUMS else ""
        self._error(
            "TF2040",
            f"{node.name}() over `{judge.source(self.checker.text, arg)}` silently skips an element without `{field}`",
            node,
            f"write {suggestion}, which fails instead"
            if suggestion
            else "make it `required` in the schema, or use map(&.., ..)",
            suggestion,
        )

    def _error(self, code: str, message: str, node: Node, help: str = "", suggestion: str = "") -> None:
        self.checker.error(code, message, node, help, suggestion)


def _names(each: Node) -> Sequence[str]:
    parts = each.parts if isinstance(each, Chain) else (each,)
    return [part.name for part in parts if isinstance(part, Field)] if all(isinstance(p, Field) for p in parts) else []


def _wanted(accepted: set[str]) -> str:
    return " or ".join(sorted(accepted - {"date", "moment", "null"} if "text" in accepted else accepted - {"null"}))


def _cure(shape: Shape, accepted: set[str]) -> str:
    if "text" in accepted and shape.kinds <= {"number", "yes/no"}:
        return "text"
    if "number" in accepted and shape.kinds == {"text"}:
        return "number"
    if "yes/no" in accepted and shape.kinds == {"text"}:
        return "is_true"
    return ""
