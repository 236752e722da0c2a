"""Steps in a route, through the real loader and compiler: a route of all of them, and findings where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from engine.compile.compiler import compile_project
from engine.compile.plan import RouteSet
from engine.config.project import read_project_from
from engine.core.findings import Finding
from engine.core.outcome import Filtered, Kept
from engine.plugins.registry import Registry
from engine.plugins.sequence import StepFailed
from engine.ports.secrets import Secret
from engine.steps import BUILTIN
from tests.steps.support import World, frame_of, run_steps

SALE = """
$id: sale.completed@1
title: A sale
x-tillflow: {key: [no]}
type: object
required: [no, store, lines, total]
additionalProperties: false
properties:
  no: {type: string}
  store: {type: string}
  training: {type: boolean, default: false}
  card: {type: string}
  total: {type: number}
  lines:
    type: array
    items: {type: object, required: [sku, net], properties: {sku: {type: string}, net: {type: number}}}
"""
DAY = """
$id: store.day@1
title: Sales of a day
x-tillflow: {key: [store]}
type: object
required: [store, total]
additionalProperties: false
properties: {store: {type: string}, total: {type: number}, sales: {type: integer}, note: {type: string}}
"""
PRODUCT = """
$id: product@1
title: A product
type: object
required: [sku, name]
properties: {sku: {type: string}, name: {type: string}}
"""
ROUTE = """tillflow: 1
route: store-day
version: 1.0.0
summary: Every step type that needs no outside system, in one route.
owner: finance
class: process
criticality: operational
from: {event: sale.completed@1}
steps:
  - {id: valid, validate: sale.completed@1}
  - {id: training, when: is_true(training), filter: {reason: training-mode}}
  - id: products
    enrich:
      each: {in: lines, as: line}
      table: products
      key: line.sku
      into: line.product
      missing: {work_item: unknown-sku}
  - id: totals
    check: [{that: "money_sum(lines, 'net') == total", otherwise: {work_item: total-mismatch}}]
  - {id: hide-card, mask: {pan: everywhere, paths: [card]}}
  - {id: policy, policy: {review: [{when: total > `1000`, reason: high-value}]}}
  - {id: copy, wire_tap: {sink: audit}}
  - {slot: local}
  - id: label
    try:
      steps: [{id: first-name, set: {label: {expr: "lines[0].product.name", default: none}}}]
      catch: {steps: [{id: unnamed, set: {label: error.reason}}]}
  - id: kind
    choose:
      - {when: total < `0`, steps: [{id: negative, set: {kind: {const: return}}}]}
      - {otherwise: true, steps: [{id: positive, set: {kind: {const: sale}}}]}
  - {id: text, template: {text: "{{ kind }} {{ label }}", into: note}}
  - {id: few, keep: [store, total, note]}
  - {id: fewer, drop: [note]}
  - id: day
    aggregate:
      by: store
      complete: {within: 1h, count: 2}
      sum: {total: total}
      first: {store: store}
      members: sales
      output: store.day@1
to:
  - {id: publish, event: store.day@1}
  - {id: audit, event: store.day@1, map: to-day}
"""
MAPPING = """tillflow: 1
mapping: to-day
input: sale.completed@1
output: store.day@1
fields: {store: store, total: total}
"""
TABLES = """tillflow: 1
tables:
  products: {csv: ../mappings/tables/products.csv, key: sku, schema: product@1}
