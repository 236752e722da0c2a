"""A promise of order is refused where it cannot be kept."""

from __future__ import annotations

import pytest

from engine.core.findings import Finding
from tests.compile.support import compiled, fixture_files, with_changes

CONNECTIONS = fixture_files()["routes/connections.yaml"].decode() + (
    "  shop:\n    connector: core.http\n    url: https://shop.example\n    zone: eu\n"
)
ROUTE = """tillflow: 1
route: tryout
version: 1.0.0
owner: team
criticality: operational
from: {event: %s}
steps:
%s
to:
  - {id: erp, use: core.http, connection: shop, action: %s, with: {path: {const: sales}, body: "@"}, %s}
"""
NOTHING = "  - {id: ok, check: [{that: 'present(store)', otherwise: {work_item: nothing}}]}"
SPLIT = "  - {id: parts, split: {in: lines, key: line_no}}"
GROUP = (
    "  - {id: day, aggregate: {by: [store.id, business_date, currency], complete: {within: 1h, count: 500}, "
    "sum: {gross: totals.gross}, output: sales.day@1, "
    "first: {store: store.id, business_date: business_date, currency: currency}}}"
)


def found(order: str, *, event: str = "sale.completed@2", steps: str = NOTHING, action: str = "post") -> list[Finding]:
    text = ROUTE % (event, steps, action, order)
    _, findings = compiled(with_changes({"routes/tryout.yaml": text, "routes/connections.yaml": CONNECTIONS}))
    return [finding for finding in findings if finding.mark.file == "routes/tryout.yaml"]


@pytest.mark.parametrize("order", ["ordered: {}", "ordered: {on_failure: skip}", "ordering: latest"])
def test_order_of_a_type_that_has_one_is_kept(order: str) -> None:
    assert found(order) == []


@pytest.mark.parametrize(
    "order",
    ["ordered: {}", "ordering: latest", "ordered: {}, version: store.id", "ordering: latest, version: store.id"],
)
def test_order_needs_a_key_of_order(order: str) -> None:
    (finding,) = [one for one in found(order, event="stock.moved@1", steps="  []") if one.code == "TF4019"]
    assert "stock.moved@1 has no `order_by`" in finding.message and finding.mark.line == 10


@pytest.mark.parametrize(("steps", "step"), [(SPLIT, "parts"), (GROUP, "day")])
def test_what_was_split_or_grouped_has_no_number(steps: str, step: str) -> None:
    (finding,) = found("ordered: {}", steps=steps)
    assert finding.code == "TF4019" and f"behind `{step}`" in finding.message and "`event:`" in finding.help
    assert found("ordering: latest", steps=steps) == []


def test_a_key_that_each_lost_answer_stops_is_warned_about() -> None:
    (finding,) = found("ordered: {}", action="post_once")
    assert (finding.code, finding.severity) == ("TF4023", "warning")
    assert "on_failure: skip" in finding.help
    assert found("ordered: {on_failure: skip}", action="post_once") == []
