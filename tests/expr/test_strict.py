"""Strict mode: what a route refuses while it runs, and plain mode beside it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import Permanent
from engine.expr.jmes import compile_expression
from tests.expr.support import ENV, run


def refused(expression: str, data: Any = None) -> Permanent:
    with pytest.raises(Permanent) as failure:
        run(expression, data)
    assert f"`{expression}`" in failure.value.detail
    return failure.value


@pytest.mark.parametrize("answer", [True, False])
def test_a_condition_that_is_an_answer(answer: bool) -> None:
    assert compile_expression("flag").condition({"flag": answer}, ENV) is answer


@pytest.mark.parametrize("value", ["false", "true", "", 0, 1, None, [], ["a"], {}, {"a": 1}])
def test_a_condition_that_is_no_answer(value: Any) -> None:
    with pytest.raises(Permanent) as failure:
        compile_expression("flag").condition({"flag": value}, ENV)
    assert failure.value.reason == "not-yes-no"
    assert "not a yes/no answer; write present(..), == or is_true(..)" in failure.value.detail


def test_a_missing_flag_is_no_answer_and_is_true_takes_it_as_no() -> None:
    with pytest.raises(Permanent, match="gives nothing"):
        compile_expression("training").condition({}, ENV)
    assert compile_expression("is_true(training)").condition({}, ENV) is False


@pytest.mark.parametrize(
    ("left", "right"), [(1, "1"), ("1", 1), (True, "true"), (True, 1), (0, False), ([], {}), ("a", ["a"]), ({}, "a")]
)
@pytest.mark.parametrize("op", ["==", "!="])
def test_comparing_different_kinds_is_an_error(left: Any, right: Any, op: str) -> None:
    assert "compares" in refused(f"a {op} b", {"a": left, "b": right}).detail
    plain = compile_expression(f"a {op} b", strict=False)({"a": left, "b": right}, ENV)
    assert plain is (op == "!=")


@pytest.mark.parametrize(("left", "right"), [(1, "1"), (None, 1), ("b", "a"), (True, False), ([1], [2])])
@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_order_is_for_numbers_and_dates(left: Any, right: Any, op: str) -> None:
    assert op in refused(f"a {op} b", {"a": left, "b": right}).detail


def test_text_by_order_says_what_to_use() -> None:
    assert "date(..) or number(..)" in refused("a < b", {"a": "2026-01-01", "b": "2026-02-01"}).detail


def test_null_may_be_compared_for_equality() -> None:
    assert run("a == `null`", {}) is True
    assert run("a != `null`", {"a": 1}) is True
    assert run("a == 'x'", {}) is False
    assert run("a != 'x'", {}) is True


def test_dates_compare_through_date() -> None:
    data = {"a": "2026-01-31", "b": "2026-02-01T10:00:00Z"}
    assert run("date(a) < date(b)", data) is True
    assert run("date(a) == date('2026-01-31')", data) is True
    assert "date(..) on both sides" in refused("date(a) < b", data).detail
    assert "compares a date with text" in refused("date(a) == '2026-01-31'", data).detail


def test_moments_compare_across_offsets() -> None:
    assert run("date_time('2026-03-14T10:00:00+01:00') == date_time('2026-03-14T09:00:00Z')") is True
    assert run("date_time('2026-03-14T10:00:00+01:00') < date_time('2026-03-14T09:00:00.5Z')") is True


@pytest.mark.parametrize(
    "expression", ["!a", "a && b", "lines[?a]", "b && a && b", "every(lines, &a)", "some(lines, &a)"]
)
def test_the_text_false_never_counts_as_yes(expression: str) -> None:
    data = {"a": "false", "b": True, "lines": [{"a": "false"}]}
    assert refused(expression, data).reason == "not-yes-no"


def test_or_still_gives_the_first_value_there_is() -> None:
    assert run("a || 'x'", {}) == "x"
    assert run("a || 'x'", {"a": "y"}) == "y"


def test_money_sum_fails_where_a_projection_skips() -> None:
    data = {"lines": [{"net": 1}, {"sku": "A"}, {"net": 2}]}
    assert run("sum(lines[].net)", data) == 3
    assert "money_sum(): element 2 has no `net`" in refused("money_sum(lines, 'net')", data).detail


def test_an_error_names_the_function_and_the_argument_and_no_value() -> None:
    failure = refused("upper(customer.mail)", {"customer": {"mail": 4111111111111111}})
    assert "upper(): `value` is a number, it must be text" in failure.detail
    assert "4111" not in str(failure) + str(failure.data)


def test_an_error_in_an_argument_is_not_told_of_the_function_around_it() -> None:
    assert "length()" not in refused("length(a[?b == `1`])", {"a": [{"b": "x"}]}).detail
    assert "upper(): " in refused("length(upper(a))", {"a": 1}).detail


def test_a_lookup_keeps_its_own_reason() -> None:
    with pytest.raises(Permanent) as failure:
        run("lookup('stores', '9999').name")
    assert failure.value.reason == "reference-missing"


def test_checked_dates_leave_as_plain_text() -> None:
    for expression in ("date('2026-01-01')", "max([date('2026-01-01')])", "coalesce(a, date('2026-01-01'))"):
        assert type(run(expression)) is str, expression
    made = run("{a: [date('2026-01-01')], b: add_days('2026-01-01', `1`)}")
    assert {type(made["a"][0]), type(made["b"])} == {str}
