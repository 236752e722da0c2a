"""Mappings: what each form makes, and how a field that cannot be made is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.compile.mapping.mapper import CompiledMapping
from engine.compile.mapping.read import MappingReader
from engine.compile.report import Place, Report
from engine.compile.texts import Texts
from engine.config.yaml import read_text
from engine.core.errors import Failure
from engine.core.event import Event
from engine.core.jsonx import parse
from engine.expr.functions import FunctionTable
from engine.plugins.frame import Frame
from tests.compile.support import TestEnv, compiled, edited, fixture_files, registry, with_changes

RECEIPT = {
    "no": "1001",
    "kind": "BAR",
    "store": "0012",
    "loyal": None,
    "flag": True,
    "lines": [
        {"sku": "A", "rate": 4, "net": Decimal("1.10"), "tax": Decimal("0.04"), "tags": ["x", "y"]},
        {"sku": "B", "rate": 21, "net": Decimal("2.00"), "tax": Decimal("0.42"), "tags": []},
        {"sku": "C", "rate": Decimal("4.0"), "net": Decimal("3.00"), "tax": Decimal("0.12"), "tags": ["z"]},
    ],
}


def mapping(text: str) -> CompiledMapping:
    """The mapping of a text that holds what stands in a mapping file from `fields:` on."""
    document, findings = read_text("mappings/test.yaml", text)
    assert document is not None and findings == []
    report = Report()
    root = MappingReader(Texts(FunctionTable.builtin())).value(Place(report, document), document.data)
    assert root is not None and report.all() == []
    return CompiledMapping("test", "", root)


def made(text: str, data: Any = RECEIPT, **params: Any) -> Any:
    return mapping(text).apply(data, TestEnv(**params))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fields: {a: no, b: {const: 5}, c: {template: 'No {{ no }}'}}", {"a": "1001", "b": 5, "c": "No 1001"}),
        ("fields: {a: {expr: loyal, optional: true}, b: {expr: loyal, default: none}}", {"b": "none"}),
        ("fields: {a: {expr: kind, values: {BAR: cash, EC: card}}}", {"a": "cash"}),
        ("fields: {a: {expr: no, values: {BAR: cash}, default: other}}", {"a": "other"}),
        ("fields: {a: {expr: flag, values: {'true': 'yes', 'false': 'no'}}}", {"a": "yes"}),
        ("fields: {a: {expr: 'lines[0].rate', values: {'4': low}}}", {"a": "low"}),
        ("fields: {a: {b: {c: no}}}", {"a": {"b": {"c": "1001"}}}),
        ("fields: {a: {fields: {expr: no, const: kind}}}", {"a": {"expr": "1001", "const": "BAR"}}),
        ("fields: {a: [no, {const: 2}, {x: kind}]}", {"a": ["1001", 2, {"x": "BAR"}]}),
        ("fields: {a: [{each: {in: lines, as: l}, expr: l.sku}]}", {"a": ["A", "B", "C"]}),
        ("fields: {a: {each: {in: lines, as: l}, expr: l.sku}}", {"a": ["A", "B", "C"]}),
        ("fields: {a: [{each: {in: lines, as: l, number: n}, fields: {n: n, no: no}}]}",
         {"a": [{"n": 1, "no": "1001"}, {"n": 2, "no": "1001"}, {"n": 3, "no": "1001"}]}),
        ("fields: {a: [{each: {in: lines, as: l}, where: l.rate == `4`, expr: l.sku}]}", {"a": ["A", "C"]}),
        ("fields: {a: [{each: {in: absent, as: l, optional: true}, expr: l}]}", {"a": []}),
        ("fields: {a: [{each: {in: lines, as: l}, fields: {t: [{each: {in: l.tags, as: tag}, expr: tag}]}}]}",
         {"a": [{"t": ["x", "y"]}, {"t": []}, {"t": ["z"]}]}),
        ("fields: {a: [{each: {in: lines, as: l}, group: {by: rate, sum: [net, tax]},"
         " fields: {rate: l.rate, net: l.net, tax: l.tax}}]}",
         {"a": [{"rate": 4, "net": Decimal("4.10"), "tax": Decimal("0.16")},
                {"rate": 21, "net": Decimal("2.00"), "tax": Decimal("0.42")}]}),
        ("fields: {a: [{each: {in: lines, as: l}, group: {by: [l.rate], sum: [net]}, fields: {net: l.net}}]}",
         {"a": [{"net": Decimal("4.10")}, {"net": Decimal("2.00")}]}),
        ("fields: {a: {choose: [{when: flag, const: 1}, {otherwise: true, const: 2}]}}", {"a": 1}),
        ("fields: {a: {choose: [{when: \"kind == 'EC'\", const: 1}, {otherwise: true, omit: true}]}, b: no}",
         {"b": "1001"}),
        ("fields: {b: no, choose: [{when: flag, fields: {c: kind}}, {otherwise: true, omit: true}]}",
         {"b": "1001", "c": "BAR"}),
        ("choose: [{when: \"kind == 'EC'\", fields: {a: no}}, {otherwise: true, fields: {b: no}}]", {"b": "1001"}),
        ("let: {rows: [{each: {in: lines, as: l}, fields: {net: l.net}}]}\nfields: {net: \"money_sum(rows, 'net')\"}",
         {"net": Decimal("6.10")}),
        ("each: {in: lines, as: l}\nfields: {sku: l.sku}", [{"sku": "A"}, {"sku": "B"}, {"sku": "C"}]),
        ("fields: {a: no, slot: extra}", {"a": "1001"}),
    ],
)  # fmt: skip
def test_what_is_made(text: str, expected: Any) -> None:
    assert made(text) == expected


def test_the_document_is_not_changed() -> None:
    before = parse('{"lines": [{"net": 1.10}, {"net": 2}]}')
    made(
        "fields: {a: [{each: {in: lines, as: l}, group: {by: k, sum: [net]}, fields: {k: {const: 1}, net: l.net}}]}",
        before,
    )
    assert before == parse('{"lines": [{"net": 1.10}, {"net": 2}]}')


@pytest.mark.parametrize(
    ("text", "reason", "field"),
    [
        ("fields: {a: {b: loyal}}", "missing-value", "a.b"),
        ("fields: {a: [{each: {in: lines, as: l}, fields: {x: l.nothing}}]}", "missing-value", "a[0].x"),
        ("fields: {a: [no, loyal]}", "missing-value", "a[1]"),
        ("fields: {a: [{each: {in: nothing, as: l}, expr: l}]}", "missing-value", "a"),
        ("fields: {a: [{each: {in: no, as: l}, expr: l}]}", "mapping-failed", "a"),
        ("fields: {a: {expr: kind, values: {EC: card}}}", "unknown-value", "a"),
        ("fields: {a: {expr: kind, values: {EC: card}, optional: true}}", "unknown-value", "a"),
        ("fields: {a: join('-', [no, lines])}", "mapping-failed", "a"),
        ("fields: {a: \"lookup('stores', kind).name\"}", "reference-missing", "a"),
        (
            "fields: {a: [{each: {in: lines, as: l}, group: {by: s, sum: [s]}, fields: {s: {const: x}}}]}",
            "mapping-failed",
            "a[1]",
        ),
        ("let: {x: loyal}\nfields: {a: x}", "missing-value", "x"),
        ('fields: {a: {b: "money_mul(`1e39`, `999`)"}}', "number-too-long", "a.b"),
        (
            f"fields: {{a: [{{each: {{in: lines, as: l}}, group: {{by: s, sum: [n]}},"
            f" fields: {{s: {{const: x}}, n: {{const: {'9' * 40}}}}}}}]}}",
            "number-too-long",
            "a[1]",
        ),
    ],
)
def test_a_field_that_cannot_be_made_is_named(text: str, reason: str, field: str) -> None:
    with pytest.raises(Failure) as caught:
        made(text.replace("join('-', [no, lines])", "\"join('-', [no, lines])\""))
    assert caught.value.reason == reason
    assert caught.value.data["field"] == field
    assert f"mapping `test`, field `{field}`" in caught.value.detail


@pytest.mark.parametrize(
    ("route", "format_", "file"),
    [
        ("till", "pos.till_csv", "samples/pos-csv/till-export-de.csv"),
        ("till", "pos.till_csv", "samples/pos-csv/till-export-us.csv"),
        ("pos-ingest", "pos.poslog", "samples/pos-poslog/poslog-v6.xml"),
    ],
)
def test_native_records_become_one_canonical_sale(shared: Path, route: str, format_: str, file: str) -> None:
    routes, findings = compiled(with_changes({"mappings/till-to-sale.yaml": TILL, "routes/till.yaml": TILL_ROUTE}))
    assert findings == []
    spec = registry().formats[format_]
    assert spec.config is not None
    record = next(iter(spec.target(spec.config()).decode((shared / file).read_bytes(), file)))
    frame = Frame(Event("1", "native/till", "x", record.data, 0, "2026-03-14"), record.data, "", TestEnv())
    routes.plans[route].segments[0].steps.run(frame)
    assert frame.schema == "sale.completed@2"
    assert routes.types[frame.schema].validator.violations(frame.data) == []
    assert (frame.data["receipt_no"], frame.data["occurred_at"]) == ("1001", "2026-03-14T09:15:42+01:00")
    assert frame.data["totals"]["gross"] == Decimal("156.00")
    assert {tax["code"]: tax["base"] + tax["amount"] for tax in frame.data["tax_totals"]} == {
        "ES-4": Decimal("64.85"),
        "ES-21": Decimal("36.15"),
        "ES-10": Decimal("55.00"),
    }
    assert frame.data["tenders"] == [{"type": "cash", "amount": Decimal("156.00")}]


TILL_ROUTE = """tillflow: 1
route: till
version: 1.0.0
owner: stores
criticality: financial
from: {use: core.files, connection: store-files, match: "*.csv", format: pos.till_csv}
steps: [{id: canonical, map: till-to-sale}]
to: [{id: sales, event: sale.completed@2}]
"""
TILL = """tillflow: 1
mapping: till-to-sale
input: pos.till_csv
output: sale.completed@2
let:
  country: lookup('stores', receipt.store).country
  rows:
    - each: {in: receipt.lines, as: line}
      fields:
        line_no: line.line_no
        sku: coalesce(line.sku, line.gtin)
        quantity: line.quantity
        unit_price: line.unit_price
        net: line.net
        tax: line.tax
        tax_code: join('-', [country, line.tax_code])
        rate: line.tax_rate
