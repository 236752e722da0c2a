"""Digests: what changes a Plan and what does not."""

from __future__ import annotations

import re

import pytest

from engine.compile.diff import diff
from engine.compile.plan import RouteSet
from tests.compile.support import Secrets, compiled, edited, fixture_files, with_changes


def routes(files: object = None, **more: object) -> RouteSet:
    made, findings = compiled(files or fixture_files(), **more)  # type: ignore[arg-type]
    assert [f for f in findings if f.severity == "error"] == []
    return made


def changed(files: object, **more: object) -> set[str]:
    """Names of the routes whose digest differs from the fixture's."""
    found = diff(routes(), routes(files, **more))
    assert found.added == () and found.removed == ()
    return set(found.changed)


def test_comments_and_layout_change_nothing() -> None:
    files: dict[str, bytes | str] = {}
    for path, content in fixture_files().items():
        text = content.decode()
        if path.endswith(".yaml"):
            text = "# another comment\n" + re.sub(r"[ ]+# .*", "", text) + "\n\n"
        files[path] = text
    again = routes(files)
    assert again.digest == routes().digest
    assert not diff(routes(), again)


def test_the_order_of_keys_changes_nothing() -> None:
    old = "  posting: {values: [line, summary], default: line, overridable_by: [country, brand]}\n"
    new = "  posting: {overridable_by: [country, brand], default: line, values: [line, summary]}\n"
    assert changed(edited("routes/sales-posting.yaml", old, new)) == set()


def test_rows_of_a_table_change_nothing() -> None:
    rows = (
        fixture_files()["mappings/tables/stores.csv"].decode()
        + "0999,New,ES,,iberia,market,city,EUR,Europe/Madrid,B1\n"
    )
    assert changed(with_changes({"mappings/tables/stores.csv": rows})) == set()


@pytest.mark.parametrize(
    ("path", "old", "new", "routes_changed"),
    [
        ("routes/stock.yaml", "owner: store-ops", "owner: supply", {"stock"}),
        ("mappings/stock-to-row.yaml", "day: business_date", "day: occurred_at", {"stock"}),
        (
            "mappings/schemas/sales.day@1.yaml",
            "gross: {type: number}",
            "gross: {type: number, minimum: 0}",
            {"sales-summary"},
        ),
        ("mappings/templates/receipt.j2", "Receipt", "Slip", {"returns"}),
        ("routes/totals-check.yaml", "default: 0,", "default: 1,", {"returns"}),
        ("routes/tables.yaml", "key: sku, schema: product@1", "key: sku", {"sales-posting"}),
        ("routes/connections.yaml", "database: ${ERP_DB:shop}", "database: other", {"sales-posting", "sales-summary"}),
        ("routes/connections.yaml", "concurrency: 4", "concurrency: 5", {"sales-posting", "sales-summary"}),
    ],
)
def test_what_a_route_uses_changes_it(path: str, old: str, new: str, routes_changed: set[str]) -> None:
    assert changed(edited(path, old, new)) == routes_changed


def test_a_new_version_of_a_secret_changes_the_routes_that_use_it() -> None:
    assert changed(fixture_files(), secrets=Secrets({"klaviyo_key": "2"})) == {"sales-posting"}


def test_routes_that_come_and_go() -> None:
    before, after = routes(), routes(with_changes({"routes/stock.yaml": None}))
    assert diff(before, after).removed == ("stock",)
    assert diff(after, before).added == ("stock",)
    assert len(diff(before, after).unchanged) == 4


def test_equal_pieces_are_one_object() -> None:
    made = routes()
    sale = made.types["sale.completed@2"]
    accepts = made.plans["sales-posting"].source.accepts
    assert accepts is sale
