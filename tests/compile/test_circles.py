"""Routes that feed each other: an error where nothing can end it, a warning where a step may, nothing where one is for it."""

from __future__ import annotations

import pytest

from tests.compile.support import compiled, with_changes

STOCK = """tillflow: 1
route: {name}
version: 1.0.0
owner: store-ops
criticality: operational
from: {{event: stock.moved@1}}
steps: [{steps}]
to:
  - {{id: again, event: stock.moved@1{when}}}
"""


def severities(**routes: tuple[str, str]) -> list[str]:
    files = {
        f"routes/{name}.yaml": STOCK.format(name=name, steps=steps, when=when).encode()
        for name, (steps, when) in routes.items()
    }
    _, findings = compiled(with_changes(files))
    return [finding.severity for finding in findings if finding.code == "TF4010"]


@pytest.mark.parametrize(
    ("steps", "when", "severity"),
    [
        ("", "", ["error"]),
        ("{id: a, drop: [reason]}", "", ["error"]),
        ("{id: a, check: {that: [{hold: quantity > `0`}]}}", "", ["warning"]),
        ("{id: a, when: quantity > `9`, filter: {reason: enough}}", "", []),
        ("{id: a, choose: [{when: quantity > `9`, steps: [{id: b, filter: {reason: enough}}]}]}", "", []),
        ("", ", when: quantity > `9`", []),
    ],
)
def test_a_route_that_feeds_itself(steps: str, when: str, severity: list[str]) -> None:
    assert severities(echo=(steps, when)) == severity


def test_a_circle_over_two_routes_ends_where_one_of_them_ends_it() -> None:
    other = ", when: quantity > `9`"
    assert severities(echo=("", ""), third=("", other)) == ["error"]
    assert severities(echo=("", other), third=("", other)) == []
