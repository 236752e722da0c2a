"""`tillflow test`: what is chosen, what is printed, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.testing.conftest import Said

Tillflow = Callable[..., Said]
GOOD = "tillflow: 1\ntests:\n  - {name: sold, given: {event: cases/sale.json}, expect: {sinks: {sold: {count: 1}}}}\n"
BAD = GOOD.replace("name: sold", "name: '<sold> & \"gone\"'").replace("sale.json", "sale.json, set: {total: -1}")


def write(shop: Path, name: str, text: str) -> None:
    (shop / "routes" / f"{name}.test.yaml").write_text(text, encoding="utf-8")


def test_all_pass(tillflow_test: Tillflow) -> None:
    said = tillflow_test()
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("1 passed in ")


def test_a_failure_has_its_place_what_differs_and_what_happened(tillflow_test: Tillflow, shop: Path) -> None:
    write(shop, "posting", BAD)
    said = tillflow_test()
    assert said.code == 1
    assert said.out.splitlines()[:3] == [
        'FAIL routes/posting.test.yaml:3  <sold> & "gone"',
        "  the count of sold is 0, expected 1",
        "  note: work item of posting: too-little: does not hold: total >= param('least')",
    ]
    assert "0 passed, 1 failed in " in said.out


def test_paths_and_words_choose(tillflow_test: Tillflow, shop: Path) -> None:
    write(shop, "stock", GOOD.replace("given", "route: posting, given"))
    write(shop, "intake", BAD.replace("given", "route: posting, given"))
    assert "3 failed" not in tillflow_test().out
    assert tillflow_test(shop / "routes" / "stock.test.yaml").out.startswith("1 passed")
    assert tillflow_test("-k", "SOLD", shop / "routes/posting.test.yaml", shop / "routes/stock.test.yaml").code == 0
    assert tillflow_test("-k", "gone").code == 1
    nothing = tillflow_test("-k", "no such words")
    assert nothing.code == 2 and "there is no such test" in nothing.err


@pytest.mark.parametrize("path", ["missing.test.yaml", "/"])
def test_a_path_outside_is_wrong_use(tillflow_test: Tillflow, path: str) -> None:
    said = tillflow_test(path)
    assert said.code == 2
    assert "does not exist" in said.err or "is not in the project" in said.err


def test_a_project_with_findings_is_not_tested(tillflow_test: Tillflow, shop: Path) -> None:
    write(shop, "posting", GOOD.replace("sold: {", "solt: {"))
    said = tillflow_test()
    assert said.code == 1
    assert "error[TF3026]" in said.out and "routes/posting.test.yaml:3" in said.out
    assert tillflow_test("--format", "json").json["findings"][0]["suggestion"] == "sold"


def test_json_holds_every_result(tillflow_test: Tillflow, shop: Path) -> None:
    write(shop, "posting", GOOD)
    write(shop, "stock", BAD.replace("given", "route: posting, given"))
    said = tillflow_test("--format", "json")
    assert said.code == 1
    known: Any = said.json
    assert (known["passed"], known["failed"]) == (1, 1)
    first, second = known["tests"]
    assert first == {
        "file": "routes/posting.test.yaml", "line": 3, "name": "sold", "route": "posting", "mapping": "",
        "scope": "", "passed": True, "problems": [], "notes": [],
    }  # fmt: skip
    assert second["problems"] == ["the count of sold is 0, expected 1"]
    assert second["notes"][0].startswith("work item of posting: too-little")


def test_coverage_names_what_no_test_reached(tillflow_test: Tillflow, shop: Path) -> None:
    write(shop, "posting", GOOD)
    said = tillflow_test("--coverage", "-k", "sold")
    assert said.code == 0
    missing = [line.strip() for line in said.out.splitlines() if line.startswith("  routes/")]
    assert missing == [
        "routes/posting.yaml:10  training: when true",
        "routes/posting.yaml:13  rating: when true",
        "routes/posting.yaml:21  ways: branch 1",
        "routes/posting.yaml:23  large: ran",
        "routes/posting.yaml:33  sold: not selected",
    ]
    assert "posting        8  13  62 %" in said.out


def test_everything_can_be_reached(tillflow_test: Tillflow, shop: Path) -> None:
    cases = [
        "  - {name: a, given: {events: [cases/other.json, cases/sale.json], times: 2}, expect: {work_items: []}}",
        "  - {name: b, given: {event: cases/sale.json, set: {training: true}}, expect: {filtered: training-mode}}",
        "  - {name: c, given: {event: cases/sale.json, set: {total: 0}}, expect: {sinks: {sold: {count: 0}}}}",
        "  - name: d\n    given: {event: cases/named.json}\n    stub: {rating: {returns: {body: good}}}",
        "    expect: {data: {rating: {body: good}}}",
    ]
    write(shop, "posting", "tillflow: 1\ntests:\n" + "\n".join(cases) + "\n")
    said = tillflow_test("--format", "json", "--min-coverage", "100", "routes/posting.test.yaml")
    assert said.code == 2  # a path is seen from the current folder
    said = tillflow_test("--format", "json", "--min-coverage", "100", shop / "routes/posting.test.yaml")
    assert said.json["coverage"]["percent"] == "100.0" and said.code == 0


def test_coverage_below_the_threshold_fails(tillflow_test: Tillflow) -> None:
    said = tillflow_test("--min-coverage", "90")
    assert said.code == 1
    assert "coverage is " in said.err and "below 90 %" in said.err
    assert "1 passed" in said.out, "the tests themselves pass"
    assert tillflow_test("--min-coverage", "10").code == 0


def test_junit_holds_suites_cases_and_failures(tillflow_test: Tillflow, shop: Path, tmp_path: Path) -> None:
    write(shop, "posting", GOOD + BAD.partition("tests:\n")[2])
    write(shop, "stock", GOOD.replace("given", "route: posting, given"))
    file = tmp_path / "junit.xml"
    assert tillflow_test("--junit", file).code == 1
    root = ElementTree.parse(file).getroot()
    assert (root.tag, root.attrib["tests"], root.attrib["failures"]) == ("testsuites", "3", "1")
    assert [suite.attrib["name"] for suite in root] == ["routes/posting.test.yaml", "routes/stock.test.yaml"]
    good, bad = root[0]
    assert (good.attrib["name"], good.attrib["classname"], len(good)) == ("sold", "posting", 0)
    assert (bad.attrib["name"], bad.attrib["line"]) == ('<sold> & "gone"', "4")
    assert bad[0].attrib["message"] == "the count of sold is 0, expected 1"
    assert bad[0].text is not None and "work item of posting: too-little" in bad[0].text
