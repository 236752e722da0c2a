"""Numbers stay exact: int and Decimal in, the same digits out, never a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import jsonx
from engine.core.errors import Permanent
from engine.expr.jmes import compile_expression
from tests.expr.support import exact, run

LINES = jsonx.parse('{"lines": [{"net": 0.10}, {"net": 0.20}, {"net": 3}], "id": 9007199254740993, "big": 1e20}')


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(lines[].net)", "3.30"),
        ("money_sum(lines, 'net')", "3.30"),
        ("avg([`1.10`, `1.20`])", "1.15"),
        ("avg([`2`, `4`])", "3"),
        ("max(lines[].net)", "3"),
        ("min(lines[].net)", "0.10"),
        ("abs(`-1.50`)", "1.50"),
        ("abs(`-12345678901234567890123456789.125`)", "12345678901234567890123456789.125"),
        ("ceil(`1234567890123456789012345678901234567.5`)", "1234567890123456789012345678901234568"),
        ("floor(`-1.50`)", "-2"),
        ("to_number('1.50')", "1.50"),
        ("to_number('9007199254740993')", "9007199254740993"),
        ("id", "9007199254740993"),
        ("`9007199254740993`", "9007199254740993"),
        ("`0.1`", "0.1"),
        ("`1.50`", "1.50"),
        ("sum([`1e28`, `0.00000000000000000001`])", "10000000000000000000000000000.00000000000000000001"),
    ],
)
def test_the_digits_of_a_result(expression: str, expected: str) -> None:
    value = run(expression, LINES)
    assert str(value) == expected
    assert type(value) in (int, Decimal)


def test_a_third_has_34_digits_and_passes_our_own_reader() -> None:
    third = run("avg([`1`, `0`, `0`])")
    assert str(third) == "0.3333333333333333333333333333333333"
    assert jsonx.parse(jsonx.encode(third)) == third


def test_ids_beyond_two_to_the_53_compare_exactly() -> None:
    assert run("id == `9007199254740993`", LINES) is True
    assert run("id == `9007199254740992`", LINES) is False


def test_numbers_of_both_kinds_are_equal_and_ordered() -> None:
    assert run("`1` == `1.0`") is True
    assert run("`1.05` > `1`") is True
    assert run("sort([`2`, `1.5`, `-3`])") == [-3, Decimal("1.5"), 2]


def test_type_of_a_decimal_is_number() -> None:
    assert run("type(`1.5`)") == "number"


def test_text_of_numbers_keeps_their_digits() -> None:
    assert run("to_string(`1.50`)") == "1.50"
    assert run("to_string({a: `1.50`, b: [`9007199254740993`]})") == '{"a":1.50,"b":[9007199254740993]}'


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1_000", "0x10", "1e999", " 1", "1.", ""])
def test_to_number_knows_json_numbers_only(word: str) -> None:
    assert run("to_number(a)", {"a": word}) is None


def test_a_product_that_does_not_fit_exactly_is_an_error() -> None:
    huge = Decimal("1." + "7" * 90)
    with pytest.raises(Permanent, match="does not fit exactly"):
        run("money_mul(a, a)", {"a": huge})


amounts = st.integers(-(10**30), 10**30) | st.decimals(
    allow_nan=False, allow_infinity=False, places=4, min_value=-(10**25), max_value=10**25
)


@given(st.lists(amounts, max_size=30))
def test_a_sum_is_what_integers_of_the_smallest_part_give(values: list[Any]) -> None:
    total = run("sum(a)", {"a": values})
    assert _parts(total) == sum(map(_parts, values))


def _parts(value: Any) -> int:
    """The number in ten-thousandths, made from its digits and not by calculating with decimals."""
    sign, digits, exponent = Decimal(value).as_tuple()
    whole = int("".join(map(str, digits))) * 10 ** (4 + int(exponent))
    return -whole if sign else whole


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9), min_size=1
    )
)
def test_money_sum_and_sum_agree(values: list[Decimal]) -> None:
    data = {"lines": [{"net": value} for value in values]}
    assert exact(run("money_sum(lines, 'net')", data)) == exact(run("sum(lines[].net)", data))


def test_plain_mode_is_exact_too() -> None:
    assert compile_expression("sum(lines[].net)", strict=False)(LINES, None) == Decimal("3.30")  # type: ignore[arg-type]
