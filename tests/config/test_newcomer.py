"""Slips of a newcomer whose first message used to lead astray."""

from __future__ import annotations

from engine.config.project import read_project_from
from tests.config.snippets import findings_in


def test_a_quote_that_is_not_closed_is_told_where_it_opens() -> None:
    found = findings_in('summary: "One\nsteps:\n  - id: a\n    set: {x: "lower(y)"}\n')

    assert [(f.code, f.message) for f in found] == [
        ("TF1043", 'the quote " is opened here and not closed on this line')
    ]


def test_a_text_over_several_lines_is_no_unclosed_quote() -> None:
    found = findings_in('summary: "One\n  and two"\nsteps: [{id: a, set: {x: y}\n')

    assert "TF1043" not in [f.code for f in found]


def test_a_version_of_two_numbers_is_told_with_three() -> None:
    assert [(f.code, f.suggestion) for f in findings_in("version: 1.0\n")] == [("TF1103", "1.0.0")]


def test_an_owner_that_looks_like_an_answer_is_no_name() -> None:
    assert [f.code for f in findings_in("owner: no\n")] == ["TF1103"]


def test_a_variable_that_is_not_set_is_told_once() -> None:
    text = "tillflow: 1\nroute: sales\nversion: ${VERSION}\n"

    _, findings = read_project_from({"routes/sales.yaml": text.encode()}, {})

    assert [f.code for f in findings if f.mark.line == 3] == ["TF1051"]


def test_a_missing_key_is_told_with_what_it_may_be() -> None:
    _, findings = read_project_from({"routes/sales.yaml": b"tillflow: 1\nroute: sales\n"}, {})

    assert "add `criticality:` (one of financial, operational, analytic)" in [f.help for f in findings]


def test_what_a_till_writes_may_be_a_case_as_it_is_called() -> None:
    tests = b"tillflow: 1\ntests:\n  - {name: a, route: sales, given: {file: cases/till.txt}, expect: {}}\n"
    files = {"routes/sales.test.yaml": tests, "routes/cases/till.txt": b"1;2", "routes/notes.txt": b"mine"}

    project, findings = read_project_from(files, {})

    assert list(project.cases) == ["routes/cases/till.txt"]
    assert {"TF9003", "TF9010"}.isdisjoint(f.code for f in findings)


def test_a_case_that_is_called_as_what_is_left_out_is_told_so() -> None:
    tests = b"tillflow: 1\ntests:\n  - {name: a, route: sales, given: {file: cases/till.bak}, expect: {}}\n"

    _, findings = read_project_from({"routes/sales.test.yaml": tests}, {})

    assert ["are left out" in f.help for f in findings if f.code == "TF9010"] == [True]


def test_a_key_without_its_colon_is_told_where_it_stands() -> None:
    (finding,) = findings_in("owner: a\nsteps\n  - id: one\n    drop: [a]\n")

    assert (finding.code, finding.message) == ("TF1001", "`steps` has no colon behind it")
    assert (finding.mark.column, finding.suggestion) == (1, "steps:")


def test_a_dotted_end_of_a_description_stays() -> None:
    text = b"tillflow: 1\nconnections:\n  books: {zone: eu}\n"

    _, findings = read_project_from({"routes/connections.yaml": text}, {})

    assert "add `connector:` (The connector: core.files, core.http, ...)" in [f.help for f in findings]
