"""Closures against the jmespath package as oracle, on random documents."""

from __future__ import annotations

from typing import Any

import jmespath
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import Permanent
from engine.expr.jmes import compile_expression

EXPRESSIONS = [
    "a", "a.b", "a.b.c", "a[0]", "a[-1]", "a[0].b", "a.b[1].c", "a[1:]", "a[::-1]", "a[*]", "a[*].b", "a[]", "a[].b",
    "a[].b.c", "a[*].b[*]", "a[][]", "*", "*.a", "a.*", "a.*.b", "[a, b]", "{x: a, y: b.c}", "a[].{x: a, y: b}",
    "a[].{x: a, y: b, z: c}", "a[].{x: a}", "a[*].[a, b]", "a || b", "a && b", "!a", "a && b || c", "a == b", "a != b",
    "a < b", "a >= b", "a == `1`", "a > `0`", "a[?b == 'x']", "a[?b > `0`].c", "a[?b]", "a[?b && c]", "a[?!b].c",
    "a | b", "a[] | [0]", "a[?b == c] | [0].b", "length(a)", "keys(a)", "values(a)", "type(a)", "to_array(a)",
    "not_null(a, b, c)", "sort(a)", "max(a)", "min(a)", "sum(a)", "contains(a, b)", "join('-', a)", "reverse(a)",
    "map(&b, a)", "sort_by(a, &b)", "max_by(a, &b)", "merge(a, a)", "abs(a)", "a.b || c.a || `[]`", "@", "@.a.b",
    "sum(a[].b)", "length(a[?b])", "starts_with(a, b)", "a[0][1]", "a[].a[].b", "a.{x: @}", "[a, a]", "{x: a, y: a.b}",
]  # fmt: skip

# Strings that cannot be compared with numbers keep out of the oracle's own defects: it raises TypeError for 1 < 'a',
# and takes true for 1 inside lists.
scalars = st.none() | st.integers(-3, 3) | st.sampled_from(["", "x", "y", "zz"]) | st.booleans()
names = st.sampled_from(["a", "b", "c"])
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=3), max_leaves=25
)


def oracle(expression: str, document: Any) -> tuple[str, Any]:
    try:
        return "value", jmespath.search(expression, document)
    except jmespath.exceptions.JMESPathError:
        return "error", None
    except TypeError:
        return "oracle-defect", None


def ours(expression: str, document: Any) -> tuple[str, Any]:
    try:
        return "value", compile_expression(expression, strict=False)(document, None)  # type: ignore[arg-type]
    except Permanent:
        return "error", None


def mixes_answers_and_numbers(document: Any) -> bool:
    kinds: set[type] = set()
    waiting = [document]
    while waiting:
        current = waiting.pop()
        if isinstance(current, list | dict):
            waiting.extend(current.values() if isinstance(current, dict) else current)
        else:
            kinds.add(type(current))
    return {bool, int} <= kinds


@settings(max_examples=200, deadline=None)
@given(document=st.dictionaries(names, documents, max_size=3))
def test_closures_agree_with_jmespath(document: Any) -> None:
    mixed = mixes_answers_and_numbers(document)
    for expression in EXPRESSIONS:
        asks_equality = "==" in expression or "!=" in expression or "contains" in expression
        expected = oracle(expression, document)
        if expected[0] != "oracle-defect" and not (asks_equality and mixed):
            assert ours(expression, document) == expected, expression


@settings(max_examples=200, deadline=None)
@given(document=documents, expression=st.sampled_from(EXPRESSIONS))
def test_a_document_is_never_changed(document: Any, expression: str) -> None:
    before = repr(document)
    ours(expression, document)
    assert repr(document) == before
