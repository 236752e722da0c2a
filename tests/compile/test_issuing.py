"""Fiscal records are issued only where the till that prints them waits: on a route that answers, before it does."""

from __future__ import annotations

import pytest

from engine.core.findings import Finding
from tests.compile.support import compiled, with_changes

ISSUE = "verifactu: {mode: issue, record: extensions.fiscal.record, chain: [store.id]}"
STEP = f"  - {{id: issued, {ISSUE}}}\n"
DELAY = "  - {id: later, delay: {for: 1m}}\n"
NESTED = f"  - id: kind\n    choose:\n      - {{when: is_true(training), steps: [{{id: issued, {ISSUE}}}]}}\n      - {{otherwise: true, steps: [{{id: none, drop: [customer]}}]}}\n"
COUNTER = "from: {use: pos.counter}\naccepts: sale.completed@2\n"
FILES = 'from: {use: core.files, connection: store-files, match: "*.json", format: json}\naccepts: sale.completed@2\n'
BUS = "from: {event: sale.completed@2}\n"
REPLY = "reply: {body: {hash: extensions.fiscal.hash}}\n"
TO = "to:\n  - {id: told, use: saas.klaviyo, connection: crm, action: track, with: {event: {receipt: receipt_no}}}\n"
HEAD = "tillflow: 1\nroute: answering\nversion: 1.0.0\nowner: compliance\ncriticality: operational\n"


def told(source: str, steps: str, end: str, more: dict[str, str] | None = None) -> list[Finding]:
    """Findings about who issues, of a project with this route."""
    text = f"{HEAD}{source}steps:\n{steps}{end}"
    found = compiled(with_changes({"routes/answering.yaml": text, **(more or {})}))[1]
    errors = [one for one in found if one.severity == "error"]
    assert {one.code for one in errors} <= {"TF6026", "TF6027", "TF6028"}, errors
    return errors


@pytest.mark.parametrize("steps", [STEP, NESTED], ids=["a step of the route", "a step inside another"])
def test_on_a_route_that_answers_the_till_records_are_issued(steps: str) -> None:
    assert told(COUNTER, steps, REPLY) == []


@pytest.mark.parametrize(
    ("source", "steps", "end"),
    [
        pytest.param(BUS, STEP, TO, id="a subscription"),
        pytest.param(BUS, STEP, REPLY, id="a subscription with a reply that goes nowhere"),
        pytest.param(FILES, STEP, REPLY, id="a source that answers nobody"),
        pytest.param(COUNTER, STEP, TO, id="a source that would answer, and no reply"),
        pytest.param(COUNTER, DELAY + STEP, REPLY, id="behind a step that keeps the event for later"),
        pytest.param(BUS, NESTED, TO, id="inside another step"),
    ],
)
def test_where_no_till_waits_issuing_is_refused_where_it_is_written(source: str, steps: str, end: str) -> None:
    (found,) = told(source, steps, end)

    line = (HEAD + source + "steps:\n" + steps).splitlines()[found.mark.line - 1]
    assert (found.code, found.mark.file) == ("TF6026", "routes/answering.yaml")
    assert line[found.mark.column - 1 :].startswith("issue")
    assert "mode: verify" in found.help


def test_what_has_no_key_is_not_issued_for() -> None:
    (found,) = told("from: {use: pos.counter}\n", STEP, REPLY)

    assert (found.code, found.mark.line) == ("TF6028", 8)
    assert "accepts" in found.help


def test_shared_steps_that_issue_are_refused_by_the_route_that_answers_nobody() -> None:
    shared = {"routes/issuing.yaml": f"tillflow: 1\nsubflow: issuing\nsteps:\n{STEP}"}
    use = "  - {id: use, subflow: {name: issuing}}\n"

    assert told(COUNTER, use, REPLY, shared) == []
    (found,) = told(BUS, use, TO, shared)
    assert (found.code, found.mark.file) == ("TF6026", "routes/issuing.yaml")


@pytest.mark.parametrize(("mode", "codes"), [("mode: verify\n", ["TF6027"]), ("mode: issue\n", []), ("", [])])
def test_a_pack_that_says_who_signs_is_held_to_it(mode: str, codes: list[str]) -> None:
    pack = "tillflow: 1\npack: es\nlayer: country\nfor: {country: ES}\nowner: compliance\nresidency: eu\n" + mode

    assert [one.code for one in told(COUNTER, STEP, REPLY, {"routes/regions/es/pack.yaml": pack})] == codes
