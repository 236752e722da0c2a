"""A worker that dies at any of its steps: every delivery is applied once, or waits for a person; none is lost."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import Permanent, Transient, UnknownOutcome
from engine.plugins.contracts import ConnectorContext, SinkItem
from tests.runtime.crashing import run_with_crash
from tests.runtime.support import GUARANTEES, Bench, Ordered, bench, delivery, event, plan, planned_sink, virtual

MOST_STEPS = 60


async def everything_accounted(b: Bench, guarantee: str, count: int = 3) -> None:
    """An independent look: the outside system's effects against work items, delivery by delivery."""
    waiting = {item.subject: item.reason for item in await b.items()}
    for number in range(1, count + 1):
        one = delivery(number)
        times = b.world.applied(one.id)
        state = (await b.ledger(one)).state
        assert state in ("applied", "work_item"), f"{one.id} is {state}"
        assert (state == "work_item") == (one.id in waiting)
        if guarantee == "at_least_once":
            assert times >= 1
        elif one.id in waiting:
            assert waiting[one.id] == "unknown-outcome" and guarantee == "at_most_once" and times <= 1
        else:
            assert times == 1, f"{one.id} was applied {times} times under {guarantee}"


@pytest.mark.parametrize("done_first", [False, True])
@pytest.mark.parametrize("guarantee", GUARANTEES)
@virtual
async def test_killed_at_every_step_of_a_good_day(guarantee: str, done_first: bool) -> None:
    for at in range(1, MOST_STEPS):
        async with bench(plan(planned_sink(guarantee))) as b:
            await b.publish(*[delivery(number) for number in range(1, 4)])

            died = await run_with_crash(b, at, done_first)

            await everything_accounted(b, guarantee)
        if not died:
            assert at > 4, "claim, calls, settle and ack are steps"
            return
    pytest.fail("it never came to its end")


@pytest.mark.parametrize("done_first", [False, True])
@pytest.mark.parametrize("guarantee", GUARANTEES)
@virtual
async def test_killed_at_every_step_of_a_bad_day(guarantee: str, done_first: bool) -> None:
    """The first request of each fails before anything left, the second one's answer is lost."""
    for at in range(1, MOST_STEPS):
        async with bench(plan(planned_sink(guarantee))) as b:

            async def trouble(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
                times = [key for key, _ in b.world.calls].count(item.key)
                if times == 1:
                    raise Transient("unreachable")
                ctx.sent()
                apply()
                if times == 2:
                    raise UnknownOutcome("connection-lost")

            b.world.script = trouble
            await b.publish(*[delivery(number) for number in range(1, 4)])

            died = await run_with_crash(b, at, done_first)

            await everything_accounted(b, guarantee)
        if not died:
            return
    pytest.fail("it never came to its end")


@pytest.mark.parametrize("done_first", [False, True])
@virtual
async def test_killed_at_every_step_of_making_a_work_item(done_first: bool) -> None:
    for at in range(1, MOST_STEPS):
        async with bench() as b:

            async def refuse(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
                ctx.sent()
                raise Permanent("account-closed")

            b.world.script = refuse
            await b.publish(delivery())

            died = await run_with_crash(b, at, done_first)

            (item,) = await b.items()
            assert (item.reason, (await b.ledger(delivery())).state) == ("account-closed", "work_item")
        if not died:
            return
    pytest.fail("it never came to its end")


@pytest.mark.parametrize("done_first", [False, True])
@virtual
async def test_killed_at_every_step_keys_stay_in_order(done_first: bool) -> None:
    sink = planned_sink(ordered=Ordered())
    for at in range(1, 120):
        async with bench(plan(sink)) as b:
            arriving = [3, 1, 2, 5, 4]
            await b.publish(*[delivery(n, event=event(n, order_key="till", order_no=n)) for n in arriving])

            died = await run_with_crash(b, at, done_first)

            assert [body["receipt"] for _, body in b.world.effects] == [1, 2, 3, 4, 5]
        if not died:
            return
    pytest.fail("it never came to its end")
