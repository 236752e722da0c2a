"""`tillflow test` in the regions: promises hold under every overlay, and what an overlay changes it says."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.config.project import read_project_from
from engine.testing.runner.changed import MOST, failures
from engine.testing.runner.chosen import all_cases
from engine.testing.runner.project import TestProject
from engine.testing.runner.session import CaseResult, TestReport, run_tests
from tests.regions.site import BASE, CITY, SITE, TESTS, overlay, pack, registry


def results(files: Mapping[str, str]) -> list[CaseResult]:
    project, found = read_project_from({path: text.encode() for path, text in files.items()}, {})
    loaded = TestProject(project, registry(), found)
    return run_tests(loaded, all_cases(project), [], lambda result: None).results


def matrix(files: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """(first word of the test, scope) -> the first problem; empty when it passed."""
    return {(one.case.name.split()[0], one.scope): "; ".join(one.problems) for one in results(files)}


SALE_ES = {
    "routes/regions/es/cases/sale.json": '{"store": "B", "country": "ES", "receipt": "1", "date": "2027-03-14", "total": 10}'
}


def test_every_promise_runs_in_every_scope_and_interval() -> None:
    found = matrix(SITE | CITY)
    assert {scope for name, scope in found if name == "posted"} == {
        "",
        "de",
        "es until 2026-12-31",
        "es from 2027-01-01",
        "de+city",
        "es+city until 2026-12-31",
        "es+city from 2027-01-01",
    }
    assert set(found.values()) == {""}


def test_an_example_runs_where_an_overlay_makes_a_difference() -> None:
    found = matrix(SITE)
    assert {scope for name, scope in found if name == "a"} == {"", "es from 2027-01-01"}
    assert set(found.values()) == {""}


BALANCED = """
tillflow: 1
mapping: sale-to-entry
input: sale@1
fields:
  reference: receipt
  extra:
    fields:
      lines:
        - fields: {debit: total, credit: {const: 0}}
        - fields: {debit: {const: 0}, credit: total}
      slot: more
"""


def test_an_overlay_that_breaks_a_promise_fails() -> None:
    """Two accounts in balance, until a region adds a third line to them."""
    tests = TESTS.replace("[applied_at_most_once, nothing_unaccounted]", "[debit_equals_credit]")
    files = SITE | {"routes/posting.test.yaml": tests, "mappings/sale-to-entry.yaml": BALANCED}
    tax = "fill_mapping:\n  sale-to-entry:\n    more: {taxes: [{fields: {debit: total, credit: {const: 0}}}]}\n"
    found = matrix(files | overlay("de", tax))
    told = {scope: problem for (name, scope), problem in found.items() if name == "posted"}
    assert "debit 10 and credit 0" in told.pop("de")
    assert set(told.values()) == {""}


def test_a_change_nobody_speaks_of_fails() -> None:
    found = matrix(SITE | overlay("de", "set: {way: summary}\n"))
    told = found["a", "de"]
    assert told.startswith("de-posting changes this example; if that is meant, say so in `expects_change`")
    assert "the count of erp" in told


def test_a_change_that_is_none_fails() -> None:
    text = "set: {most: 50}\nexpects_change:\n  - {test: a sale is posted and noted, because: it is so, sinks: {erp: {count: 1}}}\n"
    told = matrix(SITE | overlay("de", text))["a", "de"]
    assert told == "`de-posting` expects a change of this example, and nothing changes: the base does the same"


def test_another_change_than_the_one_expected_fails() -> None:
    text = "set: {way: summary}\nexpects_change:\n  - {test: a sale is posted and noted, because: it is so, sinks: {erp: {count: 2}}}\n"
    assert "the count of erp" in matrix(SITE | overlay("de", text))["a", "de"]


def test_a_pack_brings_its_own_case() -> None:
    strict = SITE["routes/regions/es/posting.overlay.yaml"].replace(
        "present(extensions.fiscal.store.rate)", "extensions.fiscal.store.country == 'ES'"
    )
    files = SITE | {"routes/regions/es/posting.overlay.yaml": strict}
    told = matrix(files)
    assert "no-rate" in " ".join(note for one in results(files) for note in one.notes)
    assert told["a", "es from 2027-01-01"] != ""
    assert set(matrix(files | SALE_ES).values()) == {""}


def test_a_change_may_have_a_case_of_its_own() -> None:
    text = "set: {most: 5}\nexpects_change:\n  - {test: a sale is posted and noted, given: {event: cases/small.json}, because: it is so, sinks: {erp: {count: 0}}}\n"
    own = {
        "routes/regions/de/cases/small.json": '{"store": "A", "country": "DE", "receipt": "7", "date": "2026-03-14", "total": 6}'
    }
    assert matrix(SITE | overlay("de", text) | own)["a", "de"] == ""


def test_without_packs_there_is_the_base_only() -> None:
    assert {scope for _, scope in matrix(BASE)} == {""}
    assert {scope for _, scope in matrix(BASE | pack("de"))} == {"", "de"}


# --- those of a change alone ------------------------------------------------------------------------------------------

NOTES = """
tillflow: 1
tests:
  - {name: a sale is told, route: plain, given: {event: cases/sale.json}, expect: {sinks: {tell: {count: 1}}}}
