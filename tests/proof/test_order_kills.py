"""A sink that keeps order, across kills: what it gets of one key comes in strictly increasing numbers, each once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside, SideBySide, chosen
from tests.proof.place import KILLED, Place

POINTS = (
    "router-published:2",
    "ledger-claimed:2",
    "sink-called:3",
    "ledger-applied:2",
    "retry-published",
    "lane-acked:4",
)
STORES, EACH = "ABC", 5
ORDERED = "ordered: {on_failure: hold_key, gap_timeout: 15m}, "


@dataclass(frozen=True)
class Ended:
    """The exit codes of its lives, where everything is, and what the outside wrote down."""

    codes: list[int]
    place: Place
    log: Path


@pytest.fixture(scope="module")
def ended(request: pytest.FixtureRequest, outside: Outside, tmp_path_factory: Any) -> Iterator[SideBySide]:
    folder = tmp_path_factory.mktemp("order")
    running = SideBySide(lambda point: carry_out(point, folder, outside), chosen(request, "point"))
    yield running
    running.close()


def carry_out(point: str, folder: Path, outside: Outside) -> Ended:
    """Numbers come shuffled and some twice, and the sink refuses each once: their keys have to wait for them."""
    name = f"order-{point.replace(':', '-')}"
    random = Random(name)
    posting = projects.posting(projects.sink("idempotency_key", more=ORDERED + projects.RETRY))
    files = projects.project(posting, {"mappings/schemas/sale@1.yaml": projects.NUMBERED})
    place = Place(folder / name, files, {"OUTSIDE": f"{outside.url}/{name}/refuse"})
    sales = [till.sale(number, store, turn=number) for store in STORES for number in range(1, EACH + 1)]
    random.shuffle(sales)
    for at in range(0, len(sales), 4):
        place.drop(f"{at}.jsonl", till.written([*sales[at : at + 4], random.choice(sales)]))
    first = place.start(point)
    codes = [first.ended(60.0)]
    second = place.running(place.start())
    time.sleep(random.uniform(0.0, 2.0))
    codes.append(second.kill())
    last = place.start()
    assert place.quiet(last), place.told()
    codes.append(last.stop())
    return Ended(codes, place, outside.folder / name)


@pytest.mark.parametrize("point", POINTS)
def test_each_key_reaches_the_sink_in_its_order_once(point: str, ended: SideBySide) -> None:
    told: Ended = ended[point]

    assert told.codes == [KILLED, KILLED, 0]
    effects = checker.of_log(told.log, "once")
    found = checker.Found(effects, checker.waiting(told.place.items()))
    checker.check(found, (told.place.inbox, told.place.archive), "ordered")
    for store in STORES:
        assert [int(receipt[1:]) for receipt in effects if receipt[0] == store] == list(range(1, EACH + 1))
