"""What happens to the broker under load: it is killed, stopped, out of memory, out of disk; its connections are closed,
its queues and exchanges are deleted. Each accepted sale is applied once all the same.
"""

from __future__ import annotations

import socket
import time

import pytest

from tests.faults.conftest import Make
from tests.faults.own import OwnBroker
from tests.faults.story import BOTH, RETRY, Ground, Tills, depths, flows, under_load
from tests.postgres_server import needed_server
from tests.proof import projects, till
from tests.proof.conftest import Outside

pytestmark = pytest.mark.services

CLOSINGS = 25


@pytest.fixture
def alone(own_broker: OwnBroker, outside: Outside, plane: str) -> Ground:
    """The broker is ours."""
    return Ground(own_broker.broker, needed_server(), outside, plane)


def test_a_broker_that_is_killed_and_started_again(make: Make, alone: Ground, own_broker: OwnBroker) -> None:
    def happen() -> None:
        own_broker.kill()
        own_broker.resume()

    under_load(make(alone), happen)


def test_a_broker_that_is_stopped_for_a_while(make: Make, alone: Ground) -> None:
    def happen() -> None:
        alone.broker.steer("stop_app")
        time.sleep(2.0)
        alone.broker.steer("start_app")

    under_load(make(alone), happen)


@pytest.mark.parametrize(
    ("raised", "cleared"),
    [
        (("set_vm_memory_high_watermark", "0.000001"), ("set_vm_memory_high_watermark", "0.4")),
        (("set_disk_free_limit", "10000GB"), ("set_disk_free_limit", "50MB")),
    ],
    ids=["memory", "disk"],
)
def test_a_broker_that_takes_nothing(
    make: Make, alone: Ground, raised: tuple[str, ...], cleared: tuple[str, ...]
) -> None:
    story = make(alone)

    def happen() -> None:
        alone.broker.steer(*raised)
        try:
            time.sleep(7.0)  # more than the deadline of a blocked publish
            problems = {problem["part"] for problem in story.ask("status")["problems"]}
        finally:
            alone.broker.steer(*cleared)
        assert "transport/blocked" in problems

    under_load(story, happen)


def test_connections_that_are_closed_again_and_again(make: Make, ground: Ground) -> None:
    story = make(ground, trouble="slow")  # so that much is in hand each time
    seen: list[int] = []

    def happen() -> None:
        for _ in range(CLOSINGS):
            began = time.monotonic()
            seen.append(sum(depths(story).values()))
            ground.broker.close_connections()
            time.sleep(max(0.0, 2.0 - (time.monotonic() - began)))

    under_load(story, happen, rate=40)

    found = depths(story)
    assert [found[f"q.{what}"] for what in ("quarantine", "work", "unrouted")] == [0, 0, 0]
    assert sum(count > 0 for count in seen) > CLOSINGS // 2, "nothing was in hand: this proves nothing"


@pytest.mark.parametrize("queue", ["q.route.ingest", "q.route.posting", "q.lane.shop.financial.e1"])
def test_a_queue_that_is_deleted_is_there_again_before_anything_is_missed(
    make: Make, ground: Ground, queue: str
) -> None:
    story = make(ground)
    life = story.cast()
    tills = Tills(story, 50)
    flows(story, life)
    first = tills.stop()
    story.settle(life)  # what lies in a queue is lost with it, and no engine can help that
    ground.broker.steer("delete_queue", "--vhost", ground.broker.vhost, f"{story.cell}.{queue}")
    tills = Tills(story, 50, first)
    flows(story, life)
    tills.stop()
    story.end(life)


