"""Checks a template against what is known of its data: names and fields that do not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from jinja2 import nodes

from engine.expr import nodes as expressions
from engine.expr.errors import ExpressionError, Where
from engine.expr.nearest import nearest
from engine.expr.references import Reference
from engine.expr.secrecy import printed_secrets
from engine.expr.shape import judge
from engine.expr.shape.known import NOTHING_KNOWN, Known
from engine.expr.shape.model import UNKNOWN, Shape
from engine.expr.shape.results import literal, result
from engine.expr.signature import Function
from engine.expr.template_text import Placed, place

_KEEPS = ("default", "sort", "unique", "reverse")
_ITEM = ("first", "last")
_WORDS = ("true", "false", "none", "True", "False", "None")


class CheckableTemplate(Protocol):
    """What a check needs of a Template."""

    text: str
    tree: nodes.Template
    functions: Any


def check_template(template: CheckableTemplate, shape: Shape, known: Known = NOTHING_KNOWN) -> list[ExpressionError]:
    """Names the data does not have and secrets that would be printed, in the order of the text."""
    checker = _Checker(template, shape, known)
    checker.body(template.tree.body, {})
    found = [*checker.errors, *printed_secrets(template.tree, template.functions)]
    once = {(error.offset, error.message): error for error in found}
    return [once[place] for place in sorted(once)]


def template_references(tree: nodes.Template, functions: Mapping[str, Function]) -> tuple[Reference, ...]:
    """The tables, params, secrets and facts of the event a template names literally."""
    found = []
    for call in tree.find_all(nodes.Call):
        function = functions.get(call.node.name) if isinstance(call.node, nodes.Name) else None
        for position, arg in enumerate(call.args):
            names = function.parameter(position).names if function and function.parameters else ""
            if names and names != "field" and isinstance(arg, nodes.Const) and isinstance(arg.value, Placed):
                found.append(Reference(names, str(arg.value), arg.value.offset + 1, len(arg.value)))
    return tuple(sorted(found, key=lambda reference: reference.offset))


Names = dict[str, Shape]


class _Checker:
    """One walk. `names` are what loops and set have given names to."""

    def __init__(self, template: CheckableTemplate, root: Shape, known: Known) -> None:
        self.functions = template.functions
        self.root = root
        self.known = known
        self.errors: list[ExpressionError] = []

    def body(self, body: list[nodes.Node], names: Names) -> None:
        """Check statements in order; what they give names to holds for the rest."""
        for node in body:
            if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
                names[str(node.target.name)] = self.shape(node.node, names)
            elif isinstance(node, nodes.For):
                self._loop(node, names)
            elif isinstance(node, nodes.If):
                self._if(node, names)
            else:
                for child in node.iter_child_nodes():
                    self.shape(child, names)

    def _if(self, node: nodes.If, names: Names) -> None:
        self.shape(node.test, names)
        branches: list[Any] = [node.body, *([part] for part in node.elif_), node.else_]
        inside = [dict(names) for _ in branches]
        for branch, own in zip(branches, inside, strict=True):
            self.body(branch, own)
        for own in inside:
            names.update({name: own[name] for name in own if name not in names})

    def _loop(self, node: nodes.For, names: Names) -> None:
        items = self.shape(node.iter, names)
        inner = {**names, "loop": UNKNOWN}
        if isinstance(node.target, nodes.Name):
            over_names = items.kinds == {"object"}
            inner[str(node.target.name)] = Shape.of("text") if over_names else items.item().sure()
        else:
            inner.update({str(name.name): UNKNOWN for name in node.target.find_all(nodes.Name)})
        if node.test is not None:
            self.shape(node.test, inner)
        self.body(node.body, inner)
        self.body(node.else_, dict(names))

    def shape(self, node: nodes.Node, names: Names) -> Shape:
        """What is known of an expression's value."""
        if isinstance(node, nodes.Name):
            return self._name(node, names)
        if isinstance(node, nodes.Getattr):
            return self._at(self.shape(node.node, names), node.attr)
        if isinstance(node, nodes.Getitem):
            return self._getitem(node, names)
        if isinstance(node, nodes.Const):
            return literal(str(node.value) if isinstance(node.value, str) else node.value)
        if isinstance(node, nodes.Call):
            return self._call(node, names)
        if isinstance(node, nodes.Filter):
            return self._filter(node, names)
        if isinstance(node, nodes.Test) and node.name in ("defined", "undefined") and isinstance(node.node, nodes.Name):
            return Shape.of("yes/no")
        for child in node.iter_child_nodes():
            self.shape(child, names)
        return UNKNOWN

    def _name(self, node: nodes.Name, names: Names) -> Shape:
        if node.name in names:
            return names[str(node.name)]
        return self._at(self.root, node.name, [*self.root.fields, *names], root=True)

    def _at(self, scope: Shape, name: str, candidates: list[str] | None = None, root: bool = False) -> Shape:
        if not scope.can_be("object"):
            advice = f"| map('{name}') takes it of every element" if scope.kinds == {"list"} else ""
            self._error(name, f"`{name}` is looked for in {judge.named(scope.kinds)}, which has no names", advice)
            return UNKNOWN
        if not scope.has(name):
            known = list(scope.fields) if candidates is None else candidates
            if root and name in self.functions:
                self._error(name, f"`{name}` is a function and needs brackets", f"write {self.functions[name].usage}")
                return UNKNOWN
            close = nearest(name, [*known, *(_WORDS if root else ())])
            where = f" in {scope.schema}" if scope.schema else ""
            advice = f"did you mean `{close}`?" if close else "there are: " + ", ".join(known[:8])
            self._error(name, f"there is no `{name}`{where} here", advice, close)
            return UNKNOWN
        return scope.at(str(name))

    def _getitem(self, node: nodes.Getitem, names: Names) -> Shape:
        scope = self.shape(node.node, names)
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return self._at(scope, node.arg.value)
        self.shape(node.arg, names)
        return scope.item() if scope.kinds == {"list"} and not isinstance(node.arg, nodes.Slice) else UNKNOWN

    def _call(self, node: nodes.Call, names: Names) -> Shape:
        function = self.functions.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        arguments = []
        for arg in node.args:
            value = str(arg.value) if isinstance(arg, nodes.Const) and isinstance(arg.value, str) else None
            stand_in = expressions.Literal(0, 0, value) if value is not None else expressions.Current(0, 0)
            arguments.append((stand_in, self.shape(arg, names)))
        if function is None:
            return UNKNOWN
        self._field_names(function, node, [shape for _, shape in arguments])
        return result(function, arguments, self.known)

    def _field_names(self, function: Function, node: nodes.Call, shapes: list[Shape]) -> None:
        """Names of fields that a function takes of every element of a list."""
        lists = [shape for shape in shapes if shape.kinds == {"list"}]
        for position, arg in enumerate(node.args):
            named = function.parameters and function.parameter(position).names == "field"
            if named and lists and isinstance(arg, nodes.Const) and isinstance(arg.value, str) and "." not in arg.value:
                self._at(lists[0].item().sure(), arg.value)

    def _filter(self, node: nodes.Filter, names: Names) -> Shape:
        scope = self.shape(node.node, names) if node.node is not None else UNKNOWN
        for arg in (*node.args, *(keyword.value for keyword in node.kwargs)):
            self.shape(arg, names)
        for attribute in _attributes(node):
            if scope.kinds == {"list"}:
                self._at(scope.item().sure(), attribute)
        if node.name in _KEEPS:
            return replace(scope, maybe=False)
        return scope.item() if node.name in _ITEM else UNKNOWN

    def _error(self, name: str, message: str, help: str = "", suggestion: str = "") -> None:
        where = place(name)
        if isinstance(name, Placed) and where["length"] == len(name) + 2:
            where = Where(offset=where["offset"] + 1, length=len(name))  # a name in quotes
        self.errors.append(ExpressionError("TF2510", message, **where, help=help, suggestion=suggestion))


def _attributes(node: nodes.Filter) -> Iterator[str]:
    """The names of fields that a filter takes of every element."""
    named = [keyword.value for keyword in node.kwargs if keyword.key == "attribute"]
    first = {"map": node.args[:1], "sum": node.args[:1], "join": node.args[1:2]}.get(str(node.name), [])
    for arg in (*first, *named):
        if isinstance(arg, nodes.Const) and isinstance(arg.value, str) and "." not in arg.value:
            yield arg.value
