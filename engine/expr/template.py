"""Jinja templates: compiled once in a sandbox, rendered with caps on output, loops and time.

The names of a template are the names of the event's data; functions are those of expressions. A value that is missing
or null is an error unless `| default(..)` says what to print.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, nodes
from jinja2.exceptions import UndefinedError
from jinja2.meta import find_undeclared_variables

from engine.core.errors import Permanent, TillflowError
from engine.core.quoting import short
from engine.expr.calls import accepts, named, refused_value
from engine.expr.env import Env
from engine.expr.errors import ExpressionError
from engine.expr.functions import FunctionTable
from engine.expr.guards import Budget, budget, limit
from engine.expr.limits import MAX_MADE_TEXT
from engine.expr.references import Reference
from engine.expr.sandbox import Sandbox, function_for_templates
from engine.expr.signature import Function
from engine.expr.template_check import check_template, template_references
from engine.expr.template_quick import quick_template
from engine.expr.template_rules import FUNCTION, check, rewrite
from engine.expr.template_text import read_template
from engine.expr.values import Refused

__all__ = ["Template", "check_template", "compile_template"]


class Template:
    """A compiled template.

    text        as it was written
    tree        Jinja's syntax tree as it was written, for checks against a shape
    references  the tables, params, secrets and facts of the event it names literally
    """

    __slots__ = ("_names", "_quick", "_template", "functions", "references", "text", "tree")

    def __init__(
        self, text: str, tree: nodes.Template, template: JinjaTemplate, functions: Mapping[str, Function]
    ) -> None:
        self.text = text
        self.tree = tree
        self.functions = functions
        self.references: tuple[Reference, ...] = template_references(tree, functions)
        self._template = template
        self._quick = quick_template(tree, functions)
        self._names = tuple(sorted(find_undeclared_variables(tree)))

    def render(self, data: Any, env: Env) -> str:
        """The text for a document. Raises Permanent `template-failed` or `template-limit`, and what a lookup raises."""
        text = self._quick(data, env) if self._quick is not None else None
        return self._by_jinja(data, env) if text is None else text

    def _by_jinja(self, data: Any, env: Env) -> str:
        token = budget.set(Budget(env))
        try:
            known = data if type(data) is dict else {}
            return self._rendered({name: known[name] for name in self._names if name in known})
        except TillflowError:
            raise
        except Exception as error:
            raise self._failed(error) from error
        finally:
            budget.reset(token)

    def _rendered(self, data: dict[str, Any]) -> str:
        pieces: list[str] = []
        length = 0
        paying = budget.get()
        for count, piece in enumerate(self._template.generate(data)):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_MADE_TEXT:
                raise limit(f"prints more than {MAX_MADE_TEXT // 1024} KiB")
            if count % 256 == 255:
                paying.in_time()
        return "".join(pieces)

    def _failed(self, error: Exception) -> Permanent:
        facts = {"template": self.text[:200]}
        if isinstance(error, Refused):
            reason = "template-failed" if error.reason == "expression-failed" else error.reason
            return Permanent(
                reason, f"the template `{short(self.text)}`: {error}", data={**facts, "error": error.error}
            )
        if isinstance(error, UndefinedError):
            said = f"{error.message}; write {{{{ .. | default('') }}}} if it may be missing"
        elif isinstance(error, TemplateError):
            said = error.message or type(error).__name__
        else:
            said = f"failed with {type(error).__name__}"
        return Permanent("template-failed", f"the template `{short(self.text)}`: {said}", data=facts)

    def __repr__(self) -> str:
        return f"Template({self.text!r})"


def compile_template(text: str, functions: Mapping[str, Function] | None = None) -> Template:
    """Compile a template. Raises ExpressionError TF25xx with the place inside the text."""
    table = functions or FunctionTable.builtin()
    return _kept(text, table) if isinstance(table, FunctionTable) else _compile(text, table)


def _compile(text: str, functions: Mapping[str, Function]) -> Template:
    try:
        return _built(text, functions)
    except RecursionError:
        raise ExpressionError("TF2502", "the template is nested too deep", length=0) from None


def _built(text: str, functions: Mapping[str, Function]) -> Template:
    environment = _environment()
    tree = read_template(environment, text)
    check(tree, functions)
    guarded = read_template(environment, text)
    called = rewrite(guarded, functions)
    bound = {FUNCTION + name: function_for_templates(name, _caller(functions[name])) for name in called}
    template = environment.from_string(guarded, globals=bound)
    return Template(text, tree, template, functions)


_kept = lru_cache(maxsize=1024)(_compile)


@lru_cache(maxsize=1)
def _environment() -> Sandbox:
    return Sandbox()


def _caller(function: Function) -> Callable[[Env, Sequence[Any]], Any]:
    """Calls a function with arguments that are checked as in an expression."""

    def call(env: Env, args: Sequence[Any]) -> Any:
        try:
            ready = [_argument(function, position, arg) for position, arg in enumerate(args)]
            return function.call(env, *ready) if function.wants_env else function.call(*ready)
        except Exception as error:
            raise named(error, function) from None

    return call


def _argument(function: Function, position: int, value: Any) -> Any:
    parameter = function.parameter(position)
    if type(value) is tuple:
        value = list(value)
    if not accepts(parameter, value):
        raise refused_value(parameter, value)
    if parameter.choices and value not in parameter.choices:
        raise Refused(f"`{parameter.name}` must be {parameter.wanted}", "invalid-value")
    if parameter.prepare is not None:
        value = parameter.prepare(value)
    return (lambda: value) if parameter.lazy else value
