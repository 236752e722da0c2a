"""A bad line of a file, from its work item to where it goes, as a person does it by commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Said, Tillflow
from tests.cli.test_running import running, until  # noqa: F401 - a fixture

HEADER, BAD, GOOD = "sku,price\n", "SKU-1,5.00,oops\n", "SKU-1,5.00\n"
PRICES = """\
tillflow: 1
route: prices
version: 1.0.0
summary: A row of a price list as a file.
owner: pricing
class: system
criticality: operational
from: {use: core.files, connection: tills, match: "*.prices", format: csv}
to:
  - {id: file, use: core.files, connection: office, action: write, with: {name: "join('', [sku, '.json'])", content: "@"}}
"""

Work = Callable[..., Said]


@pytest.fixture
def project(project: Path) -> Path:
    """With a route that reads rows of plain csv."""
    (project / "routes/prices.yaml").write_text(PRICES, "utf-8")
    return project


@pytest.fixture
def work(tillflow: Tillflow, project: Path, running: object) -> Work:  # noqa: F811
    def call(*words: str) -> Said:
        return tillflow("work", *words, "--project", project)

    return call


def test_a_corrected_line_is_not_lost_and_says_what_it_gave(work: Work, tillflow: Tillflow, project: Path) -> None:
    def listed(*more: str) -> list[dict[str, str]]:
        return work("list", "--reason", "bad-line", "--format", "json", *more).json["items"]

    (project / "data/inbox/tuesday.prices").write_text(HEADER + BAD, "utf-8")
    until(lambda: len(listed()) == 1)
    id, body = listed()[0]["id"], project / "body.csv"
    change = ("-r", "a test", "--actor", "tests")

    # given the corrected line alone
    body.write_text(GOOD, "utf-8")
    refused = work("edit", id, "--file", str(body), *change)
    assert refused.code == 1
    assert "a header row and no record; keep line 1 and put the corrected line below it" in refused.err
    shown = work("show", id)
    assert "oops" in shown.out and f"tillflow work edit {id} -r WHY" in shown.out

    # when it is replayed as it is: it stays, and the try is counted
    again = work("replay", id, *change)
    assert again.code == 1 and "it fails again" in again.err
    assert [(item["id"], item["attempts"]) for item in listed()] == [(id, 2)]
    assert "failed again" in work("list").out and "attempts  2, the last one" in work("show", id).out
    story = tillflow("trace", id, "--project", project).out
    assert "replayed" in story and "failed again" in story

    # then with its header it is taken in
    body.write_text(HEADER + GOOD, "utf-8")
    assert work("edit", id, "--file", str(body), *change).code == 0
    replayed = work("replay", id, *change)
    assert replayed.code == 0 and "was taken in again: 1 record" in replayed.err
    until(lambda: (project / "data/posted/SKU-1.json").exists())
    assert listed() == []


def test_keys_narrow_a_trace_and_a_misspelt_one_is_told(
    tillflow: Tillflow,
    project: Path,
    running: object,  # noqa: F811
) -> None:
    def trace(*keys: str) -> Said:
        return tillflow("trace", *keys, "--project", project)

    until(lambda: "applied" in trace("receipt=1001", "file=monday.csv").out)  # the line that knows the file comes last
    both, none = trace("receipt=1001", "file=monday.csv"), trace("receipt=1001", "file=tuesday.csv")
    assert both.code == 0 and "applied" in both.out
    assert none.code == 1 and "nothing is known of receipt=1001 and file=tuesday.csv together" in none.err
    wrong = trace("recipt=1001")
    assert wrong.code == 1 and "did you mean `receipt`?" in wrong.err and "keys are file" in wrong.err


def test_several_are_decided_at_once_and_each_is_told(work: Work, project: Path) -> None:
    def ids() -> list[str]:
        return [item["id"] for item in work("list", "--reason", "bad-line", "--format", "json").json["items"]]

    (project / "data/inbox/tuesday.prices").write_text(
        HEADER + BAD + BAD.replace("1", "2") + BAD.replace("1", "3"), "utf-8"
    )
    until(lambda: len(ids()) == 3)
    first, second, third = ids()
    change = ("-r", "a test", "--actor", "tests")

    # one that is not there keeps no other from it; one that is named twice is decided once
    said = work("discard", first, "nothing", second, first, *change)
    assert said.code == 1
    assert (said.err.count(first), said.err.count(second)) == (1, 1)
    assert "nothing stays as it was" in said.err and ids() == [third]

    said = work("resolve", third, "nothing", *change, "--format", "json")
    assert said.code == 1 and ids() == []
    assert [item["id"] for item in said.json["items"]] == [third] and said.json["refused"] == ["nothing"]

    # all that are refused are told
    again = work("replay", first, second, *change)
    assert again.code == 1
    assert all(f"{id} stays as it was" in again.err for id in (first, second))
    assert work("replay", "a/b", first, *change).code == 2
