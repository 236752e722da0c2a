"""Functions: every example of every docstring, failures that say what to do, and plugin functions in the same table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import pytest

from engine.core import jsonx
from engine.core.errors import Permanent
from engine.expr.env import Env
from engine.expr.errors import ExpressionError
from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.expr.types import Anything, ExpressionArg, Lazy, List, Number, Object, Text, YesNo
from tests.expr.support import ENV, exact, problems, run

TABLE = FunctionTable.builtin()
EXAMPLES = [
    pytest.param(expression, expected, id=f"{function.name}: {expression}")
    for function in TABLE.values()
    for expression, expected in function.examples
]


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES)
def test_the_examples_of_the_docstrings(expression: str, expected: str) -> None:
    assert exact(run(expression)) == exact(jsonx.parse(expected))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_function_is_documented(name: str) -> None:
    function = TABLE[name]
    assert function.summary.endswith(".") and function.examples and TABLE.groups[name]
    assert all(parameter.name for parameter in function.parameters)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("money('12,50')", "not a number"),
        ("money('1e5')", "not a number"),
        ("money('')", "not a number"),
        ("money_sum(lines, 'net')", "element 2 has no `net`"),
        ("money_sum(lines, 'sku')", "`sku` of element 1 is text, not a number"),
        ("money_sum(lines, 'a.b')", "element 1 has no `a.b`"),
        ("money_sum(['x'], 'net')", "it is text, not an object"),
        ("money_div(`1`, `0`)", "divide by zero"),
        ("money_round(`1`, `13`)", "0 to 12"),
        ("money_round(`1`, `1.5`)", "whole number"),
        ("minor_units(`1.005`, 'EUR')", "more decimal places than EUR"),
        ("minor_units(`1.5`, 'JPY')", "more decimal places than JPY"),
        ("minor_units(`1`, 'EURO')", "ISO 4217"),
        ("date('14.03.2026')", "parse_date"),
        ("date('2026-02-30')", "not a date"),
        ("date('2026-03-14x')", "not a date"),
        ("parse_date('14-03-2026', 'DD.MM.YYYY')", "does not look like DD.MM.YYYY"),
        ("parse_date('31.02.2026', 'DD.MM.YYYY')", "no date there is"),
        ("parse_date('14', concat('D', 'D'))", "no year"),
        ("parse_date('x', concat('DD.MM.', 'JJJJ'))", "made of YYYY"),
        ("date_time('2026-03-14T10:00:00')", "no offset"),
        ("at_zone('2026-03-14T10:00:00Z', 'Mars/Base')", "not known"),
        ("at_zone('2026-03-14T10:00:00Z', '../etc/passwd')", "not known"),
        ("add_days('9999-12-31', `1`)", "out of range"),
        ("number('1.234,50', ',')", "not a number"),
        ("number('12.34,50', ',', '.')", "groups of three"),
        ("number('1', '.', '.')", "the same"),
        ("number('abc')", "not a number"),
        ("is_true('maybe')", "neither yes nor no"),
        ("is_true(`2`)", "neither yes nor no"),
        ("if(a, 'x', 'y')", "`condition` is nothing, it must be yes/no"),
        ("pad_left('a', `5`, 'xy')", "exactly one character"),
        ("replace('a', '', 'x')", "is empty"),
        ("substring('abc', `0`, `-1`)", "below zero"),
        ("concat('a', missing)", "element"),
        ("join('-', [sku, missing])", "element 2 of `parts` is nothing, it must be text"),
        ("index_by([{s: 'A'}, {s: 'A'}], 's')", "element 2 has the same `s`"),
        ("zip(['a'], `[]`)", "different lengths"),
        ("param('nothing')", "no parameter `nothing`"),
        ("secret('nothing')", "not set where the engine runs"),
        ("uuid_of('a', missing)", "null"),
        ("sum(['a'])", "element 1 of `values` is text, it must be a number"),
        ("sort([`1`, 'a'])", "mixes numbers and text"),
        ("sort([`true`])", "no order"),
        ("max_by(lines, &sku || net)", "mixes"),
        ("every(lines, &sku)", "not a yes/no answer"),
    ],
)
def test_a_failure_says_what_is_wrong(expression: str, says: str) -> None:
    data = {"sku": "A", "lines": [{"net": 1, "sku": "A", "a": {}}, {"sku": None, "no": 2}]}
    if expression.startswith("max_by"):
        data = {"lines": [{"sku": "A"}, {"net": 1}]}
    if expression.startswith("concat"):
        says = "`parts` is nothing"
    with pytest.raises(Permanent) as failure:
        run(expression, data)
    assert says in failure.value.detail, failure.value.detail


def test_lazy_arguments_are_not_evaluated_in_vain() -> None:
    assert run("coalesce(a, lookup('stores', '9999'))", {"a": "here"}) == "here"
    assert run("if(`true`, 'x', lookup('stores', '9999'))") == "x"
    assert run("coalesce(a, b)", {}) is None


def test_a_table_key_of_several_columns_and_a_date() -> None:
    asked: list[Any] = []

    class Asking:
        def lookup(self, table: str, key: Any, on: str = "") -> dict[str, Any]:
            asked.append((table, key, on))
            return {"account": "7000"}

    expression = compile_expression("lookup('accounts', ['vat', tax.code], date(day)).account")
    assert expression({"tax": {"code": "S"}, "day": "2026-03-14"}, Asking()) == "7000"  # type: ignore[arg-type]
    assert asked == [("accounts", ["vat", "S"], "2026-03-14")]
    assert type(asked[0][2]) is str


def test_what_an_expression_names_outside_of_its_document() -> None:
    text = "lookup('stores', id).a == param('posting') && meta('schema') == 'sale.completed@2' && present(secret('k'))"
    found = compile_expression(text).references
    assert [(r.kind, r.name) for r in found] == [
        ("table", "stores"), ("param", "posting"), ("meta", "schema"), ("schema", "sale.completed@2"), ("secret", "k"),
    ]  # fmt: skip
    assert all(text[r.offset : r.offset + r.length] == r.name for r in found)


def test_regular_expressions_are_linear_and_compiled_before_anything_runs() -> None:
    assert run("matches(a, '(a+)+$')", {"a": "a" * 5_000 + "!"}) is False
    for expression, code in (
        ("matches(a, b)", "TF2013"),
        ("matches(a, '(')", "TF2014"),
        ("matches(a, '(?=x)')", "TF2014"),
    ):
        (error,) = problems(expression)
        assert error.code == code


def label(store: Object, width: Number = 20, mode: Literal["short", "long"] = "short") -> Text:
    """A label."""
    return f"{store['name'][: int(width)]}:{mode}"


def first_with(env: Env, items: List, condition: ExpressionArg, otherwise: Lazy) -> Anything:
    """The first element for which a condition holds."""
    return next((item for item in items if condition(item)), None) or otherwise() or env.meta("schema")


def either(*answers: YesNo) -> YesNo:
    """Whether one of the answers is yes."""
    return any(answers)


PLUGINS = TABLE.extended({"store_label": label, "first_with": first_with, "either": either})


def test_plugin_functions_are_checked_like_the_others() -> None:
    call = compile_expression("store_label(s, `3`, 'long')", PLUGINS)
    assert call({"s": {"name": "Mayor"}}, ENV) == "May:long"
    assert compile_expression("first_with(l, &n > `1`, 'x').n", PLUGINS)({"l": [{"n": 1}, {"n": 2}]}, ENV) == 2
    assert compile_expression("first_with(l, &n > `5`, other)", PLUGINS)({"l": []}, ENV) == "sale.completed@2"
    assert compile_expression("either(a, `true`)", PLUGINS)({"a": False}, ENV) is True
    assert PLUGINS["store_label"].usage == "store_label(store, width?, mode?)"
    assert PLUGINS.groups["store_label"] == "plugins"


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("store_label()", "TF2011"),
        ("store_label('x')", "TF2012"),
        ("store_label(s, `3`, 'wide')", "TF2015"),
        ("store_labl(s)", "TF2010"),
        ("first_with(l, n, 'x')", "TF2012"),
        ("either('yes')", "TF2012"),
    ],
)
def test_a_wrong_call_of_a_plugin_function(expression: str, code: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_expression(expression, PLUGINS)
    assert error.value.code == code


def test_a_plugin_function_that_breaks_fails_the_event_and_tells_no_value() -> None:
    def broken(value: Text) -> Text:
        """Breaks."""
        raise ValueError(value)

    table = TABLE.extended({"broken": broken})
    with pytest.raises(Permanent) as failure:
        compile_expression("broken(a)", table)({"a": "4111111111111111"}, ENV)
    assert "failed with ValueError" in failure.value.detail and "4111" not in failure.value.detail


@pytest.mark.parametrize(
    ("name", "function", "says"),
    [
        ("money", label, "exists already"),
        ("a.b", label, "cannot be the name"),
        ("x", lambda *, a: a, "must be positional"),
    ],
)
def test_a_function_that_cannot_join_the_table(name: str, function: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TABLE.extended({name: function})


def test_an_annotation_that_is_no_type_of_the_language() -> None:
    def odd(value: bytes) -> Text:
        """Odd."""
        return ""

    with pytest.raises(ValueError, match=r"is not a type of an expression; engine\.sdk has Text"):
        TABLE.extended({"odd": odd})


def test_identities_are_the_same_for_equal_numbers_and_differ_by_kind() -> None:
    assert run("uuid_of(`1.50`)") == run("uuid_of(`1.5`)")
    assert run("uuid_of('1')") != run("uuid_of(`1`)")
    assert run("uuid_of('a', 'bc')") != run("uuid_of('ab', 'c')")


def test_tax_parts_add_up() -> None:
    for cents in range(1, 300, 7):
        data = {"gross": Decimal(cents).scaleb(-2)}
        assert run("money_add(net_of_gross(gross, `21`), tax_of_gross(gross, `21`)) == gross", data) is True
