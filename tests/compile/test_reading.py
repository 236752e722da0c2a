"""Where a `try` catches what does not answer, its steps change nothing: whatever stands around them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.jsonx import encode
from tests.compile.support import compiled, fixture_files

READ: dict[str, Any] = {
    "id": "ask",
    "call": {
        "use": "core.http",
        "connection": "shop",
        "action": "get",
        "with": {"path": {"const": "/a"}},
        "into": "found",
    },
}
CHANGE = {
    "id": "hold",
    "call": {"use": "core.http", "connection": "shop", "action": "put", "with": {"path": {"const": "/a"}}},
}
SHOP = """tillflow: 1
connections:
  shop: {connector: core.http, url: "https://shop.example", zone: eu}
"""
SHARED = {"tillflow": 1, "subflow": "holding", "version": "1.0.0", "owner": "shop", "steps": [CHANGE]}


def codes(*tried: dict[str, Any], unavailable: bool = True) -> list[str]:
    """Codes of the findings of a route that tries these."""
    steps = [{"id": "sure", "set": {"n": "`1`"}}]
    catch = {"unavailable": True, "steps": steps} if unavailable else {"steps": steps}
    route = {
        "tillflow": 1, "route": "asking", "version": "1.0.0", "summary": "Asks.", "owner": "shop", "class": "process",
        "criticality": "operational", "from": {"event": "sale.completed@2"},
        "steps": [{"id": "attempt", "try": {"steps": list(tried), "catch": catch}}],
        "to": [{"id": "out", "use": "core.http", "connection": "shop", "action": "put", "with": {"path": {"const": "/b"}}}],
    }  # fmt: skip
    files = {
        "routes/connections.yaml": SHOP,
        "routes/asking.yaml": encode(route),
        "routes/holding.yaml": encode(SHARED),
        **{path: raw for path, raw in fixture_files().items() if path.startswith("mappings/schemas/")},
    }
    return [finding.code for finding in compiled(files)[1] if finding.severity == "error"]


def test_what_only_reads_may_be_tried() -> None:
    call = {name: value for name, value in READ["call"].items() if name != "into"}
    enriched = {"id": "add", "enrich": {"call": call, "into": "also"}}
    assert codes(READ, enriched, {"id": "n", "set": {"n": "`1`"}}) == []


@pytest.mark.parametrize(
    "step",
    [
        CHANGE,
        {"id": "one", "choose": [{"when": "present(store)", "steps": [CHANGE]}, {"otherwise": True, "steps": [READ]}]},
        {"id": "inner", "try": {"steps": [CHANGE], "catch": {"steps": [READ]}}},
        {"id": "shared", "subflow": {"name": "holding"}},
        {"id": "turn", "throttle": {"rate": "5/s"}},
    ],
    ids=["a change", "in a branch", "in another try", "in shared steps", "a step with a state"],
)
def test_what_changes_something_may_not(step: dict[str, Any]) -> None:
    assert codes(step) == ["TF4026"]
    assert codes(step, unavailable=False) == []


def test_what_is_done_instead_may_change_something() -> None:
    caught = {"id": "inner", "try": {"steps": [READ], "catch": {"unavailable": True, "steps": [CHANGE]}}}
    assert codes(caught, unavailable=False) == []
