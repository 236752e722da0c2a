"""A number an expression makes is one that the reader of JSON takes again; any other is refused where it is made."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.core import jsonx
from engine.core.errors import Permanent
from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.expr.made import makes_numbers
from engine.expr.parse import parse
from engine.expr.types import Anything, Text
from engine.plugins.valueforms import ValueExpr
from engine.plugins.values import evaluate
from tests.expr.support import run

LONG = "9" * 40
DATA = {"long": int(LONG), "many": [int(LONG)] * 2, "lines": [{"net": Decimal(LONG), "code": "A"}] * 2, "text": LONG}


def huge(value: Anything) -> Anything:
    """Far more digits than anybody reads, inside of an object."""
    return {"found": [10**200]}


def word(value: Anything) -> Text:
    """A text."""
    return "9" * 200


TABLE = FunctionTable.builtin().extended({"huge": huge, "word": word})


@pytest.mark.parametrize(
    "expression",
    [
        "sum(many)",
        "money_sum(lines, 'net')",
        "money_add(long, `1`)",
        "money_mul(long, long)",
        "money_mul(`1e-39`, `0.01`)",
        "sum_by(lines, 'code', 'net')",
        "number(concat(text, '0'))",
        "{total: sum(many)}",
        "[[sum(many)]]",
        "many[].{more: money_mul(@, `10`)}",
        "coalesce(nothing, sum(many))",
        "if(`true`, sum(many), `0`)",
        "map(&money_mul(@, `10`), many)",
        "huge(text)",
    ],
)
def test_a_number_that_nobody_could_read_again_is_refused(expression: str) -> None:
    with pytest.raises(Permanent) as caught:
        compile_expression(expression, TABLE)(DATA, None)  # type: ignore[arg-type]
    assert (caught.value.reason, caught.value.data["error"]) == ("number-too-long", "limit-exceeded")
    assert caught.value.detail.startswith(f"`{expression}`: ")
    assert "round it, or make it text" in caught.value.detail


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("long", int(LONG)),
        ("money_neg(long)", -int(LONG)),
        ("money_sub(sum(many), long)", int(LONG)),  # only what comes out is data
        ("sum(many) > long", True),
        ("money_round(money_div(sum(many), `2`), `0`) == long", True),
        ("text(sum(many))", str(2 * int(LONG))),
        ("length(many)", 2),
    ],
)
def test_what_can_be_read_again_comes_out(expression: str, expected: Any) -> None:
    found = run(expression, DATA)
    assert found == expected
    assert jsonx.parse(jsonx.encode(found)) == found or isinstance(found, str)


def test_a_condition_over_large_numbers_is_an_answer() -> None:
    assert compile_expression("sum(many) > long").condition(DATA, None) is True  # type: ignore[arg-type]


def test_plain_jmespath_has_no_caps_of_its_own() -> None:
    assert run("sum(many)", DATA, strict=False) == 2 * int(LONG)


def test_a_value_of_set_or_with_names_its_field() -> None:
    value = ValueExpr(expr=compile_expression("sum(many)"))
    with pytest.raises(Permanent, match="number-too-long") as caught:
        evaluate(value, DATA, None, "totals.gross")  # type: ignore[arg-type]
    assert caught.value.data["field"] == "totals.gross"


def test_only_what_may_make_a_number_is_looked_through() -> None:
    for expression in (
        "lines[].net",
        "coalesce(a, b)",
        "first(lines).net",
        "join('-', parts)",
        "word(a)",
        "sum(a) > b",
    ):
        assert not makes_numbers(parse(expression), TABLE), expression
    for expression in ("sum(a)", "{a: money_neg(b)}", "huge(a)", "sum_by(a, 'b', 'c')", "map(&number(a), b)"):
        assert makes_numbers(parse(expression), TABLE), expression