fields:
  receipt_no: receipt.receipt_no
  business_date: receipt.business_date
  occurred_at: at_zone(receipt.occurred_at, 'Europe/Madrid')
  currency: {const: EUR}
  store: {id: receipt.store, country: country}
  till: {id: receipt.till}
  lines:
    - each: {in: rows, as: line}
      fields:
        line_no: line.line_no
        sku: line.sku
        quantity: line.quantity
        unit_price: line.unit_price
        net: line.net
        tax: line.tax
        tax_code: line.tax_code
  tax_totals:
    - each: {in: rows, as: line}
      group: {by: code, sum: [base, amount]}
      fields: {code: line.tax_code, rate: line.rate, base: line.net, amount: line.tax}
  tenders:
    - each: {in: receipt.tenders, as: tender}
      fields: {type: {expr: tender.type, values: {BAR: cash, EC: card}}, amount: tender.amount}
  totals: {net: "money_sum(rows, 'net')", tax: "money_sum(rows, 'tax')", gross: receipt.totals.gross}
"""


def test_what_may_be_missing_is_told_unless_the_sink_asks_first() -> None:
    guarded = compiled(fixture_files())[1]
    assert guarded == []
    when = "    when: present(customer.loyalty_id) && is_true(customer.consent)\n"
    found = compiled(edited("routes/sales-posting.yaml", when, ""))[1]
    assert [(f.code, f.mark.file, f.mark.line, f.severity) for f in found] == [
        ("TF2042", "mappings/sale-to-loyalty.yaml", 5, "warning")
    ]
