"""Killed with SIGKILL at each row of the table of promises, started again, killed again, and run until quiet.

Whatever the moment and whatever the sink guarantees: an independent look at the till's files and at what the outside
systems wrote down finds every sale applied once, or waiting as a work item. `at_least_once` may repeat and says so;
`at_most_once` never repeats.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside, SideBySide, chosen
from tests.proof.place import KILLED, Place

ALL = tuple(projects.SINKS)
OVER_HTTP = tuple(guarantee for guarantee in ALL if guarantee != "same_transaction")
DELIVERY = ("ledger-claimed", "sink-called", "ledger-applied", "lane-acked")
LOST_ANSWERS = ("drop", "error", "hang")
INTAKE = (
    "ingress-published", "ingress-ack", "ingress-acked",
    # the first time in the route `ingest`, later in those that post
    "inbox-open:1", "inbox-open:2", "inbox-open:3",
    "router-published:1", "router-published:2", "router-published:3",
    "router-routed:1", "router-routed:2", "router-routed:3",
    "router-acked:1", "router-acked:2", "router-acked:3",
)  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """Where the first life dies, what stands in the posting routes, and how the outside treats each first request."""

    point: str
    guarantees: tuple[str, ...]
    trouble: str = "none"

    def __str__(self) -> str:
        kind = self.guarantees[0] if len(self.guarantees) == 1 else "all"
        return "-".join([self.point, kind, *([self.trouble] if self.trouble != "none" else [])])


@dataclass(frozen=True)
class Result:
    """Exit codes of the lives, where everything is, and what the checker has to look at."""

    codes: list[int]
    place: Place
    found: dict[str, checker.Found]
    trace: list[dict[str, Any]]


AT_DELIVERY = [Scenario(point, (guarantee,)) for point in DELIVERY for guarantee in ALL]
AFTER_A_LOST_ANSWER = [
    Scenario("work-item-written" if guarantee == "at_most_once" else "retry-published", (guarantee,), trouble)
    for guarantee in OVER_HTTP
    for trouble in LOST_ANSWERS
]
AT_THE_LOSS = [Scenario("sink-called", (guarantee,), "drop") for guarantee in OVER_HTTP]
AT_INTAKE = [Scenario(point, ALL) for point in INTAKE]


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, outside: Outside, tmp_path_factory: Any) -> Iterator[SideBySide]:
    folder = tmp_path_factory.mktemp("crashes")
    running = SideBySide(
        lambda scenario: carry_out(scenario, folder / str(scenario), outside),
        chosen(request, "scenario"),
        slow=lambda scenario: "verify" in scenario.guarantees,
    )
    yield running
    running.close()


def carry_out(scenario: Scenario, folder: Path, outside: Outside) -> Result:
    """Three lives: killed at the point, killed again (there, or at some other moment), and run until quiet."""
    log = str(scenario).replace(":", "-")
    place = Place(folder, files_of(scenario), {"OUTSIDE": f"{outside.url}/{log}/{scenario.trouble}"})
    with closing(sqlite3.connect(place.books)) as books:
        books.execute("create table sales(store text, reference text, total text)")
    place.drop("one.jsonl", till.written(map(till.sale, range(4))))
    place.drop("two.jsonl", till.written(map(till.sale, range(3, 6))))

    codes = [place.died(place.start(scenario.point)), second_life(scenario, place)]
    last = place.start()
    assert place.quiet(last), place.told()
    codes.append(last.stop())

    items = place.items()
    found = {guarantee: looked_up(place, outside.folder / log, guarantee, items) for guarantee in scenario.guarantees}
    doubled = sorted(found["at_least_once"].doubled) if "at_least_once" in found else []
    trace = place.ask("trace", doubled[0])["entries"] if doubled else []
    return Result(codes, place, found, trace)


def second_life(scenario: Scenario, place: Place) -> int:
    """Killed at the same point if it comes there again, else when it is quiet; where that would take long, at once."""
    if "verify" in scenario.guarantees:  # each kill of it in flight costs a tier of 30 s
        life = place.start()
        time.sleep(Random(str(scenario)).uniform(0.0, 0.6))
        return life.kill()
    life = place.start(scenario.point)
    place.quiet(life)
    return life.kill()


def files_of(scenario: Scenario) -> dict[str, str]:
    """One route with one sink; or all six guarantees in two routes, as far as `validate` lets them stand together."""
    if len(scenario.guarantees) == 1:
        return projects.of_guarantees(scenario.guarantees)
    safe = "".join(projects.sink(one, one.replace("_", "-")) for one in ALL if one not in projects.UNSAFE)
    unsafe = "".join(projects.sink(one, one.replace("_", "-")) for one in projects.UNSAFE)
    second = projects.posting(unsafe, safe=False).replace("route: posting", "route: telling")
    return projects.project(projects.posting(safe), {"routes/telling.yaml": second})


def looked_up(place: Place, log: Path, guarantee: str, items: Sequence[Any]) -> checker.Found:
    """What the outside says of this sink, and which sales wait."""
    if guarantee == "same_transaction":
        effects = checker.of_table(place.books)
    else:
        effects = checker.of_log(log, projects.WAYS[guarantee])
    return checker.Found(effects, checker.waiting(items, guarantee.replace("_", "-")))


def verdict(result: Result) -> None:
    """What every scenario has to end with."""
    assert result.codes == [KILLED, KILLED, 0]
    folders = (result.place.inbox, result.place.archive, result.place.failed)
    for guarantee, found in result.found.items():
        checker.check(found, folders, guarantee)
    said = [entry["detail"] for entry in result.trace if entry["what"] == "applied"]
    assert not result.trace or "perhaps not for the first time" in said


@pytest.mark.parametrize("scenario", AT_INTAKE, ids=str)
def test_killed_on_the_way_in(scenario: Scenario, results: SideBySide) -> None:
    verdict(results[scenario])


@pytest.mark.parametrize("scenario", AT_DELIVERY, ids=str)
def test_killed_on_the_way_out(scenario: Scenario, results: SideBySide) -> None:
    verdict(results[scenario])


@pytest.mark.parametrize("scenario", AT_THE_LOSS, ids=str)
def test_killed_when_the_answer_got_lost(scenario: Scenario, results: SideBySide) -> None:
    verdict(results[scenario])


@pytest.mark.parametrize("scenario", AFTER_A_LOST_ANSWER, ids=str)
def test_killed_after_an_effect_whose_answer_got_lost(scenario: Scenario, results: SideBySide) -> None:
    verdict(results[scenario])
