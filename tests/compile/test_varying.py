"""Expressions do not change with the environment; names do not either, and the finding is the only one."""

from __future__ import annotations

import pytest

from tests.compile.support import compiled, edited


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("routes/sales-posting.yaml", "when: param('posting') == 'line'", "when: ${A:is_true(training)}"),
        ("routes/sales-posting.yaml", "when: is_true(training) ", "when: ${A:is_true(training)} "),
        ("routes/sales-posting.yaml", "key: line.sku", "key: '${A:line.sku}'"),
        ("mappings/day-to-journal.yaml", "join('-', [store, business_date])", "${A:store}"),
        ("routes/stock.yaml", "key: [location, reference]", 'key: [location, "${A:reference}"]'),
        ("routes/stock.yaml", "criticality: operational", "criticality: ${A:operational}"),
        ("routes/stock.yaml", "event: stock.moved@1", "event: '${A:stock.moved@1}'"),
        ("routes/connections.yaml", "connector: core.files", "connector: ${A:core.files}"),
    ],
)
def test_it_is_a_finding(path: str, old: str, new: str) -> None:
    _, findings = compiled(edited(path, old, new))
    errors = [finding for finding in findings if finding.severity == "error"]
    assert {finding.code for finding in errors} == {"TF1050"}
    assert errors[0].mark.file == path
