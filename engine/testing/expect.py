"""Comparing what happened with what a test expects: a subset unless `$exact`, matchers start with `$`.

Objects: every expected key must match; further keys are fine.   Lists: same length, pairs match in any order.
  {$exact: x}       equal, nothing more            {$contains: x}   text holds it, or a list has an element matching it
  {$at_least: n}    {$at_most: n}                  {$matches: "regular expression"}      {$one_of: [..]}
  {$sum: {field: n}}   sums over a list            {$count: n}      its length           {$each: x}   every element does
  {$present: true}  there and not null (or not)    {$not: x}        does not match
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import re2

from engine.core.jsonx import encode
from engine.core.numbers import is_number
from engine.core.wording import counted

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "nothing"})()
Matcher = Callable[[Any, Any, str], list[str]]


def mismatches(actual: Any, expected: Any, at: str = "") -> list[str]:
    """Sentences about everything that differs; empty when it matches."""
    if isinstance(expected, dict):
        matchers = [key for key in expected if isinstance(key, str) and key.startswith("$")]
        if matchers:
            return [text for key in matchers for text in _matcher(key)(actual, expected[key], at)]
        return _object(actual, expected, at)
    if isinstance(expected, list):
        return _list(actual, expected, at)
    if same(actual, expected):
        return []
    return [f"{at or 'it'} is {show(actual)}, expected {show(expected)}{_of_kind(actual, expected)}"]


def _of_kind(actual: Any, expected: Any) -> str:
    """What to change where text and number differ in nothing else."""
    if isinstance(actual, str) and is_number(expected) and actual == show(expected):
        return ": it is text, not a number; put the expectation in quotes"
    if is_number(actual) and isinstance(expected, str) and expected == show(actual):
        return ": it is a number, not text; leave the quotes out"
    return ""


def same(actual: Any, expected: Any) -> bool:
    """Equal as JSON: 1.50 is 1.5, but 1 is not true and not "1"."""
    if is_number(actual) and is_number(expected):
        return bool(Decimal(actual) == Decimal(expected))
    return type(actual) is type(expected) and bool(actual == expected)


def show(value: Any) -> str:
    """A value as short JSON."""
    if value is MISSING:
        return "nothing"
    text = encode(value).decode()
    return text if len(text) <= 300 else text[:297] + "..."


def _object(actual: Any, expected: dict[str, Any], at: str) -> list[str]:
    if not isinstance(actual, dict):
        return [f"{at or 'it'} is {show(actual)}, expected an object"]
    told: list[str] = []
    for key, value in expected.items():
        told += mismatches(actual.get(key, MISSING), value, f"{at}.{key}" if at else str(key))
    return told


def _list(actual: Any, expected: list[Any], at: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{at or 'it'} is {show(actual)}, expected a list"]
    if len(actual) != len(expected):
        return [f"{at or 'it'} has {counted(len(actual), 'element')}, expected {len(expected)}: {show(actual)}"]
    left = list(range(len(actual)))
    told: list[str] = []
    for index, wanted in enumerate(expected):
        found = next((i for i in left if not mismatches(actual[i], wanted)), None)
        if found is None:
            best = min((mismatches(actual[i], wanted, f"{at}[{index}]") for i in left), key=len)
            told += best
        else:
            left.remove(found)
    return told


def _exact(actual: Any, expected: Any, at: str) -> list[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        extra = [key for key in actual if key not in expected]
        told = [f"{at}.{key}" + " was not expected" for key in extra]
        for key, value in expected.items():
            told += _exact(actual.get(key, MISSING), value, f"{at}.{key}" if at else key)
        return told
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [t for i, (a, e) in enumerate(zip(actual, expected, strict=True)) for t in _exact(a, e, f"{at}[{i}]")]
    return mismatches(actual, expected, at)


def _contains(actual: Any, expected: Any, at: str) -> list[str]:
    if isinstance(actual, str) and isinstance(expected, str):
        return [] if expected in actual else [f"{at} is {show(actual)}, which does not contain {show(expected)}"]
    if isinstance(actual, list) and any(not mismatches(item, expected) for item in actual):
        return []
    return [f"{at} is {show(actual)}, where nothing matches {show(expected)}"]


def _number(check: Callable[[Any, Any], bool], words: str) -> Matcher:
    def match(actual: Any, expected: Any, at: str) -> list[str]:
        if is_number(actual) and check(actual, expected):
            return []
        return [f"{at} is {show(actual)}, expected {words} {show(expected)}"]

    return match


def _matches(actual: Any, expected: Any, at: str) -> list[str]:
    if isinstance(actual, str) and re2.search(expected, actual):
        return []
    return [f"{at} is {show(actual)}, which does not match {expected}"]


def _one_of(actual: Any, expected: Any, at: str) -> list[str]:
    if any(not mismatches(actual, choice) for choice in expected):
        return []
    return [f"{at} is {show(actual)}, expected one of {show(expected)}"]


def _sum(actual: Any, expected: Any, at: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{at} is {show(actual)}, expected a list to sum"]
    told: list[str] = []
    for name, wanted in expected.items():
        total = sum((Decimal(item.get(name) or 0) for item in actual), Decimal(0))
        told += [] if same(total, wanted) else [f"the sum of {at}[].{name} is {total}, expected {wanted}"]
    return told


def _count(actual: Any, expected: Any, at: str) -> list[str]:
    size = len(actual) if isinstance(actual, list) else -1
    return mismatches(size, expected, f"the number of {at}")


def _each(actual: Any, expected: Any, at: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{at} is {show(actual)}, expected a list"]
    return [text for index, item in enumerate(actual) for text in mismatches(item, expected, f"{at}[{index}]")]


def _present(actual: Any, expected: Any, at: str) -> list[str]:
    there = actual is not MISSING and actual is not None
    wanted = "to be there" if expected else "not to be there"
    return [] if there is bool(expected) else [f"{at} is {show(actual)}, expected it {wanted}"]


def _not(actual: Any, expected: Any, at: str) -> list[str]:
    return [] if mismatches(actual, expected) else [f"{at} is {show(actual)}, which should not match {show(expected)}"]


MATCHERS: dict[str, Matcher] = {
    "$exact": _exact,
    "$contains": _contains,
    "$at_least": _number(lambda a, e: a >= e, "at least"),
    "$at_most": _number(lambda a, e: a <= e, "at most"),
    "$matches": _matches,
    "$one_of": _one_of,
    "$sum": _sum,
    "$count": _count,
    "$each": _each,
    "$present": _present,
    "$not": _not,
}


def _matcher(name: str) -> Matcher:
    try:
        return MATCHERS[name]
    except KeyError:
        raise ValueError(f"{name} is not a matcher; there are {', '.join(MATCHERS)}") from None
