"""Several workers over one RabbitMQ and one PostgreSQL: killed at random, poisoned, one host after another stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.place import ROOT
from tests.proof.shared import Cell, cell
from tests.proof.test_poison_processes import DEADLY, SITE

pytestmark = pytest.mark.services

STORES, EACH, KILLS = "ABC", 20, 5
ORDERED = "ordered: {on_failure: hold_key, gap_timeout: 15m}, "
WAITING = ("count", "time", "delay")


@pytest.fixture(name="cell")
def _cell() -> Iterator[Cell]:
    with cell() as made:
        yield made


def project() -> dict[str, str]:
    """A sink in order, one that keeps none, two ways of adding up, and a delay."""
    ordered = projects.sink("idempotency_key", "in-order", ORDERED + projects.RETRY)
    files = projects.project(projects.posting(ordered + projects.sink("upsert", "by-name")), projects.waiting(*WAITING))
    return {**files, "mappings/schemas/sale@1.yaml": projects.NUMBERED}


def sales() -> list[dict[str, object]]:
    return [till.sale(number, store, turn=number) for number in range(1, EACH + 1) for store in STORES]


def test_workers_that_are_killed_lose_nothing_double_nothing_and_keep_the_order(
    cell: Cell, outside: Outside, tmp_path: Path
) -> None:
    random = Random(cell.name)
    place = cell.place(tmp_path, project(), {"OUTSIDE": f"{outside.url}/{cell.name}/slow", "TILLFLOW_WORKERS": "2"})
    life = place.start(alone=False)
    place.until(life, lambda: place.told().count('"text": "running"') >= 2)
    sold = sales()
    for kill in range(KILLS):
        part = sold[kill * len(sold) // KILLS : (kill + 1) * len(sold) // KILLS]
        random.shuffle(part)
        place.drop(f"{kill}.jsonl", till.written(part))
        time.sleep(random.uniform(0.2, 1.0))
        worker = random.choice(sorted(place.workers()))
        with suppress(ProcessLookupError):
            os.kill(place.workers()[worker], signal.SIGKILL)
    place.until(life, lambda: not place.moving())
    time.sleep(1.0)
    place.until(life, lambda: not place.moving())
    status = place.ask("status")
    assert life.stop(40.0) == 0

    log, folders = outside.folder / cell.name, (place.inbox, place.archive, place.failed)
    assert len(till.sold(*folders)) == len(sold)
    items = place.items()
    for way, sink in (("once", "in-order"), ("doc", "by-name")):
        checker.check(checker.Found(checker.of_log(log, way), checker.waiting(items, sink)), folders, sink)
    receipts = list(checker.of_log(log, "once"))
    for store in STORES:
        assert [int(receipt[1:]) for receipt in receipts if receipt[0] == store] == list(range(1, EACH + 1))
    for kind in WAITING:
        checker.check_groups(checker.groups_of(log, kind), folders, kind)
    assert {figure["balanced"] for figure in status["figures"]} == {True}
    assert place.workers() == {}, "who stops says so"


def test_another_worker_takes_the_source_of_one_that_was_killed(cell: Cell, outside: Outside, tmp_path: Path) -> None:
    """Its lease has a day to go, and its parent does not start it again: the other one gives it up for it."""
    files = projects.project(projects.posting(projects.sink("idempotency_key")))
    place = cell.place(tmp_path, files, {"OUTSIDE": f"{outside.url}/{cell.name}/none", "TILLFLOW_WORKERS": "2"})
    life = place.start(alone=False)
    place.until(life, lambda: place.told().count('"text": "running"') >= 2)

    def leading() -> dict[str, int]:
        owners = {owner for (owner,) in place.rows("select owner from lease where name = 'source/ingest'")}
        return {name: pid for name, pid in place.workers().items() if name in owners}

    place.until(life, lambda: len(leading()) == 1)
    ((dead, pid),) = leading().items()
    life.signal(signal.SIGSTOP)
    try:
        os.kill(pid, signal.SIGSTOP)
        (before,) = place.rows(
            "update lease set until = until + 86400000000 where name = 'source/ingest' returning token"
        )
        os.kill(pid, signal.SIGKILL)
        place.drop("day.jsonl", till.written([till.sale(n) for n in range(3)]))
        place.until(life, lambda: len(checker.of_log(outside.folder / cell.name, "once")) == 3)
        assert leading().keys().isdisjoint({dead})
        assert place.rows("select token from lease where name = 'source/ingest'") > [before]
    finally:
        life.signal(signal.SIGCONT)
    assert f'"killed": "{dead}"' in place.told()
    place.until(life, lambda: not place.moving())
    assert life.stop(40.0) == 0


def test_what_kills_one_worker_does_not_go_on_killing_the_others(cell: Cell, outside: Outside, tmp_path: Path) -> None:
    environ = {
        "OUTSIDE": f"{outside.url}/{cell.name}/none",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(SITE)]),
        "TILLFLOW_WORKERS": "2",
    }
    files = projects.project(projects.posting(projects.sink("idempotency_key"), DEADLY))
    place = cell.place(tmp_path, files, environ)
    place.drop("day.jsonl", till.written([till.sale(n, **({"note": "deadly"} if n == 2 else {})) for n in range(6)]))

    life = place.start(alone=False)
    place.until(life, lambda: place.told().count('"text": "running"') >= 2 and len(place.items()) == 1)
    place.until(life, lambda: len(checker.of_log(outside.folder / cell.name, "once")) == 5)
    place.until(life, lambda: not place.moving())
    assert life.stop(40.0) == 0

    (item,) = place.items()
    assert (item["reason"], item["level"], item["search"]["key.2"]) == ("poison", "event", "A0002")
    assert checker.of_log(outside.folder / cell.name, "once") == {f"A000{n}": [f"{n}.25"] for n in (0, 1, 3, 4, 5)}
    assert place.told().count("died (signal 9)") <= 3, place.told()


def test_another_host_takes_over_from_one_that_stops(cell: Cell, outside: Outside, tmp_path: Path) -> None:
    files = projects.project(projects.posting(projects.sink("idempotency_key")), projects.waiting("time"))
    inbox = {"INBOX": str(tmp_path / "a" / "inbox"), "ARCHIVE": str(tmp_path / "a" / "archive")}
    environ = {"OUTSIDE": f"{outside.url}/{cell.name}/none", **inbox}
    first, second = (cell.place(tmp_path / host, files, environ) for host in "ab")
    one, other = first.running(first.start()), second.running(second.start())
    first.drop("morning.jsonl", till.written([till.sale(n) for n in range(5)]))
    first.until(one, lambda: len(checker.of_log(outside.folder / cell.name, "once")) == 5)

    def leading() -> list[int]:
        workers = second.ask("status")["workers"]
        assert len(workers) == 2
        return [worker["pid"] for worker in workers if worker["sources"]]

    first.until(one, lambda: len(leading()) == 1)
    stopped, left, place = (one, other, second) if leading() == [one.pid] else (other, one, first)
    assert stopped.stop(40.0) == 0
    first.drop("evening.jsonl", till.written([till.sale(n) for n in range(5, 10)]))
    place.until(left, lambda: len(checker.of_log(outside.folder / cell.name, "once")) == 10)
    place.until(left, lambda: not first.moving() and not second.moving())
    assert left.stop(40.0) == 0

    folders = (first.inbox, first.archive)
    checker.check(checker.Found(checker.of_log(outside.folder / cell.name, "once")), folders, "idempotency_key")
    checker.check_groups(checker.groups_of(outside.folder / cell.name, "time"), folders, "time")


def test_what_kills_on_one_host_kills_each_process_once_and_twice_more_at_most(
    cell: Cell, outside: Outside, tmp_path: Path
) -> None:
    """Two hosts that share nothing but the Store learn of it from each other."""
    paths = os.pathsep.join([str(ROOT), str(SITE)])
    environ = {"OUTSIDE": f"{outside.url}/{cell.name}/none", "PYTHONPATH": paths}
    files = projects.project(projects.posting(projects.sink("idempotency_key"), DEADLY))
    here = cell.place(tmp_path / "here", files, environ)
    same = {"INBOX": str(here.inbox), "ARCHIVE": str(here.archive), "FAILED": str(here.failed)}
    there = cell.place(tmp_path / "there", files, environ | same)
    lives = [(place, place.start(alone=False)) for place in (here, there)]
    for place, life in lives:
        place.running(life)
    here.drop("day.jsonl", till.written([till.sale(n, **({"note": "deadly"} if n == 3 else {})) for n in range(8)]))
    posted = {f"A000{n}" for n in range(8) if n != 3}
    here.until(
        lives[0][1],
        lambda: len(here.items()) == 1 and checker.of_log(outside.folder / cell.name, "once").keys() == posted,
        within=120.0,
    )
    assert [life.stop(40.0) for _, life in lives] == [0, 0]

    (item,) = here.items()
    assert (item["reason"], item["search"]["key.2"]) == ("poison", "A0003")
    deaths = [place.told().count("died (signal 9)") for place, _ in lives]
    assert 2 <= sum(deaths) <= 4, deaths  # one each, one in quarantine, and one more where that was in company
