"""All lanes together: which run, what a start makes good, suspects, the bus, tables, and a graceful stop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

from engine.compile.plan import EventType
from engine.core.errors import StoreDown, Transient, TransportBlocked
from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.plugins.contracts import ConnectorContext, SinkItem
from engine.plugins.fields import KeyExpr
from engine.ports.store.order import FenceAdmit, FenceRow, HeldAdd
from engine.ports.store.tables import TableAll
from engine.ports.transport import Address, Topology
from engine.runtime.carrying.codec import Routed
from engine.runtime.delivery import order
from engine.runtime.delivery.lanes import Lanes
from engine.runtime.watch import Watch
from tests.runtime.support import (
    AnyData,
    Bench,
    Ordered,
    bench,
    delivery,
    event,
    own_sink,
    plan,
    planned_sink,
    virtual,
)

QUARANTINE = Address("quarantine", "")


def lanes(b: Bench) -> Lanes:
    return Lanes(b.cell, b.plans, b.pool, b.desk.journal, watch=b.desk.watch, rng=Random(3))


async def quiet(b: Bench, *names: str) -> None:
    while any([await b.left(Address("lane", name)) for name in names] + [await b.left(QUARANTINE)]):
        await b.clock.sleep(0.5)


def expression(text: str) -> Any:
    return compile_expression(text, FunctionTable.builtin())


@virtual
async def test_every_lane_of_a_plan_runs_and_stops() -> None:
    async with bench(plan(planned_sink(), planned_sink(id="crm", lane="slow"))) as b:
        running = lanes(b)
        await running.start()
        await b.publish(delivery(1))
        await b.publish(delivery(2, "crm"), lane="slow")
        await quiet(b, "fake", "slow")

        assert [(state.lane, state.consuming) for state in running.states()] == [
            ("fake", True),
            ("slow", True),
            ("quarantine", True),
        ]
        await running.stop()
        assert len(b.world.effects) == 2 and running.states() == []


@virtual
async def test_a_lane_that_no_plan_names_any_more_is_emptied_into_work_items() -> None:
    async with bench() as b:
        await b.cell.transport.declare(Topology((Address("lane", "old"),)))
        await b.publish(delivery(1, "removed"), lane="old")
        running = lanes(b)

        await running.start()
        await quiet(b, "fake", "old")
        await running.stop()

        (item,) = await b.items()
        assert (item.reason, item.owner) == ("sink-gone", b.plans.all()[0].owner)
        assert item.owner


@virtual
async def test_a_stop_finishes_what_was_claimed_and_gives_back_the_rest() -> None:
    async with bench(plan(planned_sink("at_most_once", timeout=60.0))) as b:

        async def slow(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            await asyncio.sleep(5)
            apply()

        b.world.script = slow
        running = lanes(b)
        await running.start()
        await b.publish(*[delivery(number) for number in range(1, 31)])
        await b.clock.sleep(1)

        await running.stop()

        done = len(b.world.effects)
        assert 0 < done == len(b.world.calls) < 30
        assert (await b.cell.transport.depths())[Address("lane", "fake")].ready == 30 - done
        assert await b.items() == []


@virtual
async def test_a_start_publishes_what_was_released_when_the_process_died() -> None:
    async with bench(plan(planned_sink(ordered=Ordered()))) as b:
        early = delivery(1, event=event(1, order_key="till", order_no=1))
        row = order.held_row(early, "fake", b'{"receipt":1}', b.clock.now())
        admit = FenceAdmit(row.fence, [FenceRow("till", 1, row.day, row.delivery_id)])
        await b.cell.store.apply_all(HeldAdd([row]), admit)
        running = lanes(b)

        await running.start()
        await b.clock.sleep(1)
        await quiet(b, "fake")
        await running.stop()

        assert len(b.world.effects) == 1


@virtual
async def test_an_event_sink_with_an_effect_is_published_once_under_the_events_own_id() -> None:
    type_ = EventType("sale.for-summary", 1, AnyData(), key=KeyExpr((expression("receipt"),)))
    bus = own_sink("summary", lane="bus", event=type_, named_effect=True)
    async with bench(plan(bus)) as b:
        await b.cell.transport.declare(Topology((Address("lane", "bus"),), (("sale.for-summary", "sales"),)))
        running = lanes(b)
        await running.start()
        await b.publish(delivery(7, "summary"), delivery(7, "summary"), lane="bus")
        await quiet(b, "bus")
        await running.stop()

        subscription = await b.cell.transport.subscribe(Address("route", "sales"), 10)
        (receipt,) = await subscription.receive(10)
        published = Routed.read(receipt.headers, receipt.body).event
        assert (published.type, published.data, published.subject) == ("sale.for-summary@1", {"receipt": 7}, "7")
        assert published.trace == event(7).trace


@virtual
async def test_an_event_nobody_subscribes_to_waits_for_a_person() -> None:
    bus = own_sink(event=EventType("lonely", 1, AnyData()), named_effect=True)
    async with bench(plan(bus)) as b:
        await b.publish(delivery())

        await b.run_until_quiet()

        assert [item.reason for item in await b.items()] == ["no-subscriber"]


@virtual
async def test_a_table_keeps_the_newest_row_of_a_key() -> None:
    key = KeyExpr((expression("sku"),))
    table = own_sink("prices", table="prices", table_key=key)
    async with bench(plan(table)) as b:
        rows = [(1, "4", 3), (2, "4", 1), (3, "5", 1), (4, "4", 9)]
        await b.publish(*[delivery(n, "prices", body={"sku": sku}, version=v) for n, sku, v in rows])
        await b.publish(delivery(5, "prices", body={}, version=1))

        await b.run_until_quiet()

        kept = await b.cell.store.apply(TableAll("prices"))
        assert sorted((row.key, row.version) for row in kept) == [("4", 9), ("5", 1)]
        assert (await b.ledger(delivery(2, "prices"))).state == "superseded"
        assert [item.reason for item in await b.items()] == ["key-incomplete"]


@virtual
async def test_suspects_run_one_at_a_time_and_poison_waits_for_a_person(tmp_path: Path) -> None:
    suspects = [delivery(n).id for n in (1, 2, 3, 4)]
    (tmp_path / "suspects.json").write_text(json.dumps({"suspects": suspects, "poison": [[suspects[3], 1]]}))
    async with bench(watch=Watch(tmp_path)) as b:

        async def slow(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            await asyncio.sleep(0.5)
            apply()

        b.world.script = slow
        running = lanes(b)
        await running.start()
        await b.publish(*[delivery(number) for number in range(1, 5)])
        await b.clock.sleep(10)
        await quiet(b, "fake")
        await running.stop()

        assert b.world.most_running == 1
        assert len(b.world.effects) == 3
        (item,) = await b.items()
        assert (item.reason, item.subject) == ("poison", suspects[3])
        b.desk.watch.close()


@virtual
async def test_while_the_store_is_down_everything_waits_and_no_attempt_counts() -> None:
    async with bench() as b:
        real, down = b.cell.store, [True]

        class Flaky:
            async def apply(self, op: Any) -> Any:
                if down[0] and not op.reads:
                    raise StoreDown("disk")
                return await real.apply(op)

            async def apply_all(self, *ops: Any) -> Any:
                if down[0]:
                    raise StoreDown("disk")
                return await real.apply_all(*ops)

        object.__setattr__(b.cell, "store", Flaky())
        await b.publish(delivery())
        task = asyncio.create_task(b.run_until_quiet())
        await b.clock.sleep(300)
        assert b.world.calls == []

        down[0] = False
        await task

        assert (await b.ledger(delivery())).attempt == 1 and len(b.world.effects) == 1


@virtual
async def test_while_the_transport_takes_nothing_a_retry_waits_in_hand() -> None:
    async with bench() as b:
        real, blocked = b.cell.transport, [True]

        class Blocked:
            async def publish(self, batch: Any) -> Any:
                if blocked[0]:
                    raise TransportBlocked("alarm")
                return await real.publish(batch)

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

        async def fails_once(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if len(b.world.calls) == 1:
                raise Transient("unreachable")
            ctx.sent()
            apply()

        b.world.script = fails_once
        await b.publish(delivery())
        object.__setattr__(b.cell, "transport", Blocked())
        task = asyncio.create_task(b.run_until_quiet())
        await b.clock.sleep(120)
        assert len(b.world.calls) == 1

        blocked[0] = False
        await task

        assert len(b.world.effects) == 1 and (await b.ledger(delivery())).attempt == 2
