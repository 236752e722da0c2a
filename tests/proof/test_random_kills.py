"""Killed at moments nobody chose while tills go on writing: at the end every sale is done once, or waits."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside, SideBySide, chosen
from tests.proof.place import KILLED, Place

KILLS = 6
SAFE = ("idempotency_key", "upsert", "same_transaction")
WAITING = ("count", "time", "delay")
FILES, SALES = 24, 60


def tills(place: Place, random: Random) -> threading.Thread:
    """Drops files until all sales were written; some sales are in several files, as when a till sends its day again."""
    numbers = list(range(SALES))
    random.shuffle(numbers)
    size = -(-SALES // FILES)
    days = [numbers[at : at + size] + random.sample(numbers, 2) for at in range(0, SALES, size)]
    rests = [random.uniform(0.05, 0.35) for _ in days]

    def write() -> None:
        for at, (day, rest) in enumerate(zip(days, rests, strict=True)):
            place.drop(f"{at:03d}.jsonl", till.written(till.sale(number, "AB"[number % 2]) for number in day))
            time.sleep(rest)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def project() -> dict[str, str]:
    """Sinks of every guarantee but `verify`, whose every loss waits for half a minute, two ways of adding up, and a delay."""
    safe = "".join(projects.sink(one, one.replace("_", "-")) for one in SAFE)
    unsafe = "".join(projects.sink(one, one.replace("_", "-")) for one in projects.UNSAFE)
    telling = projects.posting(unsafe, safe=False).replace("route: posting", "route: telling")
    return projects.project(projects.posting(safe), {"routes/telling.yaml": telling} | projects.waiting(*WAITING))


@dataclass(frozen=True)
class Ended:
    """Where everything is, and what the outside wrote down."""

    place: Place
    log: Path


@pytest.fixture(scope="module")
def ended(request: pytest.FixtureRequest, outside: Outside, tmp_path_factory: Any) -> Iterator[SideBySide]:
    folder = tmp_path_factory.mktemp("random")
    running = SideBySide(lambda seed: carry_out(seed, folder, outside), chosen(request, "seed"))
    yield running
    running.close()


def carry_out(seed: int, folder: Path, outside: Outside) -> Ended:
    """Lives that are killed while files arrive, and one that lives until everything is quiet."""
    random = Random(seed)
    log = f"random-{seed}"
    place = Place(folder / log, project(), {"OUTSIDE": f"{outside.url}/{log}/slow"})
    with closing(sqlite3.connect(place.books)) as books:
        books.execute("create table sales(store text, reference text, total text)")
    writing = tills(place, random)
    for _ in range(KILLS):
        life = place.start()
        if random.random() < 0.8:  # else it may die before it runs
            place.running(life)
        time.sleep(random.uniform(0.05, 0.9))
        assert life.kill() == KILLED
    last = place.start()
    writing.join()
    assert place.quiet(last), place.told()
    assert last.stop() == 0
    return Ended(place, outside.folder / log)


@pytest.mark.parametrize("seed", [20260314, 7])
def test_killed_at_random_moments_while_files_arrive(seed: int, ended: SideBySide) -> None:
    told: Ended = ended[seed]

    place = told.place
    folders, items = (place.inbox, place.archive, place.failed), place.items()
    assert len(till.sold(*folders)) == SALES
    for guarantee in (*SAFE, *projects.UNSAFE):
        if guarantee == "same_transaction":
            effects = checker.of_table(place.books)
        else:
            effects = checker.of_log(told.log, projects.WAYS[guarantee])
        waiting = checker.waiting(items, guarantee.replace("_", "-"))
        checker.check(checker.Found(effects, waiting), folders, guarantee)
    for kind in WAITING:
        checker.check_groups(checker.groups_of(told.log, kind), folders, kind)
