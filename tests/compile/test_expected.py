"""What a route promises and expects becomes numbers, or findings."""

from __future__ import annotations

import pytest

from tests.compile.support import compiled, edited

PATH = "routes/sales-posting.yaml"
SLO = "slo: {latency_p95: 30s, success: 0.999}"
TRAFFIC = "expect_traffic: {at_least: 1, per: 15m}"


def test_durations_and_shares_are_numbers() -> None:
    plan = compiled(edited(PATH, SLO, SLO))[0].plans["sales-posting"]
    assert plan.slo == {"latency_p95": 30.0, "success": 0.999}
    assert plan.expect_traffic == {"at_least": 1, "per": 900.0}


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        (SLO, "slo: {success: 99.9}", "TF1103", 9),
        (SLO, "slo: {success: often}", "TF1103", 9),
        (SLO, "slo: {latency_p95: quick}", "TF1124", 9),
        (TRAFFIC, "expect_traffic: {at_least: 1, per: day}", "TF1124", 10),
    ],
)
def test_what_cannot_be_judged_is_a_finding(old: str, new: str, code: str, line: int) -> None:
    found = compiled(edited(PATH, old, new))[1]
    assert [(finding.code, finding.mark.line) for finding in found] == [(code, line)]
