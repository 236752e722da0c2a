"""Groups and delays across kills: by size, time or trailer, each sale is in one group once, and each sum is exact."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside, SideBySide, chosen
from tests.proof.place import KILLED, Place

POINTS = ("group-joined", "group-joined:3", "timer-set", "group-closed", "timer-published", "group-published")
COMING = {"in queues", "files", "no database yet"}  # what still moves before all members have joined
STORES = ("A", "B")
WAITING = (*projects.ENDS, "delay")


@dataclass(frozen=True)
class Ended:
    """The exit codes of its lives, where everything is, and what the outside wrote down."""

    codes: list[int]
    place: Place
    log: Path


@pytest.fixture(scope="module")
def ended(request: pytest.FixtureRequest, outside: Outside, tmp_path_factory: Any) -> Iterator[SideBySide]:
    folder = tmp_path_factory.mktemp("groups")
    running = SideBySide(lambda point: carry_out(point, folder, outside), chosen(request, "point"))
    yield running
    running.close()


def carry_out(point: str, folder: Path, outside: Outside) -> Ended:
    """A life that dies there, one that dies there or a moment later; in the last one the trailers come, when every other sale has joined its group."""
    name = point.replace(":", "-")
    files = projects.project(projects.INGEST) | projects.waiting(*WAITING)
    del files["routes/posting.yaml"]
    place = Place(folder / name, files, {"OUTSIDE": f"{outside.url}/{name}/none"})
    for store in STORES:
        place.drop(f"{store}.jsonl", till.written(till.sale(n, store) for n in range(5)))
        place.drop(f"{store}-again.jsonl", till.written(till.sale(n, store) for n in range(2, 7)))
    first = place.start(point)
    codes = [first.ended(60.0)]
    second = place.start(point)  # it may not come there again: what it was killed in is done by then
    time.sleep(1.5)
    codes.append(second.kill())
    last = place.running(place.start())
    place.until(last, lambda: not place.moving().keys() & COMING)
    place.drop("trailers.jsonl", till.written(till.sale(99, store, note="last") for store in STORES))
    assert place.quiet(last), place.told()
    codes.append(last.stop())
    return Ended(codes, place, outside.folder / name)


@pytest.mark.parametrize("point", POINTS)
def test_a_sale_is_in_one_group_once_and_sums_are_exact(point: str, ended: SideBySide) -> None:
    told: Ended = ended[point]

    assert told.codes == [KILLED, KILLED, 0]
    assert told.place.items() == []
    for end in WAITING:
        groups = checker.groups_of(told.log, end)
        checker.check_groups(groups, (told.place.inbox, told.place.archive), end)
        if end == "trailer":
            assert len(groups) == len(STORES)
        if end == "count":
            assert max(group["members"] for group in groups) == 3
