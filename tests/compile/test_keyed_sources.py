"""TF4024: a financial route whose records are known by their file only, and those it is not told of."""

from __future__ import annotations

import pytest

from tests.compile.support import compiled, with_changes

ROUTE = """tillflow: 1
route: receipts-out
version: 1.0.0
owner: store-systems
criticality: financial
from: {use: core.files, connection: store-files, match: "*.json", format: json}
to:
  - {id: posting, use: core.files, connection: store-files, action: write, with: {name: "'a.json'", content: "@"}}
"""
PATH = "routes/receipts-out.yaml"


def told(text: str) -> bool:
    return "TF4024" in [f.code for f in compiled(with_changes({PATH: text}))[1]]


def test_a_record_without_a_type_is_told() -> None:
    assert told(ROUTE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("to:\n", "accepts: sale.completed@2\nto:\n"),
        ("criticality: financial", "criticality: operational"),
        ('core.files, connection: store-files, match: "*.json", format: json', "core.schedule, every: 1h"),
        (ROUTE[ROUTE.index("  - {id: posting") :], "  - {id: sales, event: sale.completed@2, map: poslog-to-sale}\n"),
    ],
    ids=["accepts", "operational", "ticks have ids of their own", "publishes only"],
)
def test_what_is_keyed_is_not_told(old: str, new: str) -> None:
    assert old in ROUTE
    assert not told(ROUTE.replace(old, new))
