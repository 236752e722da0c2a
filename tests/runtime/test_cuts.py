"""Aggregates and delays: everything counts once, exactly, and goes on under an identity that never changes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.ports.store.inbox import InboxRouted
from engine.ports.store.steps import GroupJoin, GroupsOpen, TimersDue
from tests.contracts.memory_transport import MemoryTransport
from tests.runtime.killing import Fate, killed_life
from tests.runtime.lab import bench, figures_of, running, sale, settle, virtual
from tests.runtime.routes import SALES, TO_ERP, posting

SPLIT = "steps:\n  - {id: items, split: {in: lines, key: line.sku, as: line}}\n"
DELAY = "  - {id: later, delay: {for: 5m}}\n"


def grouped(complete: str, rest: str = "") -> str:
    return f"""steps:
  - id: daily
    aggregate:
      by: store
      complete: {complete}
      sum: {{total: total}}
      first: {{store: store, receipt: receipt, date: date}}
      output: sale@1
{rest}"""


@virtual
async def test_a_group_is_full_at_its_size_however_its_members_come() -> None:
    async with bench() as made, running(made, posting(grouped("{within: 1h, count: 3}"))) as engine:
        made.lab.offer([sale(str(n), total=Decimal("0.10")) for n in range(1, 8)])
        await settle()
        assert [request["total"] for request in made.lab.requests()] == [Decimal("0.30"), Decimal("0.30")]
        figures = await figures_of(engine, "posting")
        assert (figures["received"], figures["applied"], figures["in_flight"]) == (7, 6, 1)
        assert figures["balanced"] and figures["received_amount"] == {"EUR": "0.7"}


@virtual
async def test_a_group_closes_when_its_time_is_over() -> None:
    async with bench() as made, running(made, posting(grouped("{within: 1h}"))):
        made.lab.offer([sale("1"), sale("2")])
        await settle(3500)
        assert made.lab.sent == []
        await settle(200)
        assert made.lab.requests() == [{"reference": "1", "total": 20}]


@virtual
async def test_a_trailer_closes_its_group_and_counts() -> None:
    files = posting(grouped("{within: 1h, trailer: \"present(note) && note == 'end'\"}"))
    async with bench() as made, running(made, files):
        made.lab.offer([sale("1"), sale("2", note="end"), sale("3")])
        await settle()
        assert made.lab.requests() == [{"reference": "1", "total": 20}]
        assert [size for _, _, size, _ in await made.store.apply(GroupsOpen("posting"))] == [1]


@virtual
async def test_a_member_that_comes_again_is_not_counted_again() -> None:
    async with bench() as made, running(made, posting(grouped("{within: 1h, count: 3}"), criticality="operational")):
        for _ in range(3):
            made.lab.offer([sale("1")])
            await settle()
        made.lab.offer([sale("2"), sale("3")])
        await settle()
        assert made.lab.requests() == [{"reference": "1", "total": 30}]


@virtual
async def test_what_a_split_made_waits_and_goes_on_item_by_item() -> None:
    to = "to:\n  - {id: erp, use: lab, connection: outside, action: post, with: {reference: line.sku}}\n"
    async with bench() as made, running(made, posting(SPLIT + DELAY, to)) as engine:
        made.lab.offer([sale("1", lines=[{"sku": "a"}, {"sku": "b"}])])
        await settle(10)
        assert made.lab.sent == [] and (await figures_of(engine, "posting"))["in_flight"] == 1
        await settle(400)
        assert made.lab.requests() == [{"reference": "a"}, {"reference": "b"}]
        figures = await figures_of(engine, "posting")
        assert (figures["received"], figures["applied"], figures["balanced"]) == (1, 1, True)


@virtual
async def test_a_delayed_event_has_the_delivery_ids_it_would_have_had_at_once() -> None:
    keys = []
    for steps in ("", "steps:\n" + DELAY):
        async with bench() as made, running(made, posting(steps)):
            made.lab.offer([sale("1")])
            await settle(400)
            keys += [key for _, key, _ in made.lab.sent]
    assert len(keys) == 2 and keys[0] == keys[1]


@virtual
async def test_a_continuation_goes_on_on_the_current_plan_while_the_state_fits() -> None:
    to = TO_ERP.replace("total: total", "total: receipt")
    async with bench() as made:
        async with running(made, posting("steps:\n" + DELAY)):
            made.lab.offer([sale("1")])
            await settle(10)
        async with running(made, posting("steps:\n" + DELAY, to)):
            await settle(400)
        assert made.lab.requests() == [{"reference": "1", "total": "1"}]


@virtual
async def test_a_continuation_goes_on_on_its_recorded_plan_when_the_cut_is_gone() -> None:
    async with bench() as made:
        async with running(made, posting("steps:\n" + DELAY)):
            made.lab.offer([sale("1")])
            await settle(10)
        async with running(made, posting(to=TO_ERP.replace("total: total", "total: receipt"))):
            await settle(400)
        assert made.lab.requests() == [{"reference": "1", "total": 10}]


@virtual
async def test_a_group_whose_plan_cannot_be_known_any_more_is_a_work_item_with_its_members() -> None:
    async with bench() as made:
        async with running(made, posting(grouped("{within: 1h}"))):
            made.lab.offer([sale("1"), sale("2")])
            await settle(10)
        engine = made.engine(SALES)

        def cannot(files: Any) -> Any:
            raise ValueError("a plugin of it is not installed")

        engine.plans._load = cannot
        await engine.start()
        await settle(4000)
        await engine.stop()
        (item,) = await made.items()
        assert item.reason == "plan-gone" and item.body.count(b"receipt") == 2


@virtual
async def test_a_crash_between_joining_and_the_timer_does_not_lose_the_limit() -> None:
    def routed(ops: Any) -> bool:
        return any(isinstance(op, InboxRouted) and op.route == "posting" for op in ops)

    async with bench() as made:
        files = posting(grouped("{within: 1h}"))
        made.lab.offer([sale("1")])
        await killed_life(made, files, Fate(on=routed))
        async with running(made, files):
            await settle(4000)
        assert made.lab.requests() == [{"reference": "1", "total": 10}]
        assert await made.store.apply(TimersDue(made.clock.now())) == []


@virtual
async def test_a_group_that_was_full_when_the_process_died_takes_no_more() -> None:
    files = posting(grouped("{within: 1h, count: 2}"), criticality="operational")
    async with bench() as made:
        made.lab.offer([sale("1"), sale("2")])
        fate = Fate(done_first=True, on=lambda what: any(isinstance(one, GroupJoin) for one in what))
        await killed_life(made, files, fate)
        assert fate.struck.is_set()
        made.transport = MemoryTransport(made.clock)  # theirs come back later than the next one
        await made.transport.open()
        async with running(made, files):
            made.lab.offer([sale("3")])
            await settle()
            assert made.lab.requests() == [{"reference": "1", "total": 20}]
