"""Expressions and templates of a project: compiled once per text, errors told at the character they are about."""

from __future__ import annotations

from typing import Any

from engine.compile.report import Place
from engine.config.fixed import varies
from engine.core.findings import Finding, Mark, Severity
from engine.expr.errors import ExpressionError
from engine.expr.functions import FunctionTable
from engine.expr.jmes import Expr, compile_expression
from engine.expr.shape.check import WARNINGS
from engine.expr.template import Template, compile_template


class Texts:
    """Compiles and remembers. Equal texts are one object.

    before   those of the compilation before, with the same functions: what is still there is taken from them
    """

    def __init__(self, functions: FunctionTable, before: Texts | None = None) -> None:
        self.functions = functions
        self._expressions: dict[str, Expr | ExpressionError] = {}
        self._templates: dict[str, Template | ExpressionError] = {}
        self._old_expressions = before._expressions if before is not None else {}
        self._old_templates = before._templates if before is not None else {}

    def compile(self, text: str) -> Expr:
        """Raises ExpressionError."""
        known = self._expressions.get(text)
        if known is None:
            known = self._expressions[text] = self._old_expressions.get(text) or self._expression(text)
        if isinstance(known, ExpressionError):
            raise again(known)
        return known

    def compile_template(self, text: str) -> Template:
        """Raises ExpressionError."""
        known = self._templates.get(text)
        if known is None:
            known = self._templates[text] = self._old_templates.get(text) or self._template(text)
        if isinstance(known, ExpressionError):
            raise again(known)
        return known

    def _expression(self, text: str) -> Expr | ExpressionError:
        try:
            return compile_expression(text, self.functions)
        except ExpressionError as error:
            return error

    def _template(self, text: str) -> Template | ExpressionError:
        try:
            return compile_template(text, self.functions)
        except ExpressionError as error:
            return error

    def expression(self, place: Place, raw: Any) -> Expr | None:
        """The expression written at a place; None after a finding."""
        if not isinstance(raw, str):
            place.finding("TF1120", "an expression is text", help="put it in quotes; a number stands in backticks: `5`")
            return None
        if varying(place):
            return None
        try:
            return self.compile(raw)
        except ExpressionError as error:
            report(place, error)
            return None

    def template(self, place: Place, raw: Any) -> Template | None:
        """The template written at a place; None after a finding."""
        if not isinstance(raw, str):
            place.finding("TF1120", "a template is text", help="put it in quotes")
            return None
        try:
            return self.compile_template(raw)
        except ExpressionError as error:
            report(place, error)
            return None


def varying(place: Place) -> bool:
    """Whether the expression written here takes something from the environment; says so."""
    marks = place.document.marks
    if not marks.is_replaced(place.path) or not varies(marks.written(place.path)):
        return False
    advice = "give the route a parameter and write `param('name')`, or put the value into a connection"
    place.finding("TF1050", "nothing is substituted in expressions", help=advice)
    return True


def again(error: ExpressionError) -> ExpressionError:
    """A copy to raise: callers add to the path of the one they catch."""
    return ExpressionError(
        error.code,
        error.message,
        offset=error.offset,
        length=error.length,
        help=error.help,
        suggestion=error.suggestion,
        path=error.path,
        key=error.key,
    )


def severity(error: ExpressionError) -> Severity:
    """What goes wrong with some events only is a warning."""
    return "warning" if error.code in WARNINGS else "error"


def report(place: Place, error: ExpressionError) -> None:
    """An ExpressionError as a finding at its characters."""
    at = place.at(*error.path)
    inside = not error.key and error.length > 0
    at.finding(
        error.code,
        error.message,
        key=error.key,
        help=error.help,
        suggestion=error.suggestion,
        severity=severity(error),
        offset=error.offset if inside else None,
        length=error.length,
    )


def text_finding(file: str, text: str, error: ExpressionError) -> Finding:
    """An ExpressionError about a file that is one text."""
    before = text[: error.offset]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    mark = Mark(file, line, column, column + max(1, error.length))
    return Finding(error.code, error.message, mark, error.help, error.suggestion, severity(error))
