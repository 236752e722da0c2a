"""The traps of DESIGN section 4: each is a finding at the exact place, with the rewrite, which then has none."""

from __future__ import annotations

import pytest

from engine.expr.shape import UNKNOWN, Place, Shape
from tests.expr.support import SALE, problems

# place, expression, what the finding points at, code, the rewrite of that part
TRAPS: list[tuple[Place, str, str, str, str]] = [
    ("condition", "'false'", "'false'", "TF2031", "`false`"),
    ("condition", "'yes'", "'yes'", "TF2031", "`true`"),
    ("condition", "present(currency) && 'no'", "'no'", "TF2031", "`false`"),
    ("condition", "training", "training", "TF2032", "is_true(training)"),
    ("condition", "customer.consent", "customer.consent", "TF2032", "is_true(customer.consent)"),
    ("condition", "!voided", "voided", "TF2032", "is_true(voided)"),
    ("condition", "is_true(training) && voided", "voided", "TF2032", "is_true(voided)"),
    ("condition", "receipt_no", "receipt_no", "TF2030", "present(receipt_no)"),
    ("condition", "customer", "customer", "TF2030", "present(customer)"),
    ("condition", "length(lines)", "length(lines)", "TF2030", "length(lines) > `0`"),
    ("condition", "lines[?gtin] == `[]`", "gtin", "TF2030", "present(gtin)"),
    ("condition", "every(lines, &sku)", "sku", "TF2030", "present(sku)"),
    ("condition", "if(voided, `true`, `false`)", "voided", "TF2032", "is_true(voided)"),
    ("condition", "receipt_no == `1001`", "receipt_no", "TF2033", "number(receipt_no)"),
    ("condition", "totals.net == '12.50'", "'12.50'", "TF2033", "`12.50`"),
    ("condition", "voided == 'true'", "'true'", "TF2033", "`true`"),
    ("condition", "`5` > receipt_no", "receipt_no", "TF2033", "number(receipt_no)"),
    ("condition", "date(business_date) > '2026-01-01'", "'2026-01-01'", "TF2033", "date('2026-01-01')"),
    ("condition", "business_date == date('2026-01-01')", "business_date", "TF2033", "date(business_date)"),
    (
        "condition",
        "business_date > '2026-01-01'",
        "business_date > '2026-01-01'",
        "TF2034",
        "date(business_date) > date('2026-01-01')",
    ),
    ("condition", "receipt_no < store.id", "receipt_no < store.id", "TF2034", "number(receipt_no) < number(store.id)"),
    ("condition", "status == 'shiped'", "'shiped'", "TF2035", "'shipped'"),
    ("condition", "sum(lines[].net) == totals.net", "sum(lines[].net)", "TF2040", "money_sum(lines, 'net')"),
    ("value", "sum(lines[*].discount)", "sum(lines[*].discount)", "TF2040", "money_sum(lines, 'discount')"),
    ("condition", "tru", "tru", "TF2021", "`true`"),
    ("condition", "fasle", "fasle", "TF2021", "`false`"),
    ("condition", "training == true", "true", "TF2021", "`true`"),
    ("condition", "customer.id == nul", "nul", "TF2021", "`null`"),
    ("condition", "customer.id != none", "none", "TF2021", "`null`"),
    ("condition", "voided == True", "True", "TF2021", "`true`"),
    ("value", "now", "now", "TF2022", "now()"),
    ("condition", 'currency == "EUR"', '"EUR"', "TF2023", "'EUR'"),
    ("value", "join('-', [store.id, lines[0].line_no])", "lines[0].line_no", "TF2012", "text(lines[0].line_no)"),
    ("value", "money_add(totals.net, receipt_no)", "receipt_no", "TF2012", "number(receipt_no)"),
    ("condition", "currency = 'EUR'", "=", "TF2007", "=="),
    ("condition", "present(currency) and present(status)", "and", "TF2007", "&&"),
    ("condition", "currency == `EUR`", "`EUR`", "TF2005", "'EUR'"),
    ("value", "money_summ(lines, 'net')", "money_summ", "TF2010", "money_sum"),
    ("value", "money_sum(lines, 'nte')", "nte", "TF2020", "net"),
    ("value", "stor.id", "stor", "TF2020", "store"),
    ("value", "sort_by(lines, &line_on)[0].sku", "line_on", "TF2020", "line_no"),
    ("value", "money_round(totals.net, `2`, 'half_upp')", "'half_upp'", "TF2015", "'half_up'"),
]


