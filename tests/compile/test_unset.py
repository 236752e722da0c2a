"""A value of the environment that is missing: what would be made of its name is left out, and never runs."""

from __future__ import annotations

import pytest

from tests.compile.support import compiled, edited, with_changes


@pytest.mark.parametrize(
    ("path", "old", "new", "lost"),
    [
        ("routes/connections.yaml", "${POS_INBOX:data/pos/inbox}", "${NOWHERE}", {"pos-ingest", "returns"}),
        ("routes/connections.yaml", "${ERP_DB:shop}", "${NOWHERE}", {"sales-posting", "sales-summary"}),
        ("mappings/day-to-journal.yaml", "Sales of a day", '"${NOWHERE}"', {"sales-summary"}),
        ("routes/returns.yaml", "version: 1.0.0", "version: ${NOWHERE}", {"returns"}),
    ],
)
def test_what_needs_it_has_no_plan_and_all_else_has(path: str, old: str, new: str, lost: set[str]) -> None:
    before, _ = compiled(with_changes({}))
    after, findings = compiled(edited(path, old, new))

    assert [finding.code for finding in findings if finding.severity == "error"] == ["TF1051"]
    assert before.plans.keys() - after.plans.keys() == lost
