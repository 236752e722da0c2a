"""Every name of an expression, misspelt: one finding, at its exact column, with the right name first."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from engine.expr.functions import FunctionTable
from engine.expr.parse import parse
from engine.expr.shape import Known, Shape
from tests.expr.support import SALE, problems

EXPRESSIONS = [
    "money_sum(lines, 'net') == totals.net",
    "join('-', [store.id, receipt_no, currency])",
    "is_true(training) && present(customer.id) || currency == 'EUR'",
    "lines[?net > `0` && present(gtin)].{number: line_no, article: sku}",
    "sort_by(lines, &line_no)[0].sku",
    "lookup('stores', store.id).company",
    "(  totals.gross )",
    "lines[0].net",
    "map(&upper(sku), lines)",
    "lines[*].[sku, line_no][]",
    "coalesce(customer.name, store.name, 'é')",
    "'ünïcode' == currency && status == 'open'",
    "lines | [-1].sku",
    "if(is_true(training), totals.net, totals.gross)",
    "days_between(business_date, '2026-01-01') > `30`",
]  # fmt: skip
KNOWN = re.compile(r"[A-Za-z_]\w*")
COLUMNS = Shape.of_object({"id": Shape.of("text"), "company": Shape.of("text")})


def names(expression: str) -> Iterator[tuple[int, str]]:
    """Fields and functions: words outside of quotes and backticks that are not keys of a multi-select."""
    blank = re.sub(r"'[^']*'|`[^`]*`", lambda match: " " * len(match[0]), expression)
    for match in KNOWN.finditer(blank):
        if not re.match(r"\s*:", blank[match.end() :]):
            yield match.start(), match[0]
    for match in re.finditer(r"money_sum\(lines, '(\w+)'", expression):
        yield match.start(1), match[1]


def misspelt(word: str, random_: random.Random) -> str:
    at = random_.randrange(len(word))
    letter = random_.choice("qxzjkw")
    return random_.choice(
        [word[:at] + letter + word[at:], word[:at] + letter + word[at + 1 :], word[:at] + word[at + 1 :] or letter * 3]
    )


def test_every_name_misspelt_is_found_at_its_column() -> None:
    known = Known(tables={"stores": COLUMNS})
    random_ = random.Random(20260314)
    suggested = total = 0
    for expression in EXPRESSIONS:
        assert not [e for e in problems(expression, SALE, "optional", known) if e.code not in ("TF2044",)], expression
        for offset, name in names(expression):
            for _ in range(8):
                wrong = misspelt(name, random_)
                if wrong == name:
                    continue
                text = expression[:offset] + wrong + expression[offset + len(name) :]
                found = [
                    e
                    for e in problems(text, SALE, "optional", known)
                    if e.code in ("TF2010", "TF2020", "TF2021", "TF2022")
                ]
                assert found, text
                error = found[0]
                assert (error.offset, error.length) == (offset, len(wrong)), (text, error.message, error.offset)
                suggested += error.suggestion == name
                total += 1
    assert total > 300
    assert suggested / total >= 0.95, f"{suggested} of {total}"


def test_spans_quote_the_text_of_a_part() -> None:
    text = "join( '-' , [ (store.id) , lines[0].sku ] )"
    tree = parse(text)
    args = tree.children
    assert text[tree.start : tree.end] == text
    assert [text[arg.start : arg.end] for arg in args] == ["'-'", "[ (store.id) , lines[0].sku ]"]
    assert [text[item.start : item.end] for item in args[1].children] == ["(store.id)", "lines[0].sku"]


def test_places_of_syntax_errors() -> None:
    for text, code, pointed in [
        ("length(lines", "TF2002", "("),
        ("a[?b == `1`", "TF2002", "[?"),
        ("a.", "TF2002", "."),
        ("a ==", "TF2002", "="),
        ("currency == 'EUR", "TF2003", "'EUR"),
        ("a + b", "TF2001", "+"),
        ("a b", "TF2001", "b"),
        ("a)", "TF2001", ")"),
        ("a == 5", "TF2001", "5"),
        ("f(a,)", "TF2001", ")"),
        ("a.b.[", "TF2002", "["),
    ]:
        (error,) = problems(text)
        assert (error.code, text[error.offset : error.offset + error.length]) == (code, pointed), (text, error.message)


def test_a_sign_for_calculating_is_told_with_the_function_that_does_it() -> None:
    for text, sign, functions in [
        ("money(a) - money(b)", "-", ["money_sub"]),
        ("a -1", "-", ["money_sub"]),
        ("lines[0].net -1", "-", ["money_sub"]),
        ("receipt-no", "-", ["money_sub"]),
        ("money(a) + money(b)", "+", ["money_add", "concat"]),
        ("money(a) * `2`", "*", ["money_mul"]),
        ("a*b", "*", ["money_mul"]),
        ("a / b", "/", ["money_div"]),
        ("a % b", "%", ["money_add", "money_sub", "money_mul", "money_div"]),
    ]:
        (error,) = problems(text)
        pointed = text[error.offset : error.offset + error.length]
        assert (error.code, pointed, error.message) == ("TF2001", sign, f"`{sign}` means nothing here")
        assert re.findall(r"money_\w+|concat", error.help or "") == functions, text
        assert all(name in FunctionTable.builtin() for name in functions), functions
        assert ("double quotes" in (error.help or "")) == (text == "receipt-no")


def test_a_negative_number_without_backticks_is_no_difference() -> None:
    for text in ("total == -1", "f(-1)", "-1"):
        (error,) = problems(text)
        assert error.suggestion == "`-1`", text
