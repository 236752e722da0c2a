"""Caps on length, nesting, result and work; attack row X6."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import Permanent
from engine.core.quoting import short
from engine.expr.errors import ExpressionError
from engine.expr.functions import FunctionTable
from engine.expr.growth import needs_meter
from engine.expr.jmes import compile_expression
from engine.expr.limits import MAX_NODES, MAX_WORK
from engine.expr.parse import parse
from tests.expr.support import run

TABLE = FunctionTable.builtin()


def code_of(expression: str) -> str:
    with pytest.raises(ExpressionError) as error:
        compile_expression(expression)
    assert 0 <= error.value.offset <= len(expression)
    return error.value.code


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("[" * 5_000, "TF2008"),
        ("a" + ".a" * 50_000, "TF2008"),
        ("é" * 3_000, "TF2008"),
        ("a == `1e999999999999999999999`", "TF2005"),
        ("ceil(`1e9999999`)", "TF2005"),
        (f"a == `{'9' * 41}`", "TF2005"),
        ('a == `"\\ud800"`', "TF2005"),
        ('{"\\ud800": a}', "TF2005"),
        ("[" * 65 + "a" + "]" * 65, "TF2009"),
        ("(" * 100 + "a" + ")" * 100, "TF2009"),
        ("!" * 100 + "a", "TF2009"),
        ("& " * 100 + "a", "TF2009"),
        ("a" + "[*]" * 500, "TF2009"),
        ("a" + "[?a" * 70 + "]" * 70, "TF2009"),
        ("a" + "[]" * 1_000, "TF2009"),
        ("abs(" * 70 + "a" + ")" * 70, "TF2009"),
    ],
)
def test_what_is_refused_before_it_runs(expression: str, code: str) -> None:
    assert code_of(expression) == code


@pytest.mark.parametrize(
    "expression",
    [
        "a" + ".a" * 1_500,
        "a" + " || a" * 600,
        "a" + " | a" * 600,
        "a" + "[0]" * 1_000,
        "a" + " && a" * 500,
    ],
)
def test_what_is_long_but_not_deep_is_fine(expression: str) -> None:
    assert compile_expression(expression, strict=False)({"a": None}, None) is None  # type: ignore[arg-type]


def test_sixty_brackets_are_not_too_deep() -> None:
    found = compile_expression("[" * 60 + "a" + "]" * 60, strict=False)({"a": 7}, None)  # type: ignore[arg-type]
    for _ in range(60):
        (found,) = found
    assert found == 7


def limit_exceeded(expression: str, data: Any) -> str:
    """What is said of an evaluation that goes past a limit."""
    compiled = compile_expression(expression, strict=False)
    with pytest.raises(Permanent) as failure:
        compiled(data, None)  # type: ignore[arg-type]
    assert failure.value.data["error"] == "limit-exceeded"
    assert failure.value.reason == "expression-failed"
    return failure.value.detail


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@, @]"] * 40),
        "|".join(["[@, @, @, @, @, @, @, @][]"] * 20),
        "[*].[@, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @][]",
        "|".join(["{a: @, b: @}"] * 60),
        "to_string(" + "|".join(["[@, @]"] * 40) + ")",
        "(" + "|".join(["[@, @]"] * 30) + ") == (" + "|".join(["[@, @]"] * 30) + ")",
        "zip(@, @) | zip(@, @) | zip(@, @) | [*][*] | [][] | [*].[@, @, @, @, @, @, @, @, @]",
        "map(&[@, @, @, @, @, @, @, @, @], @)",
    ],
)
def test_a_small_expression_cannot_make_a_large_result(expression: str) -> None:
    said = limit_exceeded(expression, [[n, n + 1] for n in range(10_000)])
    assert said.startswith(f"`{short(expression)}`: ")
    assert f"makes more than {MAX_NODES:,} values" in said or f"touches more than {MAX_WORK:,} values" in said


def test_many_projections_over_a_large_document_end() -> None:
    expression = "[" + ", ".join(["length([*][*])"] * 100) + "]"
    assert f"touches more than {MAX_WORK:,} values" in limit_exceeded(expression, [[n] for n in range(49_000)])


@pytest.mark.parametrize(
    "expression", ["lines[].n", "lines[].{a: n}", "lines[*].[n]", "lines[?n >= `0`]", "lines[]", "lines[][]"]
)
def test_a_list_past_the_cap_is_refused(expression: str) -> None:
    past = {"lines": [{"n": n} for n in range(MAX_NODES + 1)]}
    assert f"makes more than {MAX_NODES:,} values" in limit_exceeded(expression, past)


@pytest.mark.parametrize(
    "expression",
    ["pad_left('a', `1000000000`, '0')", "range(`1000000000`)", "join(a, b)", "replace(a, 'x', a)", "concat(a, a, a)"],
)
def test_functions_cannot_make_large_values(expression: str) -> None:
    said = limit_exceeded(expression, {"a": "x" * 100_000, "b": ["x"] * 1_000})
    assert ": makes a text of more than 262,144 characters" in said or "gives 0 to 10,000 numbers" in said


def test_a_document_nested_deeper_than_python_recurses_gives_a_failure() -> None:
    left: Any = []
    right: Any = []
    for _ in range(5_000):
        left, right = [left], [right]
    assert "nested too deep" in limit_exceeded("a == b", {"a": left, "b": right})


def test_ordinary_expressions_are_not_metered() -> None:
    for expression in (
        "lines[].{sku: sku, qty: qty}",
        "join('-', [store.id, till.id])",
        "sum(lines[].net)",
        "lookup('t', ['a', b]).c",
    ):
        assert not needs_meter(parse(expression), TABLE), expression
    for expression in ("[@, @]", "{a: x, b: x}", "[a, a.b]", "a | [@, @]"):
        assert needs_meter(parse(expression), TABLE), expression


def test_one_large_evaluation_does_not_spend_the_next_ones_budget() -> None:
    expression = "[*].[@, @][]"
    for _ in range(200):
        assert len(run(expression, [[1]] * 1_000)) == 2_000
