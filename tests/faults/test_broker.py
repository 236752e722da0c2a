"""What happens to the broker under load: it is killed, stopped, out of memory, out of disk; its connections are closed,
its queues and exchanges are deleted. Each accepted sale is applied once all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.faults.conftest import Make
from tests.faults.own import OwnBroker
from tests.faults.story import Ground, Story, Tills, depths
from tests.postgres_server import needed_server
from tests.proof.conftest import Outside

pytestmark = pytest.mark.services

CLOSINGS = 25
ENOUGH = 100  # sales that have to come through before and after what happens


@pytest.fixture
def alone(own_broker: OwnBroker, outside: Outside, plane: str) -> Ground:
    """The broker is ours."""
    return Ground(own_broker.broker, needed_server(), outside, plane)


def under_load(story: Story, happen: Callable[[], None], rate: int = 50) -> set[str]:
    """What happens, with sales before it, meanwhile and after it; the verdict."""
    life = story.cast()
    tills = Tills(story, rate)
    with ExitStack() as stack:
        stack.callback(tills.stop)
        flows(story, life)
        happen()
        flows(story, life)
    return story.end(life)


def flows(story: Story, life: object) -> None:
    """Sales come through."""
    more = len(story.applied("once")) + ENOUGH
    story.until(life, lambda: time.sleep(0.1) or len(story.applied("once")) >= more, within=60.0)  # type: ignore[func-returns-value]


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
        (("set_disk_free_limit", "100TB"), ("set_disk_free_limit", "1MB")),
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


@pytest.mark.parametrize("queue", ["q.route.posting", "q.lane.shop.financial.e1"])
def test_a_queue_that_is_deleted_takes_along_what_was_in_it_and_nothing_else(
    make: Make, ground: Ground, queue: str
) -> None:
    story = make(ground)

    def happen() -> None:
        ground.broker.steer("delete_queue", "--vhost", ground.broker.vhost, f"{story.cell}.{queue}")

    under_load(story, happen)
