"""Disks that take no more, a second engine on the same folder, and a stop in the middle of the work."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.place import Place

SALES = 60
ROOM = 12  # pages
KIND = ("idempotency_key",)


def place_of(folder: Path, outside: Outside, trouble: str = "none", kinds: tuple[str, ...] = KIND) -> Place:
    return Place(folder, projects.of_guarantees(kinds), {"OUTSIDE": f"{outside.url}/{folder.name}/{trouble}"})


def drop_a_day(place: Place) -> None:
    for at in range(0, SALES, 10):
        place.drop(f"{at}.jsonl", till.written(till.sale(n) for n in range(at, at + 10)))


def all_once(place: Place, outside: Outside) -> None:
    """Run on until quiet; every sale was posted once then."""
    life = place.start()
    assert place.quiet(life), place.told()
    assert life.stop() == 0
    found = checker.Found(checker.of_log(outside.folder / place.folder.name, "once"), checker.waiting(place.items()))
    checker.check(found, (place.inbox, place.archive), "idempotency_key")
    assert len(found.effects) == SALES


def lived_once(place: Place) -> tuple[int, int]:
    """Start and stop; answers how many pages and bytes the database has then."""
    life = place.running(place.start())
    assert life.stop() == 0
    with closing(sqlite3.connect(f"file:{place.database}?mode=ro", uri=True)) as database:
        pages = database.execute("pragma page_count").fetchone()[0]
    return int(pages), place.database.stat().st_size


def test_a_full_database_is_said_and_loses_nothing(outside: Outside, tmp_path: Path) -> None:
    place = place_of(tmp_path, outside)
    pages, _ = lived_once(place)
    drop_a_day(place)

    place.environ["PROOF_PAGES"] = str(pages + ROOM)
    life = place.running(place.start())
    place.until(life, lambda: "disk is full" in place.told())
    life.kill()
    assert "Traceback" not in place.told()

    del place.environ["PROOF_PAGES"]
    all_once(place, outside)


def test_a_disk_that_refuses_to_write_ends_the_engine_with_the_reason_and_loses_nothing(
    outside: Outside, tmp_path: Path
) -> None:
    place = place_of(tmp_path, outside)
    _, size = lived_once(place)
    drop_a_day(place)

    place.environ["PROOF_FILE_SIZE"] = str(size + ROOM * 4096)
    life = place.start()
    assert life.ended(60.0) == 1, place.told()
    assert "I/O" in place.told() and "started again" in place.told()
    assert "Traceback" not in place.told()

    del place.environ["PROOF_FILE_SIZE"]
    all_once(place, outside)


def test_a_second_engine_on_the_same_folder_is_refused_and_says_who_has_it(outside: Outside, tmp_path: Path) -> None:
    place = place_of(tmp_path, outside)
    first = place.running(place.start())
    before = place.told()

    said = place.start().ended(30.0), place.told().removeprefix(before) + (tmp_path / "run.out").read_text("utf-8")

    assert said[0] == 2
    assert str(first.pid) in said[1] and "owned by" in said[1] and "Traceback" not in said[1]
    drop_a_day(place)
    assert place.quiet(first) and first.stop() == 0
    all_once(place, outside)


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.5])
def test_a_stop_with_work_in_flight_loses_nothing(seconds: float, outside: Outside, tmp_path: Path) -> None:
    """Also for a sink that may never be asked twice: what was sent is waited for, what was not sent stays."""
    place = place_of(tmp_path, outside, "slow", ("idempotency_key", "at_most_once"))
    drop_a_day(place)
    log = outside.folder / tmp_path.name
    life = place.running(place.start())
    place.until(life, lambda: log.exists() and log.stat().st_size > 0)
    time.sleep(seconds)

    assert life.stop() == 0

    assert json.loads(place.told().splitlines()[-1])["text"] == "stopped"
    assert len(checker.of_log(log, "only")) < SALES, "nothing was in flight: this proves nothing"
    all_once(place, outside)
    found = checker.Found(checker.of_log(log, "only"))
    checker.check(found, (place.inbox, place.archive), "at_most_once")
