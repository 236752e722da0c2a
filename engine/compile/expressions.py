"""Checking expressions where they stand: paths and types against the shape that flows, and every name they use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.compile.texts import report, text_finding, varying
from engine.core.errors import Failure
from engine.expr import nodes
from engine.expr.errors import ExpressionError
from engine.expr.functions.event import META
from engine.expr.jmes import Expr
from engine.expr.references import Reference
from engine.expr.secrecy import secret_error
from engine.expr.shape import Known, Shape, check_expression
from engine.expr.shape.check import WARNINGS
from engine.expr.template import Template, check_template
from engine.plugins.fields import KeyExpr, ValueExpr

Where = Literal["value", "optional", "condition", "key"]
_PURE = (nodes.Literal, nodes.Compare, nodes.And, nodes.Or, nodes.Not)


class Doubt(NamedTuple):
    """`about` may be missing in some documents."""

    place: Place
    error: ExpressionError
    about: str


class Checker:
    """Checks in one scope: its parameters and tables are the ones that may be named.

    doubts   where given, what may be missing in some documents is put there instead of being reported
    given    in a mapping: names that steps of routes give to items or add to the data, each with the file
    """

    def __init__(self, scope: Scope, doubts: list[Doubt] | None = None, given: Mapping[str, str] | None = None) -> None:
        self._scope = scope
        self._doubts = doubts
        self._given = given or {}

    @property
    def known(self) -> Known:
        """Shapes of what functions reach here."""
        return self._scope.known

    def expression(self, place: Place, expr: Expr, shape: Shape, where: Where, *, secrets: bool = False) -> None:
        """`secrets`: what it gives goes to an outside system only, and may be a secret."""
        if varying(place):
            return
        for error in self._errors(expr, shape, where):
            if error.code in WARNINGS and self._doubts is not None:
                about = expr.text[error.offset : error.offset + error.length]
                self._doubts.append(Doubt(place, error, about))
            else:
                report(place, self._explained(expr, error))
        if expr.secret is not None and where != "condition" and not secrets:
            report(place, secret_error(expr.secret))
        self.references(place, expr.references)
        if any(reference.kind == "param" for reference in expr.references):
            self._choices(place, expr.tree)

    def _errors(self, expr: Expr, shape: Shape, where: Where) -> Sequence[ExpressionError]:
        """Of equal expressions over one shape the errors are equal; routes have many of them in common."""
        reads = tuple(ref.name for ref in expr.references if ref.kind == "param")
        params = tuple(repr(self._scope.params.get(name)) for name in reads)
        key = (id(expr), id(shape), where, params)
        known = self._scope.catalog.judged.get(key)
        if known is None:
            errors = check_expression(expr, shape, where, self._scope.known)
            known = self._scope.catalog.judged[key] = (expr, shape, errors)  # ids stay theirs while they are kept
        return known[2]

    def _explained(self, expr: Expr, error: ExpressionError) -> ExpressionError:
        """An unknown name that a step of a route gives is not misspelt: the mapping has to say that it comes."""
        name = expr.text[error.offset : error.offset + error.length]
        if error.code != "TF2020" or name not in self._given:
            return error
        text = f"`{name}` is a name that {self._given[name]} gives: list it under `adds:`, or leave `input` out"
        return ExpressionError(error.code, error.message, offset=error.offset, length=error.length, help=text)

    def key(self, place: Place, key: KeyExpr, shape: Shape) -> None:
        many = isinstance(_raw_at(place), list)
        for index, part in enumerate(key.parts):
            self.expression(place.at(index) if many else place, part, shape, "key")

    def value(self, place: Place, value: ValueExpr, shape: Shape, *, secrets: bool = False) -> None:
        raw = _raw_at(place)
        block = isinstance(raw, dict)
        if value.expr is not None:
            where: Where = "optional" if value.optional or value.has_default else "value"
            self.expression(place.at("expr") if block else place, value.expr, shape, where, secrets=secrets)
        if value.template is not None:
            self.template(place.at("template") if block else place, value.template, shape)
        for name, inner in (value.fields or {}).items():
            self.value(place.at(name), inner, shape, secrets=secrets)

    def template(self, place: Place, template: Template, shape: Shape) -> None:
        for error in check_template(template, shape, self._scope.known):
            report(place, error)
        self.references(place, template.references)

    def path(self, place: Place, expr: Expr, shape: Shape) -> None:
        """A path that a plugin made of a key or name of the file: told at that key, without a place inside it."""
        for error in check_expression(expr, shape, "optional", self._scope.known):
            place.finding(error.code, error.message, key=True, help=error.help, suggestion=error.suggestion)

    def template_file(self, place: Place, name: str, template: Template, shape: Shape) -> None:
        """A file of mappings/templates/, told at its own lines."""
        for error in check_template(template, shape, self._scope.known):
            place.report.add(
                text_finding(f"mappings/templates/{name}", self._scope.catalog.project.templates[name], error)
            )
        self.references(place, template.references, inside=False)

    def constant(self, expr: Expr) -> bool | None:
        """The answer of a condition that asks for nothing; None when it depends on something."""
        if not all(isinstance(node, _PURE) for node in nodes.walk(expr.tree)):
            return None
        try:
            answer = expr(None, None)  # type: ignore[arg-type]
        except Failure:
            return None
        return answer if isinstance(answer, bool) else None

    def references(self, place: Place, references: Iterable[Reference], *, inside: bool = True) -> None:
        """Everything named literally has to be there; `inside` False: the text is not the value at `place`."""
        scope, catalog = self._scope, self._scope.catalog
        for reference in references:
            name, offset = reference.name, reference.offset if inside else None
            if reference.kind == "table":
                if catalog.known(place, "table", name, offset=offset):
                    scope.uses.tables.add(name)
                    scope.uses.unusable |= name not in catalog.tables
            elif reference.kind == "schema":
                catalog.known(place, "schema", name, offset=offset)
            elif reference.kind == "param":
                self._param(place, name, offset)
            elif reference.kind == "secret":
                catalog.secret_known(place, name, offset=offset)
                scope.uses.digests[f"secret {name}"] = catalog.secret_versions.get(name, "")
            elif reference.kind == "meta" and name not in META and not name.startswith("header."):
                place.unknown("TF3024", "fact of the event called", name, META, offset=offset)

    def _param(self, place: Place, name: str, offset: int | None) -> None:
        self._scope.read_params.add(name)
        if name not in self._scope.params and not self._scope.any_param:
            place.unknown("TF1052", "parameter", name, self._scope.params, offset=offset)

    def _choices(self, place: Place, tree: nodes.Node) -> None:
        """A comparison of a parameter with something it can never be."""
        for node in nodes.walk(tree):
            if not isinstance(node, nodes.Compare):
                continue
            for side, other in ((node.left, node.right), (node.right, node.left)):
                choices = self._scope.choices.get(_param_named(side))
                if choices and isinstance(other, nodes.Literal) and other.value not in choices:
                    name = str(other.value)
                    place.unknown(
                        "TF3027", "value of the parameter called", name, map(str, choices), offset=other.start + 1
                    )


def _param_named(node: nodes.Node) -> str:
    if isinstance(node, nodes.Call) and node.name == "param" and node.args and isinstance(node.args[0], nodes.Literal):
        return str(node.args[0].value)
    return ""


def _raw_at(place: Place) -> Any:
    """What is written at a place; None when the place is not in the file (a key that was filled in)."""
    try:
        return place.document.at(place.path)
    except (KeyError, IndexError, TypeError):
        return None


def required_schema(expr: Expr | None) -> str:
    """The schema a condition asks for: `meta('schema') == 'x@1'`, alone or joined with &&; empty without one."""
    if expr is None:
        return ""
    tree = expr.tree
    parts = tree.items if isinstance(tree, nodes.And) else (tree,)
    for part in parts:
        if not isinstance(part, nodes.Compare) or part.op != "==":
            continue
        for side, other in ((part.left, part.right), (part.right, part.left)):
            if _asks_schema(side) and isinstance(other, nodes.Literal) and isinstance(other.value, str):
                return other.value
    return ""


def _asks_schema(node: nodes.Node) -> bool:
    if not isinstance(node, nodes.Call) or node.name != "meta" or not node.args:
        return False
    asked = node.args[0]
    return isinstance(asked, nodes.Literal) and asked.value == "schema"


def present_in(expr: Expr | None) -> list[str]:
    """Texts that are present where a condition holds: `present(x)`, `is_true(x)` alone or joined with &&."""
    if expr is None:
        return []
    parts = expr.tree.items if isinstance(expr.tree, nodes.And) else (expr.tree,)
    calls = [
        part for part in parts if isinstance(part, nodes.Call) and part.name in ("present", "is_true") and part.args
    ]
    return [expr.text[call.args[0].start : call.args[0].end] for call in calls]
