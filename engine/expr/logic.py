"""Closures for comparisons and yes/no logic, in two modes.

Plain mode is JMESPath: different types are not equal, an order between them is null, everything has a truth value.
Strict mode is what routes use: comparing different types or text by order, and a condition that is not yes/no, fail.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from engine.expr.paths import Closure
from engine.expr.values import KINDS, NUMBERS, TEXTS, DateText, MomentText, Refused, described, kind, same

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED_KINDS = frozenset({"number", "date", "moment"})
HINT = "not a yes/no answer; write present(..), == or is_true(..)"


def falsy(value: Any) -> bool:
    """JMESPath's idea of false: null, false, and empty text, list or object."""
    return value is None or value is False or (type(value) in (str, list, dict) and not value)


def compare(op: str, left: Closure, right: Closure, strict: bool) -> Closure:
    """`left op right`."""
    if op in _ORDER:
        return _strict_order(op, left, right) if strict else _plain_order(op, left, right)
    return _strict_equal(op, left, right) if strict else _plain_equal(op, left, right)


def _plain_equal(op: str, left: Closure, right: Closure) -> Closure:
    wanted = op == "=="

    def equal(value: Any, env: Any) -> Any:
        return same(left(value, env), right(value, env)) is wanted

    return equal


def _plain_order(op: str, left: Closure, right: Closure) -> Closure:
    order = _ORDER[op]

    def compared(value: Any, env: Any) -> Any:
        a, b = left(value, env), right(value, env)
        a_type, b_type = type(a), type(b)
        if (a_type in NUMBERS and b_type in NUMBERS) or (a_type in TEXTS and b_type in TEXTS):
            return order(a, b)
        return None

    return compared


def _strict_equal(op: str, left: Closure, right: Closure) -> Closure:
    wanted = op == "=="

    def equal(value: Any, env: Any) -> Any:
        a, b = left(value, env), right(value, env)
        a_type, b_type = type(a), type(b)
        if a is None or b is None:
            return (a is b) is wanted
        if a_type is b_type or KINDS.get(a_type, a_type) == KINDS.get(b_type, b_type):
            return (same(a, b) if a_type in (list, dict) else a == b) is wanted
        raise Refused(f"{op} compares {described(a)} with {described(b)}; {_cure(a, b)}", function="")

    return equal


def equals_text(op: str, left: Closure, literal: str) -> Closure:
    """`left == 'text'` in strict mode: the most usual comparison."""
    wanted = op == "=="

    def equal(value: Any, env: Any) -> Any:
        a = left(value, env)
        if type(a) is str:
            return (a == literal) is wanted
        if a is None:
            return not wanted
        raise Refused(f"{op} compares {described(a)} with text; {_cure(a, literal)}", function="")

    return equal


def _strict_order(op: str, left: Closure, right: Closure) -> Closure:
    order = _ORDER[op]

    def compared(value: Any, env: Any) -> Any:
        a, b = left(value, env), right(value, env)
        if type(a) in NUMBERS and type(b) in NUMBERS:
            return order(a, b)
        a_kind, b_kind = kind(a), kind(b)
        if a_kind != b_kind:
            raise Refused(f"{op} compares {described(a)} with {described(b)}; {_cure(a, b)}", function="")
        if a_kind not in _ORDERED_KINDS:
            raise Refused(
                f"{op} compares {described(a)} by order; use date(..) or number(..) on both sides", function=""
            )
        return order(a, b)

    return compared


def _cure(a: Any, b: Any) -> str:
    kinds = {kind(a), kind(b)}
    if "null" in kinds:
        return "one side is missing: ask present(..) first, or give a value with coalesce(.., ..)"
    if type(a) in (DateText, MomentText) or type(b) in (DateText, MomentText):
        return "write date(..) on both sides"
    if kinds == {"text", "number"}:
        return "write number(..) around the text"
    if kinds == {"text", "yes/no"}:
        return "write is_true(..) around the text"
    return "compare values of one kind"


def truth(closure: Closure, strict: bool, where: str) -> Closure:
    """A closure that gives a real bool. `where` names the place for the strict mode's error."""
    if not strict:
        return lambda value, env: not falsy(closure(value, env))

    def answer(value: Any, env: Any) -> Any:
        found = closure(value, env)
        if found is True or found is False:
            return found
        raise Refused(f"{where} is {described(found)}: {HINT}", reason="not-yes-no", function="")

    return answer


def negation(closure: Closure, strict: bool) -> Closure:
    """`!a`."""
    answer = truth(closure, strict, "what stands behind !")
    return lambda value, env: not answer(value, env)


def alternatives(items: Sequence[Closure]) -> Closure:
    """`a || b`: the first that is not false, else the last."""
    *before, last = items

    def first_true(value: Any, env: Any) -> Any:
        for item in before:
            found = item(value, env)
            if not falsy(found):
                return found
        return last(value, env)

    return first_true


def conjunction(items: Sequence[Closure], strict: bool) -> Closure:
    """`a && b`: the first that is false, else the last. In strict mode all but the last must be yes/no."""
    *before, last = items
    if strict:
        answers = [truth(item, True, "what stands before &&") for item in before]
        return _all_yes(answers, last)

    def first_false(value: Any, env: Any) -> Any:
        for item in before:
            found = item(value, env)
            if falsy(found):
                return found
        return last(value, env)

    return first_false


def _all_yes(answers: Sequence[Closure], last: Closure) -> Closure:
    def all_yes(value: Any, env: Any) -> Any:
        for answer in answers:
            if not answer(value, env):
                return False
        return last(value, env)

    return all_yes
