"""Order per key: numbers, the fence, what is held, skip markers, gaps, and `ordering: latest`."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from engine.compile.plan import EventType
from engine.core.errors import KeyIncomplete, Permanent, Transient
from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.plugins.contracts import ConnectorContext, SinkItem
from engine.plugins.fields import KeyExpr
from engine.ports.store.order import FenceGaps
from engine.runtime.carrying.codec import Delivery
from engine.runtime.delivery import order
from engine.runtime.people import figures
from engine.runtime.people.replay import Decisions, Who
from tests.runtime.support import Bench, Ordered, bench, delivery, event, plan, planned_sink, virtual

CLERK = Who("clerk", "told to")


def numbered(number: int, key: str = "till", **facts: Any) -> Delivery:
    name = hash((key, number)) & 0xFFFFFFFF
    return delivery(number, event=event(name, order_key=key, order_no=number), **facts)


def fenced(**facts: Any) -> Any:
    return plan(planned_sink(ordered=Ordered(**facts)))


def sent(b: Bench) -> list[int]:
    return [body["receipt"] for _, body in b.world.effects]


def decisions(b: Bench) -> Decisions:
    async def reenter(item: Any) -> None:
        return None

    return Decisions(b.cell, b.plans, b.pool, reenter)


def ordered_type(order_by: list[str], sequence: str = "") -> EventType:
    table = FunctionTable.builtin()
    key = KeyExpr(tuple(compile_expression(text, table) for text in order_by))
    own = compile_expression(sequence, table) if sequence else None
    return EventType("sale.completed", 2, None, order_by=key, sequence=own)  # type: ignore[arg-type]


@virtual
async def test_events_are_numbered_per_key_and_keep_their_number() -> None:
    async with bench() as b:
        type_ = ordered_type(["store", "till"])
        born = [event(n, data={"store": "12", "till": str(n % 2)}) for n in range(1, 7)]

        first = await order.number(b.cell, [(one, type_) for one in born])
        again = await order.number(b.cell, [(one, type_) for one in reversed(born)])

        assert [(one.order_key, one.order_no) for one in first] == [
            ("12|1", 1), ("12|0", 1), ("12|1", 2), ("12|0", 2), ("12|1", 3), ("12|0", 3),
        ]  # fmt: skip
        assert [one.order_no for one in again] == [3, 3, 2, 2, 1, 1]
        assert await order.number(b.cell, [(first[0], type_)]) == [first[0]]


@virtual
async def test_the_sources_own_sequence_is_taken_and_checked() -> None:
    async with bench() as b:
        type_ = ordered_type(["till"], "number")

        (one,) = await order.number(b.cell, [(event(data={"till": "3", "number": 41}), type_)])
        assert one.order_no == 41

        with pytest.raises(Permanent, match="bad-sequence"):
            await order.number(b.cell, [(event(data={"till": "3", "number": "41"}), type_)])
        with pytest.raises(KeyIncomplete):
            await order.number(b.cell, [(event(data={"number": 1}), type_)])


@virtual
async def test_two_hundred_keys_shuffled_and_doubled_arrive_strictly_increasing() -> None:
    async with bench(fenced()) as b:
        all_of_them = [numbered(n, f"key-{key}") for key in range(200) for n in range(1, 6)]
        copies = all_of_them + all_of_them[::3]
        Random(11).shuffle(copies)
        await b.publish(*copies)

        await b.run_until_quiet()

        by_key: dict[str, list[int]] = {}
        ids = {one.id: one for one in all_of_them}
        for key, body in b.world.effects:
            by_key.setdefault(ids[key].event.order_key, []).append(body["receipt"])
        assert len(by_key) == 200
        assert all(numbers == [1, 2, 3, 4, 5] for numbers in by_key.values())


@virtual
async def test_a_failing_key_holds_only_itself() -> None:
    async with bench(fenced()) as b:
        moments: dict[str, float] = {}

        async def one_is_down(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if item.request["receipt"] == 1 and ctx.clock.monotonic() < 1000:
                raise Transient("unreachable")
            ctx.sent()
            moments[item.key] = ctx.clock.monotonic()
            apply()

        b.world.script = one_is_down
        bad = [numbered(n, "bad") for n in (1, 2, 3)]
        good = [numbered(n, "good") for n in (2, 3, 4)]
        await order.open_fences(b.cell, b.plans.all())
        await b.publish(numbered(1, "good", skip=True), *bad, *good)

        await b.run_until_quiet()

        assert all(moments[one.id] < 1 for one in good)
        assert [moments[one.id] for one in bad] == sorted(moments[one.id] for one in bad)
        assert moments[bad[0].id] >= 1000


@virtual
async def test_a_work_item_holds_its_key_until_it_is_replayed() -> None:
    async with bench(fenced()) as b:
        refused = [1]

        async def refuse(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            if item.request["receipt"] in refused:
                raise Permanent("account-closed")
            apply()

        b.world.script = refuse
        await b.publish(*[numbered(n) for n in (1, 2, 3)])
        await b.run_until_quiet()
        assert sent(b) == []

        refused.clear()
        (item,) = await b.items()
        await decisions(b).replay(item, CLERK)
        await b.run_until_quiet()

        assert sent(b) == [1, 2, 3]


@pytest.mark.parametrize("how", ["resolved", "discarded"])
@virtual
async def test_a_work_item_that_is_closed_lets_its_key_go_on(how: str) -> None:
    async with bench(fenced()) as b:

        async def refuse(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            if item.request["receipt"] == 1:
                raise Permanent("account-closed")
            apply()

        b.world.script = refuse
        await b.publish(*[numbered(n) for n in (1, 2)])
        await b.run_until_quiet()

        (item,) = await b.items()
        await decisions(b).close(item, how, CLERK)
        await b.run_until_quiet()

        assert sent(b) == [2]


@virtual
async def test_under_skip_the_key_goes_on_when_the_work_item_is_made() -> None:
    async with bench(fenced(on_failure="skip")) as b:
        refused = [1]

        async def refuse(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            if item.request["receipt"] in refused:
                raise Permanent("account-closed")
            apply()

        b.world.script = refuse
        await b.publish(*[numbered(n) for n in (2, 1, 3)])
        await b.run_until_quiet()
        assert sent(b) == [2, 3]

        refused.clear()
        (item,) = await b.items()
        await decisions(b).replay(item, CLERK)
        await b.run_until_quiet()

        assert sent(b) == [2, 3, 1], "a person sent it though its turn is over"


@virtual
async def test_a_skip_marker_lets_the_key_go_on() -> None:
    async with bench(fenced()) as b:
        await b.publish(numbered(3), numbered(1, skip=True), numbered(2, skip=True))

        await b.run_until_quiet()

        assert sent(b) == [3]


def test_markers_are_made_for_fenced_sinks_that_were_not_selected() -> None:
    one = plan(
        planned_sink(id="erp", ordered=Ordered()),
        planned_sink(id="bank", ordered=Ordered()),
        planned_sink(id="prices", ordered=Ordered(mode="latest")),
        planned_sink(id="mail"),
    )
    born = event(order_key="till", order_no=7)

    markers = order.skip_markers(one, born, {"erp"})

    assert [(marker.sink, marker.skip, marker.event.order_no) for marker in markers] == [("bank", True, 7)]
    assert order.skip_markers(one, dataclasses.replace(born, order_no=0), ()) == []


@virtual
async def test_a_gap_becomes_a_work_item_and_resolving_it_lets_the_others_go() -> None:
    async with bench(fenced(gap_timeout=900.0)) as b:
        await b.publish(numbered(2), numbered(3))
        await b.run_until_quiet()
        await b.clock.sleep(800)
        assert await figures.note_gaps(b.cell, b.plans) == []
        await b.clock.sleep(200)

        await figures.note_gaps(b.cell, b.plans)
        await figures.note_gaps(b.cell, b.plans)

        (item,) = await b.items()
        assert (item.reason, item.sink, item.version) == ("sequence-gap", "erp", 1)
        with pytest.raises(Permanent, match="nothing to send"):
            await decisions(b).replay(item, CLERK)
        await decisions(b).close(item, "resolved", CLERK)
        await b.run_until_quiet()
        assert sent(b) == [2, 3]

        await b.publish(numbered(1))
        await b.run_until_quiet()
        assert sent(b) == [2, 3], "it is too late for number 1; a person decides"
        assert [late.reason for late in await b.items()] == ["sequence-late"]


@virtual
async def test_a_gap_that_is_filled_resolves_its_work_item() -> None:
    async with bench(fenced(gap_timeout=10.0)) as b:
        await b.publish(numbered(2))
        await b.run_until_quiet()
        await b.clock.sleep(60)
        await figures.note_gaps(b.cell, b.plans)

        await b.publish(numbered(1))
        await b.run_until_quiet()
        await figures.note_gaps(b.cell, b.plans)

        assert sent(b) == [1, 2]
        assert await b.items() == []


@virtual
async def test_one_that_is_being_tried_is_no_gap() -> None:
    async with bench(fenced(gap_timeout=10.0)) as b:

        async def refuse(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            raise Permanent("account-closed")

        b.world.script = refuse
        await b.publish(numbered(1), numbered(2))
        await b.run_until_quiet()
        await b.clock.sleep(60)

        assert await b.cell.store.apply(FenceGaps(b.clock.now() + 1)) == []
        assert await figures.note_gaps(b.cell, b.plans) == []


@virtual
async def test_outputs_of_a_split_share_a_number_and_none_is_lost_at_the_fence() -> None:
    async with bench(fenced()) as b:
        parts = [replace(numbered(2), id=f"{n:032x}", output_key=f"line-{n}") for n in (1, 2, 3)]
        await b.publish(*parts)
        await b.publish(numbered(1), delay=20.0)

        await b.run_until_quiet()

        assert sorted(key for key, _ in b.world.effects) == sorted([numbered(1).id, *[part.id for part in parts]])
        assert sent(b)[0] == 1


@virtual
async def test_latest_sends_the_newest_and_supersedes_the_older_ones() -> None:
    async with bench(plan(planned_sink(ordered=Ordered(mode="latest")))) as b:
        copies = [numbered(n, "price") for n in (3, 1, 5, 2, 4)]
        await b.publish(*copies)

        await b.run_until_quiet()

        assert sent(b)[-1] == 5 and sent(b) == sorted(sent(b))
        states = {n: (await b.ledger(numbered(n, "price"))).state for n in (1, 2, 4)}
        assert set(states.values()) == {"superseded"}


@virtual
async def test_latest_does_not_undo_a_newer_one_with_a_late_retry() -> None:
    async with bench(plan(planned_sink(ordered=Ordered(mode="latest")))) as b:

        async def first_fails(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if len(b.world.calls) == 1:
                raise Transient("unreachable")
            ctx.sent()
            apply()

        b.world.script = first_fails
        await b.publish(numbered(1, "price"))
        await b.publish(numbered(2, "price"), delay=0.5)

        await b.run_until_quiet()

        assert sent(b) == [2]
        assert (await b.ledger(numbered(1, "price"))).state == "superseded"


@virtual
async def test_a_retry_of_the_newest_is_not_superseded_by_itself() -> None:
    async with bench(plan(planned_sink(ordered=Ordered(mode="latest")))) as b:

        async def first_fails(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            if len(b.world.calls) == 1:
                raise Transient("unreachable")
            ctx.sent()
            apply()

        b.world.script = first_fails
        await b.publish(numbered(1, "price"))

        await b.run_until_quiet()

        assert sent(b) == [1]


@virtual
async def test_latest_keeps_the_items_of_a_split_apart() -> None:
    async with bench(plan(planned_sink(ordered=Ordered(mode="latest")))) as b:
        newer = replace(numbered(2, "price"), id=f"{2:032x}", output_key="shirt")
        older = replace(numbered(1, "price"), id=f"{1:032x}", output_key="shoes")
        overtaken = replace(numbered(1, "price"), id=f"{3:032x}", output_key="shirt")
        await b.publish(newer)
        await b.publish(older, overtaken, delay=5.0)

        await b.run_until_quiet()

        assert sorted(key for key, _ in b.world.effects) == [older.id, newer.id]
        assert (await b.ledger(overtaken)).state == "superseded"
