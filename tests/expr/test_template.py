"""Templates: what they print, what they refuse, and what is known before they run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.core.errors import Permanent
from engine.expr.errors import ExpressionError
from engine.expr.functions import FunctionTable
from engine.expr.shape import NOTHING_KNOWN, Known, Shape
from engine.expr.template import check_template, compile_template
from engine.expr.types import Text
from tests.expr.support import ENV, SALE

DATA: dict[str, Any] = {
    "receipt_no": "1001",
    "store": {"id": "0012", "items": "shelf", "values": 3},
    "lines": [{"sku": "A", "net": Decimal("1.50")}, {"sku": "B", "net": Decimal("2.25")}],
    "tags": [],
    "total": Decimal("1.50"),
    "big": 9007199254740993,
    "huge": Decimal("1E+3"),
    "nothing": None,
    "flag": True,
    "date": "2026-03-14",
    "loop": "not a loop",
}


def render(text: str, data: Any = None) -> str:
    return compile_template(text).render(DATA if data is None else data, ENV)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Sale {{ receipt_no }} at {{ lookup('stores', store.id).name }}", "Sale 1001 at Calle Mayor"),
        ("{{ total }} {{ big }} {{ huge }}", "1.50 9007199254740993 1000"),
        ("{{ flag }}", "true"),
        ("{{ store.items }} {{ store.values }} {{ store['id'] }}", "shelf 3 0012"),
        ("{{ lines[0].net }} {{ lines[-1].sku }}", "1.50 B"),
        ("{% for l in lines %}{{ loop.index }}:{{ l.sku }}{{ ',' if not loop.last }}{% endfor %}", None),
        ("{% for l in lines %}{{ l.sku }}{% if not loop.last %},{% endif %}{% endfor %}", "A,B"),
        ("{% for name, value in store | items %}{{ name }}={{ value }};{% endfor %}", "id=0012;items=shelf;values=3;"),
        ("{% for t in tags %}x{% else %}none{% endfor %}", "none"),
        ("{% set label = receipt_no ~ '/' ~ total %}{{ label }}", "1001/1.50"),
        ("{{ lines | sum('net') }} {{ lines | map('sku') | join('+') }} {{ lines | length }}", "3.75 A+B 2"),
        ("{{ 0.1 + 0.2 }} {{ 1.50 * 3 }} {{ 10 / 4 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ -total }} {{ 1 / 3 }}",
         "0.3 4.50 2.5 3 3 -1.50 0.3333333333333333333333333333333333"),
        ("{{ 12345678901234567890.10 }}", "12345678901234567890.10"),
        ("{{ missing | default('-') }}{{ nothing | default('-') }}{{ total | default('-') }}", "--1.50"),
        ("{{ 'yes' if flag and total > 1 else 'no' }}", "yes"),
        ("{{ total | round(1) }} {{ total | round(0, 'half_even') }}", "1.5 2"),
        ("{{ date | date('DD.MM.YYYY') }} {{ date('2026-01-02') }}", "14.03.2026 2026-01-02"),
        ("{{ store | tojson }}", '{"id":"0012","items":"shelf","values":3}'),
        ("{{ '<a & b>' | e }} {{ 'a b/c' | urlencode }}", "&lt;a &amp; b&gt; a%20b%2Fc"),
        ("{{ 'x' in receipt_no }} {{ '10' in receipt_no }}", "false true"),
        ("{{ missing is defined }} {{ total is number }} {{ nothing is none }}", "false true true"),
        ("{{ money_sum(lines, 'net') }} {{ pad_left(receipt_no, 6, '0') }} {{ meta('day') }}",
         "3.75 001001 2026-03-14"),
        ("{{ coalesce(nothing, 'x') }} {{ range(3) | join }}", "x 012"),
        ("{# note #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ receipt_no[1:3] }}\n", "00\n"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_is_printed(text: str, printed: str | None) -> None:
    if printed is None:  # an inline if without else would print nothing silently
        with pytest.raises(Permanent, match="template-failed"):
            render(text)
    else:
        assert render(text) == printed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ missing }}", "'missing' is undefined"),
        ("{{ store.nme }}", "there is no `nme`"),
        ("{{ missing.deep.path }}", "'missing' is undefined"),
        ("{{ nothing }}", "null"),
        ("{{ nothing.x }}", "there is no `x`"),
        ("{{ lines }}", "a list has no text"),
        ("{{ store }}", "an object has no text"),
        ("{{ lines | sum('sku') }}", "adds up numbers"),
        ("{{ lines | map('gtin') | join }}", "element 1 has no `gtin`"),
        ("{{ store.id + 1 }}", "works on numbers"),
        ("{{ total / 0 }}", "divide by zero"),
        ("{{ missing + 1 }}", "'missing' is undefined"),
        ("{{ upper(missing) }}", "'missing' is undefined"),
        ("{{ upper(total) }}", "upper(): `value` is a number, it must be text"),
        ("{{ receipt_no < total }}", "TypeError"),
        ("{{ lines[7].sku }}", "there is no `7`"),
        ("{% for x in total %}{% endfor %}", "a loop goes over a list"),
        ("{% for x in missing %}{% endfor %}", "'missing' is undefined"),
        ("{{ missing | upper }}", "'missing' is undefined"),
        ("{{ 'a' | round }}", "needs a number"),
    ],
)
def test_a_failure_names_the_template_and_what_is_missing(text: str, says: str) -> None:
    with pytest.raises(Permanent) as failure:
        render(text)
    assert failure.value.reason == "template-failed"
    assert says in failure.value.detail and "the template `" in failure.value.detail


def test_a_missed_lookup_keeps_its_reason() -> None:
    with pytest.raises(Permanent) as failure:
        render("{{ lookup('stores', '9999').name }}")
    assert failure.value.reason == "reference-missing"


def test_a_secret_is_never_printed() -> None:
    class Hidden:
        def __repr__(self) -> str:
            return "***"

    class Keeping:
        def secret(self, name: str, key: str = "") -> Any:
            return Hidden()

    with pytest.raises(Permanent, match="has no text"):
        compile_template("{{ secret('k') }}").render({}, Keeping())  # type: ignore[arg-type]


def test_data_that_is_no_object_has_no_names() -> None:
    assert compile_template("x").render([1, 2], ENV) == "x"


@pytest.mark.parametrize(
    ("text", "code", "pointed"),
    [
        ("Sale {{ receipt_no", "TF2501", "o"),
        ("{% if x %}a", "TF2501", "a"),
        ("{{ a b }}", "TF2501", "b"),
        ("{{ a ! b }}", "TF2501", "!"),
        ("{{ 1e999999999999999999999 }}", "TF2501", "1e999999999999999999999"),
        ("{{ a + 1.5e99 }}", "TF2501", "1.5e99"),
        (f"{{{{ {'9' * 5_000} }}}}", "TF2501", ""),
        ("{% unknown %}", "TF2501", "unknown"),
        ("{% include 'footer' %}", "TF2503", "'footer'"),
        ("{% import 'x' as y %}", "TF2503", "y"),
        ("{% macro m() %}{% endmacro %}", "TF2503", "m"),
        ("{% block b %}{% endblock %}", "TF2503", "b"),
        ("a {{ x ** y }}", "TF2503", "x"),
        ("{% set x %}a{% endset %}", "TF2503", "x"),
        ("{{ receipt_no }}{% set x = [1] %}", "TF2503", "x"),
        ("{{ _private }}", "TF2504", "_private"),
        ("{{ self }}", "TF2504", "self"),
        ("{{ store.name.upper() }}", "TF2505", "upper"),
        ("{% for a in range(1000) %}{% for b in range(1000) %}.{% endfor %}{% endfor %}", "TF2506", "range"),
        ("{{ store | uper }}", "TF2507", "uper"),
        ("{{ store is definde }}", "TF2507", "definde"),
        ("{{ lookop('stores', 1) }}", "TF2508", "lookop"),
        ("{{ lookup('stores') }}", "TF2508", "lookup"),
        ("{{ upper(value=1) }}", "TF2508", "upper"),
        ("{{ matches(receipt_no, store.id) }}", "TF2508", "matches"),
        ("{{ sort_by(lines, 'sku') }}", "TF2508", "sort_by"),
    ],
)
def test_what_is_refused_before_it_runs(text: str, code: str, pointed: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_template(text)
    found = error.value
    assert (found.code, text[found.offset : found.offset + found.length]) == (code, pointed), found.message


def findings(text: str, shape: Shape = SALE, known: Known = NOTHING_KNOWN) -> list[tuple[str, str]]:
    return [
        (text[e.offset : e.offset + e.length], e.suggestion)
        for e in check_template(compile_template(text), shape, known)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{ reciept_no }} {{ store.ib }}", [("reciept_no", "receipt_no"), ("ib", "id")]),
        ("{% for l in lines %}{{ l.skuu }}{{ stor.id }}{% endfor %}", [("skuu", "sku"), ("stor", "store")]),
        ("{{ lines | sum('nte') }}{{ lines | map(attribute='skuu') | join }}", [("nte", "net"), ("skuu", "sku")]),
        ("{{ lookup('stores', stroe.id).name }}", [("stroe", "store")]),
        ("{{ lines.sku }}", [("sku", "")]),
        ("{% set s = store %}{{ s.idd }}", [("idd", "id")]),
        ("{% if trainin %}{{ curency }}{% else %}{{ totals.nett }}{% endif %}",
         [("trainin", "training"), ("curency", "currency"), ("nett", "net")]),
        ("{{ store['idd'] }}", [("idd", "id")]),
        ("{{ lines[0].skk }}", [("skk", "sku")]),
        ("{{ (lines | first).skk }}", [("skk", "sku")]),
        ("{{ money_sum(lines, 'nte') }}", [("nte", "net")]),
        ("{{ lookup }}", [("lookup", "")]),
        ("{{ totals.net.x }}", [("x", "")]),
        ("{{ receipt_no }}{% for l in lines %}{{ loop.index }}{{ l.gtin }}{% endfor %}{{ extensions.a.b }}", []),
        ("{% if note is defined %}x{% endif %}{{ customer.name | default('guest') }}", []),
        ("{% set n = receipt_no %}{{ n }}{% for k, v in store | items %}{{ k }}{{ v }}{% endfor %}", []),
    ],
)  # fmt: skip
def test_names_the_data_does_not_have(text: str, found: list[tuple[str, str]]) -> None:
    assert findings(text) == found


def test_columns_of_a_table_are_checked() -> None:
    known = Known(tables={"stores": Shape.of_object({"name": Shape.of("text")})})
    assert findings("{{ lookup('stores', store.id).nam }}", SALE, known) == [("nam", "name")]


def test_nothing_is_said_of_a_document_nothing_is_known_of() -> None:
    assert findings("{{ anything.at.all }}", Shape()) == []


def test_what_a_template_names_outside_of_its_data() -> None:
    text = "é {{ lookup('stores', store.id).name }} {{ param('posting') }}"
    found = compile_template(text).references
    assert [(r.kind, text[r.offset : r.offset + r.length]) for r in found] == [
        ("table", "stores"),
        ("param", "posting"),
    ]


def test_plugin_functions_are_there_too() -> None:
    def shout(value: Text) -> Text:
        """Louder."""
        return value.upper() + "!"

    table = FunctionTable.builtin().extended({"shout": shout})
    assert compile_template("{{ shout(receipt_no) }}", table).render({"receipt_no": "a"}, ENV) == "A!"
