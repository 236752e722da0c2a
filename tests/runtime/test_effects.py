"""`call` in a route: reads are tried again in place, changes are done once and their answer is used again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.core.errors import Failure, Permanent, Throttled, Transient, UnknownOutcome
from engine.core.ids import delivery_id
from engine.plugins.contracts import CallRequest, ConnectorContext, SinkItem
from engine.runtime.router.effects import Effects
from tests.runtime.support import Bench, World, bench, event, plan, planned_connection, planned_sink, virtual


def request(action: str = "read", **facts: Any) -> CallRequest:
    effect = "" if action == "read" else "sales/stamp"
    known: dict[str, Any] = {"request": {"receipt": 1}, "event_id": event().id, "effect": effect, "timeout": 1.0}
    return CallRequest("stamp", "fake", action, **{**known, **facts})


def effects(b: Bench) -> Effects:
    return Effects(b.cell, b.plans, b.pool)


async def call(b: Bench, asked: CallRequest) -> Any:
    return await effects(b).call(asked, plan(planned_sink()), event())


@virtual
async def test_a_read_is_tried_again_in_place_briefly() -> None:
    async with bench() as b:

        async def twice_down(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            if len(b.world.calls) < 3:
                raise Transient("unreachable")
            return {"price": 5}

        b.world.script = twice_down

        assert await call(b, request(retries=2)) == {"price": 5}
        assert b.clock.monotonic() < 2


@virtual
async def test_a_read_that_goes_on_failing_is_the_events_business() -> None:
    async with bench() as b:

        async def hangs(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            ctx.sent()
            await asyncio.sleep(100)

        b.world.script = hangs

        with pytest.raises(Transient, match="timed-out"):
            await call(b, request(retries=1))
        assert len(b.world.calls) == 2


@virtual
async def test_an_open_breaker_asks_to_wait_and_burns_nothing() -> None:
    world = World()
    async with bench(world=world, connection=planned_connection(world, breaker_failures=1, probe_every=30.0)) as b:

        async def down(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            raise Transient("unreachable")

        world.script = down
        with pytest.raises(Transient):
            await call(b, request(retries=0))

        with pytest.raises(Throttled, match="connection-down"):
            await call(b, request(retries=3))
        assert len(world.calls) == 1


@virtual
async def test_a_change_is_made_once_and_its_answer_is_used_again() -> None:
    async with bench() as b:
        numbers = iter((17, 18))

        async def stamp(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            ctx.sent()
            apply()
            return {"stamp": next(numbers)}

        b.world.script = stamp
        first = await call(b, request("idempotency_key"))
        again = await call(b, request("idempotency_key", request={"receipt": "as a newer mapping writes it"}))

        assert first == again == {"stamp": 17}
        assert b.world.effects == [(delivery_id(event().id, "sales/stamp"), {"receipt": 1})]


@virtual
async def test_items_of_a_split_have_effects_of_their_own() -> None:
    async with bench() as b:
        await call(b, request("idempotency_key", output_key="line-1"))
        await call(b, request("idempotency_key", output_key="line-2"))

        assert len(b.world.effects) == 2


@pytest.mark.parametrize("guarantee", ["idempotency_key", "upsert", "same_transaction"])
@virtual
async def test_a_lost_answer_is_asked_for_again_where_that_is_harmless(guarantee: str) -> None:
    async with bench() as b:
        maybe: list[bool] = []

        async def lost_once(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            maybe.append(item.maybe_applied)
            ctx.sent()
            apply()
            if len(b.world.calls) == 1:
                raise UnknownOutcome("connection-lost")
            return "done"

        b.world.script = lost_once
        with pytest.raises(Transient):
            await call(b, request(guarantee))

        assert await call(b, request(guarantee)) == "done"
        assert len(b.world.effects) == 1
        assert maybe == [False, True]


@pytest.mark.parametrize("guarantee", ["verify", "at_most_once"])
@virtual
async def test_a_lost_answer_that_must_not_be_asked_for_again_waits_for_a_person(guarantee: str) -> None:
    async with bench() as b:

        async def lost(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            ctx.sent()
            apply()
            raise UnknownOutcome("connection-lost")

        b.world.script = lost
        for _ in range(3):
            with pytest.raises(UnknownOutcome, match="unknown-outcome"):
                await call(b, request(guarantee))

        assert len(b.world.effects) == 1


@pytest.mark.parametrize(("guarantee", "again"), [("idempotency_key", True), ("at_most_once", False)])
@virtual
async def test_a_process_that_died_in_a_call_leaves_it_to_the_guarantee(guarantee: str, again: bool) -> None:
    async with bench() as b:

        async def dies(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            ctx.sent()
            apply()
            if len(b.world.calls) == 1:
                await asyncio.Event().wait()
            return "done"

        b.world.script = dies
        task = asyncio.create_task(call(b, request(guarantee, timeout=50.0)))
        await b.clock.sleep(0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        with pytest.raises(Throttled):
            await call(b, request(guarantee))
        await b.clock.sleep(100)

        if again:
            assert await call(b, request(guarantee)) == "done"
        else:
            with pytest.raises(UnknownOutcome):
                await call(b, request(guarantee))
        assert len(b.world.effects) == 1


@virtual
async def test_a_refusal_is_told_and_a_later_try_is_a_new_one() -> None:
    async with bench() as b:

        async def refuses_once(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            ctx.sent()
            if len(b.world.calls) == 1:
                raise Permanent("bad-receipt")
            apply()
            return "done"

        b.world.script = refuses_once
        with pytest.raises(Permanent, match="bad-receipt"):
            await call(b, request("at_most_once"))

        assert await call(b, request("at_most_once")) == "done"


@virtual
async def test_an_answer_that_cannot_be_kept_does_not_undo_the_effect() -> None:
    async with bench() as b:

        async def odd(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            ctx.sent()
            apply()
            return object()

        b.world.script = odd
        await call(b, request("at_most_once"))

        assert await call(b, request("at_most_once")) is None
        assert len(b.world.effects) == 1


@virtual
async def test_a_connection_that_is_gone_is_said() -> None:
    async with bench() as b:
        with pytest.raises(Permanent, match="connection-gone"):
            await effects(b).call(CallRequest("x", "nowhere", "read", {}, event().id), plan(), event())


@virtual
async def test_what_could_not_be_asked_is_marked_and_nothing_else_is() -> None:
    async with bench() as b:
        raised: list[Exception] = [Transient("unreachable"), UnknownOutcome("lost"), Throttled("busy", after=1)]
        raised += [Permanent("refused"), Transient("unreachable")]

        async def fails(item: SinkItem, ctx: ConnectorContext, apply: Any) -> Any:
            raise raised.pop(0)

        b.world.script = fails

        marks = []
        for action in ("read", "read", "read", "read", "upsert"):
            with pytest.raises(Failure) as failed:
                await call(b, request(action, retries=0))
            marks.append((failed.value.reason, failed.value.unanswered))
        assert marks == [
            ("unreachable", True), ("lost", True), ("busy", True), ("refused", False), ("unreachable", False)
        ]  # fmt: skip


@virtual
async def test_one_that_waits_for_its_turn_among_processes_was_not_left_without_an_answer() -> None:
    world = World()
    async with bench(world=world, connection=planned_connection(world, concurrency=1)) as b:
        b.pool.share.set(1, 2, wait=0.0, lasts=10.0)
        with pytest.raises(Throttled, match="no-part") as failed:
            await call(b, request(retries=0))
        assert not failed.value.unanswered