"""


def changed(files: Mapping[str, str], routes: Mapping[str, list[str]]) -> list[str]:
    """As a change of these routes, in these places, is tested before it runs."""
    return list(failures({path: text.encode() for path, text in files.items()}, routes, {}, registry()))


def test_a_change_is_tested_where_it_is_one() -> None:
    files = SITE | overlay("de", "set: {way: summary}\n")
    (told,) = changed(files, {"posting": ["", "de"]})
    assert told.startswith(
        "routes/posting.test.yaml:9:11 test `a sale is posted and noted` fails in de: de-posting changes"
    )
    assert changed(files, {"posting": ["", "es from 2027-01-01"]}) == []


def test_overlays_of_other_routes_are_not_in_the_way() -> None:
    """What they say of tests is not compiled beside the route that changed."""
    rest = "insert: [{before: stamped, steps: [{id: mine, set: {extensions.local.mine: {const: 1}}}]}]\n"
    expects = (
        "set: {loud: true}\nexpects_change:\n  - {test: a sale is told, because: it is so, sinks: {tell: {count: 1}}}\n"
    )
    loud = SITE["routes/plain.yaml"].replace(
        "from:", "params: {loud: {type: boolean, default: false, overridable_by: [country]}}\nfrom:"
    )
    files = SITE | {"routes/plain.yaml": loud, "routes/plain.test.yaml": NOTES}
    files |= overlay("de", expects, "plain", "plain@^1") | overlay("de", rest)
    assert changed(files, {"posting": ["", "de", "es", "es from 2027-01-01"]}) == []
    (told,) = changed(files, {"plain": ["de"]})
    assert "expects a change of this example, and nothing changes" in told


def test_so_many_failures_are_told_and_no_more() -> None:
    name = "  - {name: sale %d, route: plain, given: {event: cases/sale.json}, expect: {sinks: {tell: {count: 2}}}}\n"
    text = "tillflow: 1\ntests:\n" + "".join(name % number for number in range(MOST + 2))
    told = changed(SITE | {"routes/plain.test.yaml": text}, {"plain": [""]})
    assert len(told) == MOST + 1 and told[-1].startswith("and more")


def test_the_matrix_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.cli.tests import _print_matrix

    monkeypatch.setenv("NO_COLOR", "1")
    _print_matrix(TestReport(results(SITE | overlay("de", "set: {way: summary}\n"))))
    told = capsys.readouterr().out
    head, *rows = [line.split() for line in told.splitlines() if line.strip()]
    assert "base" in head and "de" in head
    assert [row[-3:] for row in rows if "noted" in " ".join(row)] and "FAIL" in told


# --- mappings that regions fill -----------------------------------------------------------------------------------------

MAPPED = """
tillflow: 1
tests:
  - {name: balanced whatever a region adds, kind: promise, mapping: sale-to-entry, given: {event: ../routes/cases/sale.json}, invariants: [debit_equals_credit]}
  - {name: example of the base, mapping: sale-to-entry, given: {event: ../routes/cases/sale.json}, expect: {output: {reference: "1"}}}
"""
FILLED = {"mappings/sale-to-entry.yaml": BALANCED, "mappings/sale-to-entry.test.yaml": MAPPED}
TAX = "fill_mapping:\n  sale-to-entry:\n    more: {taxes: [{fields: {debit: total, credit: {const: 0}}}]}\n"


def test_a_promise_of_a_mapping_holds_in_every_scope_where_its_route_fills_it() -> None:
    found = matrix(SITE | FILLED | CITY)
    assert {scope for name, scope in found if name == "balanced"} == {
        scope for name, scope in found if name == "posted"
    }
    assert set(found.values()) == {""}


def test_an_example_of_a_mapping_belongs_to_the_base() -> None:
    assert {scope for name, scope in matrix(SITE | FILLED) if name == "example"} == {""}


def test_a_region_that_breaks_what_a_mapping_promises_fails() -> None:
    found = matrix(SITE | FILLED | overlay("de", TAX))
    told = {scope: problem for (name, scope), problem in found.items() if name == "balanced"}
    assert told.pop("de") == "debit 10 and credit 0 of what it gives differ"
    assert set(told.values()) == {""}


def test_a_mapping_that_no_region_fills_is_the_same_everywhere() -> None:
    spain = SITE["routes/regions/es/posting.overlay.yaml"]
    bare = spain.partition("fill_mapping:")[0] + "insert:" + spain.partition("insert:")[2]
    found = matrix(SITE | FILLED | {"routes/regions/es/posting.overlay.yaml": bare})
    assert {scope for name, scope in found if name == "balanced"} == {""}


def test_in_a_scope_the_pack_gives_its_own_case() -> None:
    own = '{"store": "B", "country": "ES", "receipt": "1", "date": "2027-03-14", "total": "ten"}'
    found = matrix(SITE | FILLED | {"routes/regions/es/cases/sale.json": own})
    told = {scope: problem for (name, scope), problem in found.items() if name == "balanced"}
    assert told[""] == told["de"] == "" and "gives nothing" in told["es from 2027-01-01"]


def test_two_routes_that_fill_it_are_told_apart() -> None:
    second = SITE["routes/posting.yaml"].replace("route: posting", "route: again")
    files = SITE | FILLED | {"routes/again.yaml": second} | overlay("de", TAX, "again", "again@^1")
    found = matrix(files)
    told = {scope: problem for (name, scope), problem in found.items() if name == "balanced" and problem}
    assert told == {"de (again)": "debit 10 and credit 0 of what it gives differ"}
    assert {"de (posting)", "es from 2027-01-01 (posting)"} <= {scope for _, scope in found}


@pytest.mark.parametrize(
    ("invariant", "told"),
    [
        ("nothing_unaccounted", "`nothing_unaccounted` is about a route; of a mapping alone `debit_equals_credit`"),
        ("debit_equals_credit", "it gives nothing with debit and credit: the promise says nothing here"),
    ],
)
def test_a_promise_that_says_nothing_of_a_mapping_fails(invariant: str, told: str) -> None:
    tests = MAPPED.replace("debit_equals_credit", invariant)
    found = matrix(SITE | {"mappings/sale-to-entry.test.yaml": tests})
    assert told in found["balanced", ""]
