"""What happens to engine processes under load: killed at random moments and at each step of the promises, frozen for
longer than a lease, stopped and started again, killed by an event. And two of them on one SQLite store.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.conftest import Make
from tests.faults.story import RETRY, Ground, Story, Tills, flows, told, two_sinks, wide
from tests.postgres_server import needed_server
from tests.proof import checker, projects, till
from tests.proof.conftest import Outside, SideBySide, chosen
from tests.proof.place import KILLED, ROOT, Place
from tests.proof.test_poison_processes import DEADLY, SITE
from tests.rabbitmq_broker import broker

pytestmark = pytest.mark.services

ORDERED = "ordered: {on_failure: hold_key, gap_timeout: 15m}, "
LEASE = 4.0  # seconds: two to start, one of timeout, one of margin
KILLS = 5
THOUSAND = 1000

# Each row of the table of promises; the outside drops each first answer where a second try is what matters.
POINTS = {
    "ingress-published": "none",
    "ingress-ack": "none",
    "ingress-acked": "none",
    "inbox-open:2": "none",
    "router-published": "none",
    "router-published:3": "none",
    "router-routed:2": "none",
    "router-acked:2": "none",
    "ledger-claimed": "none",
    "sink-called": "none",
    "ledger-applied": "none",
    "lane-acked": "none",
    "retry-published": "drop",
    "work-item-written": "deny",
}


@dataclass(frozen=True)
class Ended:
    """Exit codes of the lives, and where they were lived."""

    codes: list[int]
    story: Story


@pytest.fixture(scope="module")
def ended(
    request: pytest.FixtureRequest, outside: Outside, plane: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SideBySide]:
    folder, ground = tmp_path_factory.mktemp("points"), Ground(broker(), needed_server(), outside, plane)
    running = SideBySide(lambda point: three_lives(point, folder, ground), chosen(request, "point"), at_once=4)
    yield running
    running.close()


def three_lives(point: str, folder: Path, ground: Ground) -> Ended:
    """Killed at the point, killed there again or a moment later, and run until all is quiet."""
    story = Story(folder / point.replace(":", "-"), ground, trouble=POINTS[point])
    with told(story):
        for at in range(0, 12, 3):
            story.drop(f"{at}.jsonl", till.written(map(till.sale, range(at, at + 4))))
        first = story.start(point)
        codes = [first.ended(60.0)]
        second = story.running(story.start(point))
        time.sleep(Random(point).uniform(0.2, 1.0))
        codes.append(second.kill())
        last = story.cast()
        if POINTS[point] == "deny":
            story.until(last, lambda: len(story.items()) == 2 * 13 and not story.moving())
        else:
            story.settle(last)
        codes.append(last.stop(40.0))
        judge(point, story)
    return Ended(codes, story)


def judge(point: str, story: Story) -> None:
    if POINTS[point] != "deny":
        story.verdict()
        return
    waiting = [(one["sink"], one["search"]["key.2"]) for one in story.items()]
    assert len(waiting) == len(set(waiting)), "one sale waits twice"
    assert story.applied("once") == story.applied("doc") == {}


@pytest.mark.parametrize("point", list(POINTS))
def test_killed_at_each_step(point: str, ended: SideBySide) -> None:
    assert ended[point].codes == [KILLED, KILLED, 0]


def test_killed_at_moments_nobody_chose(make: Make, ground: Ground) -> None:
    random = Random(20260314)
    story = make(ground, trouble="slow")
    tills = Tills(story, 50)
    try:
        for _ in range(KILLS):
            life = story.start()
            if random.random() < 0.8:  # else it may die before it runs
                story.running(life)
            time.sleep(random.uniform(0.1, 1.5))
            assert life.kill() == KILLED
        last = story.cast()
        flows(story, last)
    finally:
        tills.stop()
    story.end(last)


def test_frozen_for_longer_than_its_lease(make: Make, ground: Ground) -> None:
    """Another one does what the frozen one had in hand; the thawed one writes nothing over it."""
    soon = {"TILLFLOW_TRANSPORT": f"{ground.broker.url}?heartbeat=2"}
    story = make(ground, trouble="slow", environ=soon)
    other = make(ground, trouble="slow", cell=story.cell, name="other", environ=soon | inbox_of(story))
    working, frozen = story.cast(), other.cast()  # the first one has the source
    tills = Tills(story, 50)
    try:
        flows(story, working)
        frozen.signal(signal.SIGSTOP)
        time.sleep(2 * LEASE)
        frozen.signal(signal.SIGCONT)
        flows(story, working)
    finally:
        tills.stop()
        frozen.signal(signal.SIGCONT)
    story.settle(working)
    assert (frozen.stop(40.0), working.stop(40.0)) == (0, 0)
    story.verdict()


TICKS = projects.posting(
    "  - {id: by-key, use: core.http, connection: shop, action: post, "
    f"with: {{path: {{const: /once}}, body: {{reference: tick, total: {{const: 1}}}}}}, {RETRY}}}\n",
    source="from: {use: core.schedule, every: 2s, catch_up: all}\n",
)


def test_who_runs_a_schedule_and_is_frozen_brings_nothing_when_it_wakes(make: Make, ground: Ground) -> None:
    """Its lease is over by then and another one brings the ticks: each one came in once, and none is missing."""
    files = projects.project(TICKS)
    del files["routes/ingest.yaml"]
    soon = {"PROOF_LEASE": "3"}
    story = make(ground, files, environ=soon)
    other = make(ground, files, cell=story.cell, name="other", environ=soon)

    def ticks() -> list[str]:
        return sorted(story.applied("once"))

    frozen, working = story.cast(), other.cast()  # the first one has the source
    story.until(frozen, lambda: len(ticks()) >= 2)
    frozen.signal(signal.SIGSTOP)  # right after a tick, so that none is in its hand
    try:
        before = len(ticks())
        other.until(working, lambda: len(ticks()) >= before + 3)
    finally:
        frozen.signal(signal.SIGCONT)
    story.until(frozen, lambda: "its lease is over" in story.told())
    other.until(working, lambda: len(ticks()) >= before + 5)
    assert (frozen.stop(40.0), working.stop(40.0)) == (0, 0)
    assert all(len(times) == 1 for times in story.applied("once").values())
    moments = [datetime.fromisoformat(tick) for tick in ticks()]
    assert {(b - a).total_seconds() for a, b in pairwise(moments)} == {2.0}
    received = "select count(*) from journal where what = 'received' group by event_id"
    assert {count for (count,) in story.rows(received)} == {1}


def inbox_of(story: Story) -> dict[str, str]:
    """Another host reads the same folders."""
    return {"INBOX": str(story.inbox), "ARCHIVE": str(story.archive), "FAILED": str(story.failed)}


def test_hosts_that_are_stopped_in_turn_keep_the_order(make: Make, ground: Ground) -> None:
    """What one has in hand goes back when it stops, and comes to the other out of order: the fence sorts it."""
    to = projects.sink("idempotency_key", "by-key", ORDERED + RETRY)
    files = wide(projects.project(projects.posting(to), {"mappings/schemas/sale@1.yaml": projects.NUMBERED}))
    story = make(ground, files, "slow")
    other = make(ground, files, "slow", cell=story.cell, name="other", environ=inbox_of(story))
    stores, each, stops = "ABCDEFGH", 30, 4
    lives = [(story, story.cast()), (other, other.cast())]
    for part in range(stops):
        numbers = range(1 + part * each // stops, 1 + (part + 1) * each // stops)
        story.drop(f"{part}.jsonl", till.written(till.sale(n, store, turn=n) for n in numbers for store in stores))
        time.sleep(0.7)
        place, life = lives.pop(0)
        assert life.stop(40.0) == 0
        lives.append((place, place.cast()))
    story.settle(lives[0][1], ("once",))
    assert [life.stop(40.0) for _, life in lives] == [0, 0]
    story.verdict({"once": "by-key"})
    receipts = list(story.applied("once"))
    for store in stores:
        assert [int(receipt[1:]) for receipt in receipts if receipt[0] == store] == list(range(1, each + 1))


def test_an_event_that_kills_among_a_thousand(make: Make, ground: Ground) -> None:
    to = projects.sink("idempotency_key", "by-key", RETRY)
    paths = os.pathsep.join([str(ROOT / "tests" / "faults" / "site"), str(ROOT), str(SITE)])
    environ = {"PYTHONPATH": paths, "TILLFLOW_WORKERS": "2"}
    story = make(ground, wide(projects.project(projects.posting(to, DEADLY))), environ=environ)
    sales = [till.sale(n, **({"note": "deadly"} if n == THOUSAND // 2 else {})) for n in range(THOUSAND)]
    for at in range(0, THOUSAND, 100):
        story.drop(f"{at:04}.jsonl", till.written(sales[at : at + 100]))
    life = story.start(alone=False)
    story.until(life, lambda: len(story.applied("once")) >= THOUSAND - 1 and len(story.items()) == 1, within=120.0)
    story.until(life, lambda: not story.moving())
    assert life.stop(40.0) == 0
    (item,) = story.items()
    assert (item["reason"], item["search"]["key.2"]) == ("poison", f"A{THOUSAND // 2:04d}")
    applied = story.applied("once")
    assert len(applied) == THOUSAND - 1 and all(len(times) == 1 for times in applied.values())
    assert 2 <= story.told().count("died (signal 9)") <= 3, story.told()[-2000:]


def test_two_engines_on_one_sqlite_store(outside: Outside, tmp_path: Path) -> None:
    """The second refuses and says who has it; the first goes on."""
    place = Place(tmp_path, two_sinks(), {"OUTSIDE": f"{outside.url}/sqlite/none"})
    first = place.running(place.start())
    second = place.start()
    assert second.ended(30.0) not in (0, KILLED)
    assert str(first.pid) in place.told()
    place.drop("day.jsonl", till.written(map(till.sale, range(5))))
    assert place.quiet(first)
    assert first.stop() == 0
    found: Any = checker.Found(checker.of_log(outside.folder / "sqlite", "once"))
    checker.check(found, (place.inbox, place.archive), "idempotency_key")
