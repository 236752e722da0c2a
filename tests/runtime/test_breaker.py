"""The circuit breaker by itself, and in front of a lane."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from engine.core.errors import Transient
from engine.plugins.contracts import ConnectorContext, SinkItem
from engine.runtime.delivery.breaker import Breaker
from tests.runtime.support import World, bench, delivery, planned_connection, virtual


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> int:
        return round(self.seconds * 1_000_000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_it_opens_after_enough_failures_within_the_window() -> None:
    clock = Hands()
    breaker = Breaker(3, 10.0, 5.0, clock)

    for moment in (0, 20, 40, 41, 42):
        clock.seconds = moment
        breaker.failed(breaker.start())
        if moment < 42:
            assert breaker.wait() == 0.0

    assert breaker.open and breaker.wait() == 5.0


def test_a_system_that_fails_now_and_then_is_not_away() -> None:
    breaker = Breaker(5, 120.0, 10.0, Hands())

    for number in range(200):
        if number % 10 == 0:
            breaker.failed(breaker.start())
        else:
            breaker.succeeded(breaker.start())
    assert not breaker.open

    for _ in range(5):
        breaker.failed(breaker.start())
    assert breaker.open, "now it is"


def test_one_probe_at_a_time_and_only_its_success_closes_it() -> None:
    clock = Hands()
    breaker = Breaker(1, 10.0, 5.0, clock)
    late = breaker.start()
    breaker.failed(breaker.start())
    breaker.succeeded(late)
    assert breaker.open, "an answer to what started earlier proves nothing"

    clock.seconds = 5
    probe = breaker.start()
    assert probe and math.isinf(breaker.wait())
    breaker.failed(probe)
    assert breaker.wait() == 5.0

    clock.seconds = 10
    breaker.succeeded(breaker.start())
    assert not breaker.open and breaker.wait() == 0.0


def test_a_probe_that_was_not_carried_out_leaves_the_next_one_to_probe() -> None:
    clock = Hands()
    breaker = Breaker(1, 10.0, 5.0, clock)
    breaker.failed(breaker.start())
    clock.seconds = 5

    breaker.dropped(breaker.start())

    assert breaker.wait() == 0.0


@virtual
async def test_while_it_is_open_no_attempts_burn() -> None:
    world = World()
    limits = planned_connection(world, breaker_failures=5, breaker_within=120.0, probe_every=10.0)
    async with bench(world=world, connection=limits) as b:

        async def down_for_an_hour(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if ctx.clock.monotonic() < 3600:
                raise Transient("unreachable")
            ctx.sent()
            apply()

        world.script = down_for_an_hour
        all_of_them = [delivery(number) for number in range(1, 101)]
        await b.publish(*all_of_them)

        await b.run_until_quiet()

        attempts = [(await b.ledger(one)).attempt for one in all_of_them]
        assert sorted(world.applied(one.id) for one in all_of_them) == [1] * 100
        assert sum(attempt - 1 for attempt in attempts) <= 8, "only what started before it opened counts"
        probes = [moment for _, moment in world.calls if 60 < moment < 3590]
        assert all(later - earlier >= 10.0 for earlier, later in pairwise(probes))


@virtual
async def test_while_it_is_open_the_lane_holds_nothing() -> None:
    world = World()
    limits = planned_connection(world, breaker_failures=1, probe_every=600.0)
    async with bench(world=world, connection=limits) as b:
        import asyncio

        from engine.runtime.delivery.delivery import Worker
        from tests.runtime.support import LANE

        async def down(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            raise Transient("unreachable")

        world.script = down
        await b.publish(*[delivery(number) for number in range(1, 51)])
        worker = Worker(b.desk, LANE)
        task = asyncio.create_task(worker.run())

        await b.clock.sleep(60)

        depth = (await b.cell.transport.depths())[LANE]
        assert depth.unacked == 0 and not worker.consuming
        worker.stop()
        await task
