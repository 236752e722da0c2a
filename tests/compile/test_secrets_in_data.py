"""`validate` refuses a secret wherever its value would be written down, and leaves it where it is only asked or sent."""

from __future__ import annotations

import pytest

from tests.compile.support import compiled, with_changes

HEAD = (
    "tillflow: 1\nroute: stock\nversion: 1.0.0\nowner: store-ops\ncriticality: operational\n"
    "from: {event: stock.moved@1}\n"
)
LEVELS = "  - {id: levels, table: stock-levels, key: [location, reference], map: stock-to-row}\n"
SECRET = "secret('erp_password')"


def codes(steps: str = "", sinks: str = LEVELS) -> list[str]:
    """Codes of the errors of a route of these steps and sinks."""
    text = HEAD + (f"steps:\n{steps}" if steps else "") + f"to:\n{sinks}"
    found = compiled(with_changes({"routes/stock.yaml": text}))[1]
    return [one.code for one in found if one.severity == "error"]


def asking(use: str) -> str:
    return f"  - {{id: ask, call: {{use: erp.tryton, connection: finance-erp, {use}}}}}\n"


@pytest.mark.parametrize(
    "steps",
    [
        f'  - {{id: s, set: {{place: "{SECRET}"}}}}\n',
        f'  - {{id: s, set: {{place: {{expr: "{SECRET}", optional: true}}}}}}\n',
        f'  - {{id: s, set: {{place: {{at: {{deep: "{SECRET}"}}}}}}}}\n',
        f'  - {{id: s, set: {{place: {{template: "{{{{ {SECRET} }}}}"}}}}}}\n',
        f'  - {{id: s, split: {{in: lines, as: line, key: "{SECRET}"}}}}\n',
        asking(f'action: book, with: {{reference: "{SECRET}"}}'),
        asking(f'action: find_sale, with: {{reference: "{SECRET}"}}, cache: {{ttl: 5m}}'),
    ],
)
def test_a_step_that_puts_a_secret_into_what_is_written_down(steps: str) -> None:
    assert "TF2045" in codes(steps)


@pytest.mark.parametrize(
    "sink",
    [
        f'  - {{id: s, use: core.files, connection: store-files, action: write, with: {{name: "{SECRET}"}}}}\n',
        f'  - {{id: levels, table: stock-levels, key: ["{SECRET}", reference], map: stock-to-row}}\n',
    ],
)
def test_a_sink_whose_request_waits_in_a_queue_holds_no_secret(sink: str) -> None:
    assert "TF2045" in codes(sinks=sink)


@pytest.mark.parametrize(
    "field",
    [
        f'"{SECRET}"',
        f'{{each: {{in: lines, as: line}}, expr: "{SECRET}"}}',
        f'{{fields: {{inner: "{SECRET}"}}}}',
        f'{{template: "{{{{ {SECRET} }}}}"}}',
    ],
)
def test_a_field_of_a_mapping_holds_no_secret(field: str) -> None:
    mapping = f"tillflow: 1\nmapping: stock-to-row\ninput: stock.moved@1\nfields:\n  reference: {field}\n"
    found = compiled(with_changes({"mappings/stock-to-row.yaml": mapping}))[1]
    assert "TF2045" in [one.code for one in found]


@pytest.mark.parametrize(
    "steps",
    [
        f'  - {{id: s, when: "present({SECRET})", set: {{place: location}}}}\n',
        f'  - {{id: s, set: {{place: "if(present({SECRET}), location, reference)"}}}}\n',
        asking(f'action: find_sale, with: {{reference: "{SECRET}"}}'),
    ],
)
def test_a_secret_that_is_asked_about_or_sent_with_a_question_stays(steps: str) -> None:
    assert codes(steps) == []


def test_the_finding_points_at_the_call_and_names_the_other_way() -> None:
    text = HEAD + f"steps:\n  - {{id: s, set: {{place: \"concat('Bearer ', {SECRET})\"}}}}\nto:\n{LEVELS}"
    found = compiled(with_changes({"routes/stock.yaml": text}))[1]
    (told,) = [one for one in found if one.code == "TF2045"]
    assert text.splitlines()[told.mark.line - 1][told.mark.column - 1 :].startswith(SECRET)
    assert "`erp_password`" in told.message and "${secret.erp_password}" in (told.help or "")
