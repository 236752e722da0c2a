"""JMESPath expressions: parsed by the `jmespath` package, compiled by us to closures, exact with Decimal.

Two modes. Strict is what routes use: comparing different types and conditions that are not yes/no are errors. Plain is
JMESPath to the letter, as the compliance suite wants it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.core.errors import Permanent, TillflowError
from engine.core.quoting import short
from engine.expr.compiler import Compiler
from engine.expr.env import Env
from engine.expr.functions import FunctionTable
from engine.expr.growth import needs_meter
from engine.expr.limits import MAX_WORK, Meter
from engine.expr.logic import HINT
from engine.expr.made import makes_numbers, readable
from engine.expr.nodes import Call, Node
from engine.expr.parse import parse
from engine.expr.paths import Closure
from engine.expr.references import Reference, gives_dates, references
from engine.expr.secrecy import given_secret
from engine.expr.signature import Function
from engine.expr.values import Refused, described, undated


class Expr:
    """A compiled expression.

    text        as it was written
    tree        its syntax tree, for checks against a shape
    functions   the table it was compiled with
    references  the tables, params, secrets and facts of the event it names literally, with their places
    secret      the call whose secret may be in what it gives
    evaluate    what calling it does, as a plain function: cheaper for what is called for every field of every event
    """

    __slots__ = ("evaluate", "functions", "references", "secret", "strict", "text", "tree")

    def __init__(self, text: str, tree: Node, run: Closure, functions: Mapping[str, Function], strict: bool) -> None:
        self.text = text
        self.tree = tree
        self.functions = functions
        self.strict = strict
        self.references: tuple[Reference, ...] = references(tree, functions)
        self.secret: Call | None = given_secret(tree, functions)
        self.evaluate = self._guarded(run)

    def __call__(self, data: Any, env: Env) -> Any:
        """The value for a document; missing is null. Never changes the document; the result may share parts of it.

        Raises Permanent `expression-failed`, `not-yes-no`, and what a lookup raises (`reference-missing`).
        """
        return self.evaluate(data, env)

    def condition(self, data: Any, env: Env) -> bool:
        """The answer of a condition. Raises Permanent `not-yes-no` unless it is a real yes/no value."""
        found = self.evaluate(data, env)
        if found is True or found is False:
            return found
        said = "gives nothing (is a flag missing?)" if found is None else f"gives {described(found)}"
        raise Permanent("not-yes-no", f"`{short(self.text)}` {said}: {HINT}", data={"expression": self.text})

    def _guarded(self, run: Closure) -> Closure:
        def evaluate(data: Any, env: Any) -> Any:
            try:
                return run(data, env)
            except TillflowError:
                raise
            except Exception as error:
                raise self._failed(error) from error

        return evaluate

    def _failed(self, error: Exception) -> Permanent:
        facts = {"expression": self.text}
        if isinstance(error, Refused):
            return Permanent(error.reason, f"`{short(self.text)}`: {error}", data={**facts, "error": error.error})
        if isinstance(error, ArithmeticError):
            said = "a number does not fit exactly or is not valid"
            return Permanent(
                "expression-failed", f"`{short(self.text)}`: {said}", data={**facts, "error": "invalid-value"}
            )
        if isinstance(error, RecursionError):
            said = "the document is nested too deep"
            return Permanent(
                "expression-failed", f"`{short(self.text)}`: {said}", data={**facts, "error": "limit-exceeded"}
            )
        return Permanent(
            "expression-failed", f"`{short(self.text)}`: a function failed with {type(error).__name__}", data=facts
        )

    def __repr__(self) -> str:
        return f"Expr({self.text!r})"


def compile_expression(text: str, functions: Mapping[str, Function] | None = None, *, strict: bool = True) -> Expr:
    """Compile an expression. Raises ExpressionError with the place inside the text."""
    table = functions or FunctionTable.builtin()
    return _kept(text, table, strict) if isinstance(table, FunctionTable) else _compile(text, table, strict)


def _compile(text: str, table: Mapping[str, Function], strict: bool) -> Expr:
    tree = parse(text)
    meter = Meter() if needs_meter(tree, table) else None
    run = Compiler(table, strict, meter).compile(tree)
    if meter is not None:
        run = _metered(run, meter)
    if gives_dates(tree, table):
        run = _plain_dates(run)
    if strict and makes_numbers(tree, table):
        run = readable(run)
    return Expr(text, tree, run, table, strict)


# Shipped and generated routes say the same things often, and an Expr never changes.
_kept = lru_cache(maxsize=8192)(_compile)


def _metered(run: Closure, meter: Meter) -> Closure:
    def metered(value: Any, env: Any) -> Any:
        meter.left = MAX_WORK
        return meter.made(run(value, env))

    return metered


def _plain_dates(run: Closure) -> Closure:
    return lambda value, env: undated(run(value, env))