"""
FILES = {
    "routes/store-day.yaml": ROUTE,
    "routes/tables.yaml": TABLES,
    "mappings/to-day.yaml": MAPPING,
    "mappings/schemas/sale.completed@1.yaml": SALE,
    "mappings/schemas/store.day@1.yaml": DAY,
    "mappings/schemas/product@1.yaml": PRODUCT,
    "mappings/tables/products.csv": "sku,name\na,Apple\n",
}
WORLD = World(tables={"products": {"rows": {"a": {"sku": "a", "name": "Apple"}}}})


class NoSecrets:
    def get(self, name: str) -> Secret:
        raise KeyError(name)


def compiled(changes: Mapping[str, str] | None = None) -> tuple[RouteSet, list[Finding]]:
    files = {name: text.encode() for name, text in {**FILES, **(changes or {})}.items()}
    project, findings = read_project_from(files, {})
    routes, more = compile_project(project, Registry([], BUILTIN, {}), NoSecrets())
    return routes, [*findings, *more]


def sale(**changes: Any) -> dict[str, Any]:
    lines = [{"sku": "a", "net": Decimal("0.10")}, {"sku": "a", "net": Decimal("0.20")}]
    return {"no": "1", "store": "0012", "total": Decimal("0.30"), "card": "x", "lines": lines, **changes}


def test_a_route_of_all_steps_compiles_and_runs() -> None:
    routes, findings = compiled()
    assert [finding for finding in findings if finding.severity == "error"] == []
    first = routes.plans["store-day"].segments[0]
    frame = frame_of(sale(), WORLD, schema="sale.completed@1")
    assert run_steps(first.steps, frame) is None
    assert frame.data == {"store": "0012", "total": Decimal("0.30")}
    assert [(tap.sink, tap.body["card"], tap.body["training"]) for tap in frame.taps] == [("audit", "***", False)]
    assert first.cut is not None
    kept = first.cut.keep(frame)
    assert isinstance(kept, Kept)
    assert first.cut.resume([kept.body, kept.body]) == (
        {"store": "0012", "total": Decimal("0.60"), "sales": 2},
        "store.day@1",
    )


@pytest.mark.parametrize(
    ("changes", "reason", "step"),
    [
        ({"store": 5}, "schema-violation", "valid"),
        ({"lines": [{"sku": "zzz", "net": 1}], "total": 1}, "unknown-sku", "products"),
        ({"total": Decimal("0.31")}, "total-mismatch", "totals"),
        ({"lines": [{"sku": "a", "net": 2000}], "total": 2000}, "high-value", "policy"),
    ],
)
def test_a_refused_event_names_reason_and_step(changes: dict[str, Any], reason: str, step: str) -> None:
    routes, _ = compiled()
    with pytest.raises(StepFailed) as caught:
        run_steps(routes.plans["store-day"].segments[0].steps, frame_of(sale(**changes), WORLD))
    assert (caught.value.failure.reason, caught.value.step) == (reason, step)


def test_a_filtered_event_names_reason_and_step() -> None:
    routes, _ = compiled()
    result = run_steps(routes.plans["store-day"].segments[0].steps, frame_of(sale(training=True), WORLD))
    assert result == Filtered("training-mode", "training")


@pytest.mark.parametrize(
    ("right", "wrong", "at"),
    [
        ("validate: sale.completed@1", "validate: sale.complete@1", "sale.complete@1"),
        ("key: line.sku", "key: line.skuu", "skuu"),
        ("in: lines, as", "in: lins, as", "lins"),
        ("table: products", "table: product", "product"),
        ("missing: {work_item", "missing: {work_itme", "work_itme"),
        ("work_item: unknown-sku", "work_item: Unknown SKU", "Unknown SKU"),
        ("'net') == total\"", "'net') == totl\"", "totl"),
        ("paths: [card]", "paths: [crad]", "crad"),
        ("pan: everywhere", "pan: lines", "lines, paths"),
        ("when: total > `1000`", "when: totl > `1000`", "totl"),
        ("sink: audit", "sink: audti", "audti"),
        ("lines[0].product.name", "lines[0].product.nmae", "nmae"),
        ("label: error.reason", "label: error.raeson", "raeson"),
        ("otherwise: true", "otherwise: yes", "yes,"),
        ("{{ kind }}", "{{ knid }}", "knid"),
        ("{{ label }}", "{{ error.reason }}", "error"),
        ("keep: [store, total", "keep: [stroe, total", "stroe"),
        ("drop: [note]", "drop: [ntoe]", "ntoe"),
        ("by: store", "by: stroe", "stroe"),
        ("within: 1h", "within: 1 hour", "1 hour"),
        ("sum: {total: total}", "sum: {totals: total}", "total}"),
        ("members: sales", "members: sale", "sale\n"),
        ("filter: {reason: training-mode}", "filter: {raeson: training-mode}", "raeson"),
        ("first: {store: store}", "first: {total: store}", "store}"),
    ],
)
def test_a_mistake_in_a_step_is_a_finding_where_it_stands(right: str, wrong: str, at: str) -> None:
    assert ROUTE.count(right) == 1
    changed = ROUTE.replace(right, wrong)
    start = changed.index(at, changed.index(wrong))
    line = changed[:start].count("\n") + 1
    column = start - changed.rfind("\n", 0, start)
    _, findings = compiled({"routes/store-day.yaml": changed})
    places = [(f.mark.line, f.mark.column, f.severity) for f in findings]
    assert (line, column, "error") in places, (line, column, findings)
