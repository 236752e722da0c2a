"""Errors of long expressions and values: a message is read by people, so it quotes their beginning only."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import Failure
from engine.expr.jmes import compile_expression
from engine.expr.template import compile_template
from engine.plugins.fields import KeyExpr
from engine.plugins.valueforms import ValueExpr
from engine.plugins.values import evaluate, key_parts
from tests.expr.support import Surroundings

LONG = "z" * 3_000
ROOM = 400  # characters of a whole message: what is quoted, and what is said of it


def told(run: Any) -> Failure:
    """The failure, whose message has to be short."""
    with pytest.raises(Failure) as caught:
        run()
    assert len(caught.value.detail) <= ROOM, len(caught.value.detail)
    assert len(str(caught.value)) <= ROOM + 50
    return caught.value


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (f"upper(coalesce(nothing, nothing, {LONG}))", "upper(): `value` is nothing"),
        (f"concat('{LONG}', nothing)", "concat()"),
        (f"money_mul(`1e40`, `1e9`) || '{LONG}'", "round it, or make it text"),
        (f"money_mul(`{'9' * 39}`, money_mul(`{'9' * 39}`, `{'9' * 39}`)) || money_sum(a, '{LONG}')", "round it"),
        (f"one < '{LONG}'", "compare"),
        ("number('1.0', long)", "as decimal mark"),
        ("number(concat('1', long, '1'), '.', long)", "does not stand between groups"),
        ("money_sum([{a: `1`}], long)", "element 1 has no `zzz"),
        ("param(long)", "the route has no parameter `zzz"),
    ],
)
def test_an_expression_that_fails_is_quoted_from_its_beginning(expression: str, said: str) -> None:
    compiled = compile_expression(expression)
    failure = told(lambda: compiled({"one": 1, "long": LONG, "a": []}, Surroundings()))  # type: ignore[arg-type]
    assert failure.detail.startswith(f"`{expression[:60]}")
    assert said in failure.detail
    assert failure.data["expression"] == expression  # where it was stays whole


def test_a_condition_that_gives_no_answer() -> None:
    compiled = compile_expression(f"'{LONG}'")
    failure = told(lambda: compiled.condition({}, Surroundings()))  # type: ignore[arg-type]
    assert failure.reason == "not-yes-no" and "zzz..." in failure.detail


def test_a_template() -> None:
    failure = told(lambda: compile_template("{{ nothing }}" + LONG).render({}, Surroundings()))  # type: ignore[arg-type]
    assert failure.reason == "template-failed" and "`{{ nothing }}zzz" in failure.detail


def test_a_value_that_gives_nothing_or_has_no_entry() -> None:
    long = compile_expression(f"nothing.{LONG}")
    failure = told(lambda: evaluate(ValueExpr(expr=long), {}, None, "totals.net"))  # type: ignore[arg-type]
    assert failure.detail.startswith("field `totals.net`: `nothing.zzz") and failure.detail.endswith(
        "...` gives nothing"
    )
    words = ValueExpr(expr=compile_expression("a"), values={f"word{n}": n for n in range(500)})
    failure = told(lambda: evaluate(words, {"a": LONG}, None, "kind"))  # type: ignore[arg-type]
    assert failure.detail.startswith("field `kind`: no entry for 'zzz") and "known: word0, word1" in failure.detail


def test_a_key_that_is_incomplete() -> None:
    key = KeyExpr((compile_expression(f"nothing.{LONG}"),))
    assert told(lambda: key_parts(key, {}, None)).detail.endswith("...` gives nothing")  # type: ignore[arg-type]
