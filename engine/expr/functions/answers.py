"""Yes/no answers, and choosing between values."""

from __future__ import annotations

from engine.expr.types import Anything, ExpressionArg, Lazy, List, Number, Text, YesNo, YesNos
from engine.expr.values import Refused, described, same

_YES = frozenset({"true", "yes", "y", "1", "on"})
_NO = frozenset({"false", "no", "n", "0", "off", ""})


def _empty(value: object) -> bool:
    return value is None or (type(value) in (str, list, dict) and not value)


def present(value: Anything) -> bool:
    """Whether there is something: not missing, not null, not an empty text, list or object.

    present('A') -> true
    present(`null`) -> false
    """
    return not _empty(value)


def is_empty(value: Anything) -> bool:
    """The opposite of present().

    is_empty('') -> true
    """
    return _empty(value)


def is_true(value: YesNo | Text | Number | None) -> bool:
    """A flag as a yes/no answer: true, 'true', 'yes', 'y', 'on', '1', 1 and their opposites; missing or empty is no.

    Anything else is an error, never a guess.

    is_true('false') -> false
    is_true(`null`) -> false
    is_true('Y') -> true
    """
    if value is None or type(value) is bool:
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else str(value)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Refused(f"{described(value)} that means neither yes nor no", "invalid-value")


def coalesce(first: Lazy, *others: Lazy) -> Anything:
    """The first argument that is not null; later ones are not evaluated.

    coalesce(`null`, 'A', 'B') -> "A"
    """
    for value in (first, *others):
        found = value()
        if found is not None:
            return found
    return None


def if_(condition: YesNo, then: Lazy, otherwise: Lazy) -> Anything:
    """One of two values by a yes/no answer; the other is not evaluated.

    if(`true`, 'A', 'B') -> "A"
    """
    return then() if condition else otherwise()


def one_of(value: Anything, choices: List) -> bool:
    """Whether the value equals an element of the list.

    one_of('ES', ['ES', 'PT']) -> true
    """
    return any(same(value, choice) for choice in choices)


def all_(answers: YesNos) -> bool:
    """Whether every answer of a list is yes; true for an empty list.

    all([`true`, `false`]) -> false
    """
    return all(answers)


def any_(answers: YesNos) -> bool:
    """Whether at least one answer of a list is yes.

    any([`true`, `false`]) -> true
    """
    return any(answers)


def _answer(value: object, position: int) -> bool:
    if type(value) is bool:
        return value
    detail = f"the condition gives {described(value)} for element {position}, not a yes/no answer"
    raise Refused(f"{detail}; write present(..), == or is_true(..)", reason="not-yes-no")


def every(items: List, condition: ExpressionArg) -> bool:
    """Whether a condition holds for every element of a list; true for an empty one.

    every([{net: `1`}, {net: `2`}], &net > `0`) -> true
    """
    return all(_answer(condition(item), position) for position, item in enumerate(items, 1))


def some(items: List, condition: ExpressionArg) -> bool:
    """Whether a condition holds for at least one element of a list.

    some([{sku: 'A'}, {sku: 'B'}], &sku == 'B') -> true
    """
    return any(_answer(condition(item), position) for position, item in enumerate(items, 1))


FUNCTIONS = (present, is_empty, is_true, coalesce, if_, one_of, all_, any_, every, some)
