"""The storm: ten thousand sales at a steady rate while sixty edits are made, good ones and broken ones, in all the ways
files change; on two hosts, of which the one that leads the changes is killed in the middle of one.

Nothing is lost and nothing is posted twice; no queue is without a consumer for a second; each good edit runs everywhere
soon, each broken one is reported with its line while all runs on as it did.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from uuid import uuid4

import pytest

from tests.faults.conftest import Make
from tests.faults.edits import BROKEN, ROUND, Desk
from tests.faults.own import free_port
from tests.faults.steady import HttpTills, QueueTills, queue_made, selling
from tests.faults.storm import Host, Storm
from tests.faults.story import Ground, Story, wide
from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.place import KILLED, ROOT, Place

SALES, RATE = 10_000, 120
EDITS, EVERY = 60, 1.15
KILLED_AT = 16  # the good edit, after the first one, during which the leader dies
TAKEN_OVER = 120.0  # seconds at most until another one leads
GENEROUS = 5.0  # seconds an edit may take on a machine that does other things too
CROWDED = 1.3  # times that work takes longer
ONE = {"once": "by-key"}
FROM_QUEUE = 'from: {use: tills, url: "${TILLS}", queue: "${QUEUE}"}\n'
FROM_DOOR = "from: {use: core.http, connection: door, path: /sales}\n"
DOOR = '  door: {connector: core.http, listen: "${DOOR}", zone: eu}\n'
SIDE = "7"  # how receipts end that the second route posts
LONG = projects.RETRY.replace("timeout: 1s", "timeout: 10s")


def side(name: str) -> str:
    """A route that may be applied again, and is renamed now and then."""
    to = projects.sink("upsert", "side", f"when: \"ends_with(receipt, '{SIDE}')\", {LONG}")
    return projects.route(name, f"from: {{event: sale@1}}\nto:\n{to}", "operational")


def files(source: str, connections: str = "") -> dict[str, str]:
    """Sales from the tills, posted by a route that is edited, and some by one that is renamed."""
    ingest = projects.route("ingest", source + "accepts: sale@1\nto:\n  - {id: sales, event: sale@1}\n")
    posting = projects.posting(projects.sink("idempotency_key", "by-key", LONG))
    made = wide(projects.project(posting, {"routes/ingest.yaml": ingest, "routes/side-0.yaml": side("side-0")}))
    return made | {"routes/connections.yaml": made["routes/connections.yaml"] + connections}


def hosts(make: Make, ground: Ground) -> tuple[Story, Story]:
    """Two hosts of one cell over the same files."""
    cell = f"t{uuid4().hex[:10]}"
    environ = {
        "TILLFLOW_WATCH": "yes",
        "TILLS": ground.broker.url,
        "QUEUE": f"{cell}.tills",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "faults" / "site")]),
    }
    story = make(ground, files(FROM_QUEUE), cell=cell, environ=environ)
    same = {name: story.environ[name] for name in ("INBOX", "ARCHIVE", "FAILED", "BOOKS")}
    other = make(ground, files(FROM_QUEUE), cell=cell, name="other", environ=environ | same)
    other.project = story.project
    return story, other


@pytest.mark.alone  # two engines, a broker, a database and tills are a crowd by themselves
@pytest.mark.services
def test_the_storm(make: Make, ground: Ground) -> None:
    story, other = hosts(make, ground)
    queue = f"{story.cell}.tills"
    asyncio.run(queue_made(ground.broker.url, queue))
    first = story.running(story.start(f"reload-staged:{KILLED_AT + 1}"))
    second = other.running(other.start())
    watched = [f"{story.cell}.q.{name}" for name in ("route.ingest", "route.posting", "lane.shop.financial.e1")]
    desk = Desk(story.project, side)
    leading, following = Host(story, first), Host(other, second)
    storm = Storm(desk, story.heard, [leading, following])
    kinds = list(islice(cycle(ROUND), EDITS))
    good = [number for number, kind in enumerate(kinds) if kind not in BROKEN]
    deadly = good[KILLED_AT - 1]
    tills = QueueTills(ground.broker.url, queue, RATE, watched)
    tills.posted = lambda: len(storm.receipts)
    with selling(tills):
        storm.first()
        storm.weather(kinds[:deadly], EVERY)
        storm.hosts = [following]
        takeover = storm.one(kinds[deadly], TAKEN_OVER).taken
        storm.edits.pop()  # counted for itself
        assert first.ended() == KILLED
        storm.hosts.append(Host(story, story.running(story.start())))
        storm.weather(kinds[deadly + 1 :], EVERY)
        while len(tills.sold) < SALES:
            time.sleep(0.1)
            storm.follow()
    story.archive.mkdir(exist_ok=True)
    (story.archive / "sold.jsonl").write_bytes(till.written(tills.sold))
    lives = [host.life for host in storm.hosts]
    story.settle(lives[0], ONE)
    assert [life.stop(40.0) for life in lives] == [0, 0]
    storm.follow()
    print(storm.told(), f"\nkilled while it led a change: the change ran after {takeover:.1f} s")
    print(
        f"longest time a queue was seen without a consumer, in {tills.looks} looks: {max(tills.without.values()):.2f} s"
    )

    assert len(story.verdict(ONE)) == len(tills.sold) >= SALES
    judge_side(story.applied("doc"), tills.sold)
    assert max(tills.without.values()) < 1.0, tills.without
    judge(storm, len(good) - 1, EDITS - len(good))


def judge(storm: Storm, good: int, broken: int) -> None:
    """A second on a machine that has little else to do; on a crowded one nobody can tell."""
    taken = storm.taken(broken=False), storm.taken(broken=True)
    assert [len(one) for one in taken] == [good, broken]
    assert not storm.waves.keys() & {edit.wave for edit in storm.edits if edit.kind in BROKEN}, "a broken edit ran"
    for one in taken:
        assert storm.crowd > CROWDED or median(one) < 1.0, storm.told()
        assert max(one) < GENEROUS * storm.crowd, storm.told()


def judge_side(applied: Mapping[str, list[str]], sold: Iterable[till.Sale]) -> None:
    """Each of those the second route posts, once, under whichever of its names."""
    beside = {receipt: len(times) for receipt, times in applied.items()}
    assert beside == {str(sale["receipt"]): 1 for sale in sold if str(sale["receipt"]).endswith(SIDE)}


def test_the_storm_over_sqlite(outside: Outside, tmp_path: Path) -> None:
    """A smaller one, in one process, over a webhook."""
    door = f"127.0.0.1:{free_port()}"
    environ = {"TILLFLOW_WATCH": "yes", "OUTSIDE": f"{outside.url}/storm/none", "DOOR": door}
    place = Place(tmp_path, files(FROM_DOOR, DOOR), environ)
    host = Host(place, place.running(place.start()))
    heard = outside.folder / "storm"
    storm = Storm(Desk(place.project, side), heard, [host])
    tills = HttpTills(f"http://{door}/sales", RATE)
    tills.posted = lambda: len(storm.receipts)
    with selling(tills):
        storm.first()
        storm.weather(ROUND, EVERY)
    place.archive.mkdir(exist_ok=True)
    (place.archive / "sold.jsonl").write_bytes(till.written(tills.sold))
    assert place.quiet(host.life)
    assert host.life.stop(40.0) == 0
    storm.follow()
    print(storm.told())

    found = checker.Found(checker.of_log(heard, "once"), checker.waiting(place.items()))
    checker.check(found, (place.archive,), "by-key")
    judge_side(checker.of_log(heard, "doc"), tills.sold)
    broken = sum(kind in BROKEN for kind in ROUND)
    judge(storm, len(ROUND) - broken, broken)
