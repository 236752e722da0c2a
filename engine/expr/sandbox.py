"""The Jinja environment of templates: immutable sandbox, strict about what is missing, no Python attributes."""

from __future__ import annotations

from typing import Any

from jinja2 import StrictUndefined
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.expr import guards
from engine.expr.filters import FILTERS, TESTS, printed
from engine.expr.template_text import PlacingLexer
from engine.expr.values import Refused

LOOP_FACTS = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})
ROUNDS, JOINED, NUMBER = "tillflow__rounds", "tillflow__joined", "tillflow__number"
_OPERATORS = frozenset({"+", "-", "*", "/", "//", "%", "**"})


class Sandbox(ImmutableSandboxedEnvironment):
    """Attributes lead into data only: to names of objects, and to what a loop says of itself."""

    intercepted_binops = _OPERATORS
    intercepted_unops = frozenset({"+", "-"})

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            finalize=printed,
            autoescape=False,
            optimized=False,
            cache_size=0,
            keep_trailing_newline=True,
        )
        self._placing = PlacingLexer(self)
        self.filters = dict(FILTERS)
        self.tests = {**{name: self.tests[name] for name in ("eq", "ne", "lt", "le", "gt", "ge")}, **TESTS}
        self.globals = {ROUNDS: guards.rounds, JOINED: guards.joined, NUMBER: guards.exact_number}

    @property
    def lexer(self) -> PlacingLexer:
        return self._placing

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            return obj[attribute] if attribute in obj else self._missing(obj, attribute)
        if isinstance(obj, LoopContext) and attribute in LOOP_FACTS:
            return getattr(obj, attribute)
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        return self._missing(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is dict and isinstance(argument, str):
            return self.getattr(obj, argument)
        if type(obj) in (list, tuple) and (type(argument) is int or isinstance(argument, slice)):
            try:
                return obj[argument]
            except IndexError:
                return self._missing(obj, str(argument))
        if isinstance(obj, str) and isinstance(argument, slice):
            return str(obj)[argument]
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        return self._missing(obj, str(argument))

    def _missing(self, obj: Any, name: str) -> Undefined:
        return self.undefined(f"there is no `{name}`", obj=obj, name=name)

    def is_safe_callable(self, obj: Any) -> bool:
        return getattr(obj, "tillflow_function", False) or obj in (guards.rounds, guards.joined, guards.exact_number)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _there(left)
        _there(right)
        return guards.calculate(operator, left, right)

    def call_unop(self, context: Any, operator: str, arg: Any) -> Any:
        _there(arg)
        return guards.signed(operator, arg)


def _there(value: Any) -> None:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()


def function_for_templates(name: str, call: Any) -> Any:
    """What a template calls when it calls a function of the table."""

    def called(*args: Any, **named: Any) -> Any:
        for arg in args:
            _there(arg)
        if named:
            raise Refused(f"{name}() takes its arguments in order, without names")
        return call(guards.budget.get().env, args)

    called.tillflow_function = True  # type: ignore[attr-defined]
    return called
