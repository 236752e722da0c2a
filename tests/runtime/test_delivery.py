"""Delivery: applied at most once under every guarantee, whatever happens in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.core.errors import Permanent, Throttled, Transient, UnknownOutcome
from engine.plugins.contracts import ConnectorContext, SinkItem
from tests.runtime.support import Retry, World, bench, delivery, event, plan, planned_connection, planned_sink, virtual


@virtual
async def test_a_delivery_is_applied_and_leaves_the_lane() -> None:
    async with bench() as b:
        one = delivery()
        await b.publish(one)

        await b.run_until_quiet()

        assert b.world.effects == [(one.id, {"receipt": 1})]
        row = await b.ledger(one)
        assert (row.state, row.attempt, row.result) == ("applied", 1, b'{"ok":true}')


@virtual
async def test_a_copy_of_an_applied_delivery_calls_nobody() -> None:
    async with bench() as b:
        await b.publish(delivery())
        await b.run_until_quiet()

        await b.publish(delivery(), delivery())
        await b.run_until_quiet()

        assert len(b.world.calls) == 1


@virtual
async def test_the_first_body_claimed_is_the_only_one_ever_sent() -> None:
    async with bench() as b:

        async def first_fails(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if len(b.world.calls) == 1:
                raise Throttled("slow-down", after=3.0)
            ctx.sent()
            apply()

        b.world.script = first_fails
        one = delivery(body={"posting": "line"})
        await b.publish(one)
        await b.publish(delivery(body={"posting": "summary"}), delay=1.0)

        await b.run_until_quiet()

        assert b.world.effects == [(one.id, {"posting": "line"})]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "what is to be sent is the same, what it was made of is not"),
        ({"body": {"posting": "another"}}, "what differs cannot be told: of the first one only a digest is kept"),
    ],
)
@virtual
async def test_the_same_key_from_another_record_is_a_conflict_and_a_work_item(body: dict[str, Any], told: str) -> None:
    async with bench() as b:
        await b.publish(delivery())
        await b.run_until_quiet()

        await b.publish(delivery(event=event(1, origin="another-record"), **body))
        await b.run_until_quiet()

        (item,) = await b.items()
        assert item.reason == "idempotency-conflict" and told in item.detail
        assert len(b.world.effects) == 1


@virtual
async def test_a_permanent_failure_is_a_work_item_at_once_with_its_ledger_state() -> None:
    async with bench() as b:

        async def refuse(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            raise Permanent("account-closed", "account 4711 is closed", data={"status": 422})

        b.world.script = refuse
        await b.publish(delivery())

        await b.run_until_quiet()

        (item,) = await b.items()
        assert (item.reason, item.owner, item.sink, item.level) == ("account-closed", "finance", "erp", "delivery")
        assert (await b.ledger(delivery())).state == "work_item"
        assert len(b.world.calls) == 1


@virtual
async def test_what_fails_for_a_while_is_tried_again_until_it_works() -> None:
    async with bench() as b:

        async def down_for_an_hour(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if ctx.clock.monotonic() < 3600:
                raise Transient("unreachable")
            ctx.sent()
            apply()

        b.world.script = down_for_an_hour
        await b.publish(delivery())

        await b.run_until_quiet()

        assert len(b.world.effects) == 1
        assert (await b.ledger(delivery())).attempt == len(b.world.calls) > 2


@virtual
async def test_it_gives_up_after_the_time_the_route_says() -> None:
    sink = planned_sink(retry=Retry(give_up_after=600.0))
    async with bench(plan(sink)) as b:

        async def down(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            raise Transient("unreachable", "no route to host")

        b.world.script = down
        await b.publish(delivery())

        await b.run_until_quiet()

        (item,) = await b.items()
        assert item.reason == "unreachable"
        assert b.world.calls[-1][1] <= 600


@pytest.mark.parametrize("raised", [ZeroDivisionError, SystemExit])
@virtual
async def test_an_exception_nobody_classified_before_sending_is_transient_and_after_it_unknown(raised: Any) -> None:
    sink = planned_sink("at_most_once")
    async with bench(plan(sink)) as b:

        async def clumsy(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if len(b.world.calls) == 1:
                raise raised("before anything left")
            ctx.sent()
            apply()
            raise raised("after it left")

        b.world.script = clumsy
        await b.publish(delivery())

        await b.run_until_quiet()

        assert len(b.world.calls) == 2
        (item,) = await b.items()
        assert item.reason == "unknown-outcome"


@pytest.mark.parametrize(
    ("guarantee", "calls", "effects", "reasons"),
    [
        ("idempotency_key", 2, 1, []),
        ("upsert", 2, 1, []),
        ("same_transaction", 2, 1, []),
        ("verify", 1, 1, []),
        ("at_least_once", 2, 2, []),
        ("at_most_once", 1, 1, ["unknown-outcome"]),
    ],
)
@virtual
async def test_after_an_unknown_outcome_the_guarantee_decides(
    guarantee: str, calls: int, effects: int, reasons: list[str]
) -> None:
    async with bench(plan(planned_sink(guarantee))) as b:

        async def answer_lost_once(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            apply()
            if len(b.world.calls) == 1:
                raise UnknownOutcome("connection-lost")

        b.world.script = answer_lost_once
        await b.publish(delivery())

        await b.run_until_quiet()

        assert (len(b.world.calls), len(b.world.effects)) == (calls, effects)
        assert [item.reason for item in await b.items()] == reasons


@virtual
async def test_verify_is_not_asked_before_the_system_can_tell() -> None:
    async with bench(plan(planned_sink("verify"))) as b:
        asked: list[float] = []

        async def hangs(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            if len(b.world.calls) == 1:
                asked.append(ctx.clock.monotonic())
                await asyncio.sleep(60)
            apply()

        b.world.script = hangs
        await b.publish(delivery())

        await b.run_until_quiet()

        timeout, settle = 1.0, 2.0
        assert b.world.verified and len(b.world.effects) == 1
        assert b.world.calls[1][1] - b.world.calls[0][1] >= timeout + timeout + settle


@virtual
async def test_a_request_does_not_leave_when_its_lease_is_over() -> None:
    async with bench(plan(planned_sink("at_most_once", timeout=30.0))) as b:

        async def frozen(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if len(b.world.calls) == 1:
                await asyncio.sleep(10)
            ctx.sent()
            apply()

        b.world.script = frozen
        await b.publish(delivery())

        await b.run_until_quiet()

        assert len(b.world.effects) == 1
        assert (await b.ledger(delivery())).attempt == 1, "nothing left, so no attempt counts"


@virtual
async def test_a_sink_that_is_gone_makes_a_work_item_not_a_loss() -> None:
    async with bench() as b:
        b.use(plan(planned_sink(id="other")))
        await b.publish(delivery())

        await b.run_until_quiet()

        (item,) = await b.items()
        assert item.reason == "sink-gone"


@virtual
async def test_something_that_is_no_delivery_makes_a_work_item() -> None:
    async with bench() as b:
        from engine.ports.transport import Outgoing
        from tests.runtime.support import LANE

        await b.cell.transport.publish([Outgoing(LANE, {"tf-route": "sales"}, b"what?")])

        await b.run_until_quiet()

        (item,) = await b.items()
        assert (item.reason, item.body) == ("unreadable", b"what?")


@virtual
async def test_an_action_that_takes_many_gets_many() -> None:
    async with bench(plan(planned_sink("many"))) as b:
        await b.publish(*[delivery(number) for number in range(1, 26)])

        await b.run_until_quiet()

        assert len(b.world.effects) == 25
        assert max(b.world.batches) == 10


@virtual
async def test_no_more_run_at_once_than_the_connection_allows() -> None:
    world = World()
    async with bench(world=world, connection=planned_connection(world, concurrency=3)) as b:

        async def slow(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            await asyncio.sleep(0.2)
            apply()

        world.script = slow
        await b.publish(*[delivery(number) for number in range(1, 21)])

        await b.run_until_quiet()

        assert (len(world.effects), world.most_running) == (20, 3)


@virtual
async def test_routes_take_turns_in_a_lane() -> None:
    world = World()
    plans = (plan(planned_sink()), plan(planned_sink(route="loyalty"), route="loyalty"))
    async with bench(*plans, world=world, connection=planned_connection(world, concurrency=1)) as b:
        await b.publish(*[delivery(number) for number in range(1, 101)])
        await b.publish(*[delivery(number, route="loyalty") for number in range(201, 204)])

        await b.run_until_quiet()

        keys = [key for key, _ in world.effects]
        last = max(keys.index(delivery(number, route="loyalty").id) for number in range(201, 204))
        assert last < 50