@pytest.mark.parametrize(("place", "expression", "pointed", "code", "rewrite"), TRAPS)
def test_a_trap_and_its_rewrite(place: Place, expression: str, pointed: str, code: str, rewrite: str) -> None:
    found = problems(expression, SALE, place)
    assert [error.code for error in found] == [code]
    error = found[0]
    assert expression[error.offset : error.offset + error.length] == pointed
    assert error.suggestion == rewrite
    fixed = expression[: error.offset] + rewrite + expression[error.offset + error.length :]
    assert [e.code for e in problems(fixed, SALE, place)] in ([], ["TF2040"], ["TF2044"]), fixed


@pytest.mark.parametrize(
    ("place", "expression", "code"),
    [
        ("key", "customer.id", "TF2041"),
        ("key", "store", "TF2043"),
        ("key", "lines", "TF2043"),
        ("value", "customer.id", "TF2042"),
        ("value", "lines[1].sku", "TF2042"),
        ("value", "find('stores', store.id).name", "TF2042"),
        ("value", "upper(customer.name)", "TF2044"),
        ("condition", "totals.rounding > `0`", "TF2044"),
        ("value", "join(',', lines[].gtin)", "TF2040"),
        ("value", "lines.sku", "TF2024"),
        ("value", "receipt_no.x", "TF2024"),
        ("value", "store[0]", "TF2024"),
        ("condition", "`null` < totals.net", "TF2033"),
        ("condition", "store < store", "TF2033"),
    ],
)
def test_what_has_no_single_rewrite(place: Place, expression: str, code: str) -> None:
    found = problems(expression, SALE, place)
    assert [error.code for error in found] == [code]
    assert found[0].help


@pytest.mark.parametrize(
    ("place", "expression"),
    [
        ("condition", "is_true(training)"),
        ("condition", "present(customer.id) && is_true(customer.consent)"),
        ("condition", "voided || `false`"),
        ("condition", "money_sum(lines, 'net') == totals.net"),
        ("condition", "meta('schema') == 'sale.completed@2'"),
        ("condition", "param('posting') == 'line'"),
        ("condition", "length(lines) > `2`"),
        ("condition", "days_between(business_date, '2026-01-01') > `30`"),
        ("condition", "customer.id == `null`"),
        ("condition", "!present(customer.id)"),
        ("condition", "status == 'shipped'"),
        ("condition", "`true`"),
        ("condition", "some(lines, &net < `0`)"),
        ("value", "join('-', [store.id, receipt_no])"),
        ("value", "lookup('stores', store.id).company"),
        ("value", "lines[0].sku"),
        ("value", "customer.name || 'unknown'"),
        ("value", "coalesce(customer.name, 'unknown')"),
        ("value", "lines[].{no: line_no, ean: gtin}"),
        ("value", "sort_by(lines, &line_no)[0].sku"),
        ("optional", "extensions.anything.below"),
        ("value", "tax_of_gross(totals.gross, `21`)"),
        ("optional", "customer.id"),
        ("key", "store.id"),
        ("value", "training"),
    ],
)
def test_what_is_right_has_no_finding(place: Place, expression: str) -> None:
    assert problems(expression, SALE, place) == []


def test_words_are_found_where_nothing_is_known_of_the_document() -> None:
    for word in ("true", "tru", "fasle", "null", "none"):
        assert [e.code for e in problems(f"a == {word}", UNKNOWN, "condition")] == ["TF2021"]
    for name in ("rue", "full", "text", "date", "a"):
        assert problems(name, UNKNOWN) == []


def test_a_field_of_that_name_is_no_misspelling() -> None:
    shape = Shape.of_object({"none": Shape.of("text"), "text": Shape.of("text")})
    assert problems("none", shape) == [] and problems("text", shape) == []


def test_a_name_of_the_whole_document_inside_a_projection_is_explained() -> None:
    (error,) = problems("lines[?sku == currency].net", SALE)
    assert error.code == "TF2020" and "out of reach" in error.help


def test_an_error_is_told_once() -> None:
    assert len(problems("every(lines, &ne > `0`)", SALE, "condition")) == 1
    assert len(problems("join('-', [stor.id])", SALE)) == 1