def test_what_is_lost_with_a_deleted_lane_is_told_as_being_on_its_way(make: Make, ground: Ground) -> None:
    """Never silence: the figures name as many as the outside misses, and in time they become work items."""
    story = make(ground, trouble="slow")
    life = story.cast()
    tills = Tills(story, 100)
    flows(story, life)
    ground.broker.steer("delete_queue", "--vhost", ground.broker.vhost, f"{story.cell}.q.lane.shop.financial.e1")
    flows(story, life)
    sold = tills.stop()

    def figures() -> dict[str, dict[str, int]]:
        told = {one["sink"]: one for one in story.ask("status")["figures"] if one["route"] == "posting"}
        return {way: told[sink] for way, sink in BOTH.items()}

    def at_rest() -> bool:
        found, seen = figures(), [len(story.applied(way)) for way in BOTH]
        time.sleep(1.0)
        received = all(one["received"] == sold and one["applied"] > 0 for one in found.values())
        return received and found == figures() and seen == [len(story.applied(way)) for way in BOTH]

    story.until(life, at_rest)
    for way, one in figures().items():
        assert one["balanced"]
        assert (one["applied"], one["in_flight"]) == (len(story.applied(way)), sold - len(story.applied(way)))
    assert life.stop(40.0) == 0
    for way in BOTH:
        assert all(len(times) == 1 for times in story.applied(way).values())


HOLD = (
    "steps:\n  - {id: ask, call: {use: core.http, connection: silent, action: get, with: {path: {const: /}}, "
    "into: answer, timeout: 50s}, when: \"present(note) && note == 'hold'\"}\n"
)
SILENT = (
    "  silent:\n    connector: core.http\n    url: ${SILENT}\n    allow_private: true\n    zone: eu\n"
    "    limits: {timeout: 50s, concurrency: 64}\n"
)


def test_what_is_lost_with_a_deleted_route_queue_is_missing_by_name(make: Make, ground: Ground) -> None:
    """Taken in, never decided, gone with the queue: told with where each came from, until it is offered again."""
    source = projects.FROM_FILES + "accepts: sale@1\n"
    files = projects.project(projects.posting(projects.sink("idempotency_key", "by-key", RETRY), HOLD, source=source))
    del files["routes/ingest.yaml"]
    files["routes/connections.yaml"] += SILENT
    with socket.create_server(("127.0.0.1", 0)) as silent:  # nobody ever answers there
        story = make(
            ground, files, environ={"SILENT": f"http://127.0.0.1:{silent.getsockname()[1]}", "PROOF_YOUNG": "0"}
        )
        sold = [till.sale(n, **({"note": "hold"} if n >= 3 else {})) for n in range(8)]
        story.drop("day.jsonl", till.written(sold))
        life = story.cast()
        received = "select count(*) from journal where what = 'received'"
        story.until(life, lambda: len(story.applied("once")) == 3 and story.rows(received) == [(8,)])
        assert story.ask("status")["missing"] == [], "what is in hand is not missing"
        life.kill()
    queue = f"{story.cell}.q.route.posting"
    ends = time.monotonic() + 30.0
    while depths(story)["q.route.posting"] != 5:  # they go back when the broker sees that the process is gone
        assert time.monotonic() < ends, depths(story)
        time.sleep(0.1)
    ground.broker.steer("delete_queue", "--vhost", ground.broker.vhost, queue)

    life = story.cast()
    (lost,) = story.ask("status")["missing"]
    assert (lost["route"], lost["taken_in"], lost["decided"], lost["waiting"], lost["missing"]) == (
        "posting",
        8,
        3,
        0,
        5,
    )
    assert [one["place"] for one in lost["events"]] == [f"day.jsonl:{line}" for line in range(4, 9)]
    assert "day.jsonl:4" in story.cli("status")

    # when they are offered again
    story.drop("again.jsonl", till.written([till.sale(n) for n in range(3, 8)]))
    assert len(story.end(life, {"once": "by-key"})) == 8
    story.cast()
    assert story.ask("status")["missing"] == []


@pytest.mark.parametrize("exchange", ["bus", "lane", "route"])
def test_an_exchange_that_is_deleted(make: Make, ground: Ground, exchange: str) -> None:
    story = make(ground)

    def happen() -> None:
        deletion = f'rabbit_exchange:delete(rabbit_misc:r(<<"{ground.broker.vhost}">>, exchange, <<"{story.cell}.{exchange}">>), false, <<"a test">>).'
        assert "ok" in ground.broker.steer("eval", deletion)

    under_load(story, happen)
