"""Rates and concurrency."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Throttled, Transient
from engine.plugins.contracts import ConnectorContext, SinkItem
from engine.plugins.fields import RateValue
from engine.runtime.delivery.limits import Gate, Slots, TokenBucket
from engine.runtime.delivery.share import Share
from engine.testing.clock import current_clock
from tests.runtime.support import World, bench, delivery, plan, planned_connection, planned_sink, virtual
from tests.runtime.test_breaker import Hands


@given(st.integers(1, 500), st.sampled_from([0.5, 1.0, 60.0]), st.lists(st.floats(0, 5), max_size=60))
def test_never_more_than_count_in_any_window(count: int, seconds: float, pauses: list[float]) -> None:
    clock = Hands()
    bucket = TokenBucket(RateValue(count, seconds), clock)
    taken: list[float] = []
    for pause in [*pauses, *[0.0] * 200]:
        clock.seconds += pause
        clock.seconds += bucket.wait()
        bucket.take()
        taken.append(clock.seconds)

    for start in range(len(taken) - count):
        assert taken[start + count] - taken[start] >= seconds * 0.999


def test_the_rate_is_reached() -> None:
    clock = Hands()
    bucket = TokenBucket(RateValue(100, 1.0), clock)
    for _ in range(1000):
        clock.seconds += bucket.wait()
        bucket.take()

    assert clock.seconds < 11


@virtual
async def test_a_sink_and_its_connection_both_limit_the_rate() -> None:
    world = World()
    limited = planned_sink(rate=RateValue(5, 1.0))
    async with bench(plan(limited), world=world, connection=planned_connection(world, rate=RateValue(50, 1.0))) as b:
        await b.publish(*[delivery(number) for number in range(1, 31)])

        await b.run_until_quiet()

        moments = [moment for _, moment in world.calls]
        assert all(moments[at + 5] - moments[at] >= 0.999 for at in range(len(moments) - 5))
        assert moments[-1] < 10


@virtual
async def test_a_retry_after_is_never_undershot_and_costs_no_attempt() -> None:
    for after in (0.5, 7.0, 200.0, 10_000.0):
        async with bench() as b:

            async def ask_to_wait(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
                if len(b.world.calls) == 1:
                    raise Throttled("too-many-requests", after=after)  # noqa: B023 - each bench has its own
                ctx.sent()
                apply()

            b.world.script = ask_to_wait
            await b.publish(delivery())

            await b.run_until_quiet()

            first, second = (moment for _, moment in b.world.calls)
            assert second - first >= after
            assert (await b.ledger(delivery())).attempt == 1


@virtual
async def test_being_asked_to_wait_holds_the_whole_connection() -> None:
    world = World()
    async with bench(world=world, connection=planned_connection(world, concurrency=1)) as b:

        async def first_waits(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if len(world.calls) == 1:
                raise Throttled("too-many-requests", after=20.0)
            ctx.sent()
            apply()

        world.script = first_waits
        await b.publish(delivery(1), delivery(2))

        await b.run_until_quiet()

        assert world.calls[1][1] - world.calls[0][1] >= 20.0


@virtual
async def test_turns_of_calls_wait_for_room_and_refuse_while_the_breaker_is_open() -> None:
    gate = Gate(planned_connection(World(), concurrency=1, breaker_failures=1, probe_every=30.0), current_clock())
    order: list[str] = []

    async def one(name: str, seconds: float) -> None:
        async with gate.turn():
            order.append(name)
            await asyncio.sleep(seconds)

    await asyncio.gather(one("a", 1.0), one("b", 1.0))
    assert order == ["a", "b"]

    with pytest.raises(Transient):
        async with gate.turn():
            raise Transient("down")
    with pytest.raises(Throttled) as refused:
        async with gate.turn():
            order.append("never")
    assert refused.value.after == 30.0 and order == ["a", "b"]


@virtual
async def test_who_has_no_part_says_so_and_who_has_just_joined_waits_for_its_own() -> None:
    share = Share(current_clock())
    gate = Gate(planned_connection(World(), concurrency=1), current_clock(), share=share)

    share.set(0, 2, wait=3.0, lasts=10.0)
    async with gate.turn():
        assert current_clock().monotonic() >= 3.0

    share.set(1, 2, wait=0.0, lasts=10.0)
    with pytest.raises(Throttled) as refused:
        async with gate.turn():
            raise AssertionError("there is no part for it")
    assert refused.value.reason == "no-part" and gate.shut_for() > 0


@virtual
async def test_slots_grow_and_shrink_and_a_waiter_that_gives_up_harms_nobody() -> None:
    most, running, seen = [1], 0, []
    slots = Slots(lambda: most[0])

    async def run() -> None:
        nonlocal running
        async with slots:
            running += 1
            seen.append(running)
            await asyncio.sleep(1.0)
            running -= 1

    tasks = [asyncio.create_task(run()) for _ in range(12)]
    await asyncio.sleep(1.5)
    tasks[3].cancel()
    most[0] = 3
    await asyncio.sleep(2.0)
    assert max(seen) == 3
    most[0], seen[:] = 0, []
    await asyncio.gather(*tasks, return_exceptions=True)
    assert running == 0 and seen[-1] == 1, "one may always"


@virtual
async def test_a_cancelled_turn_gives_its_room_back() -> None:
    gate = Gate(planned_connection(World(), concurrency=1), current_clock())

    async def forever() -> None:
        async with gate.turn():
            await asyncio.sleep(1e6)

    task = asyncio.create_task(forever())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert gate.wait() == 0.0
