"""Completeness as people see it, and deliveries nobody has heard of."""

from __future__ import annotations

from typing import Any

from engine.core.errors import Permanent
from engine.plugins.contracts import ConnectorContext, SinkItem
from engine.ports.store.inbox import EventKey, InboxOpen, InboxRouted, InboxRow, Planned
from engine.ports.store.journal import JournalAppend
from engine.ports.transport import Address, Outgoing, Topology
from engine.runtime.people import figures, undecided
from engine.runtime.people.journal import entry
from engine.runtime.people.promised import promises
from tests.runtime.support import DAY, Bench, bench, delivery, plan, planned_sink, virtual


async def routed(b: Bench, *numbers: int) -> None:
    """Inbox rows of these events, each with one delivery."""
    rows = [
        InboxRow(
            "sales",
            EventKey(DAY, delivery(n).event.id),
            "plan-sales",
            "deliveries",
            (Planned("erp", DAY, delivery(n).id, "lane"),),
            origin=f"origin-{n}",
            amount="10.10",
            currency="EUR",
            at=b.clock.now(),
        )
        for n in numbers
    ]
    await b.cell.store.apply_all(InboxOpen(rows), InboxRouted("sales", [row.key for row in rows]))


@virtual
async def test_everything_received_is_somewhere() -> None:
    async with bench() as b:

        async def some_are_refused(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            if item.request["receipt"] == 2:
                raise Permanent("account-closed")
            apply()

        b.world.script = some_are_refused
        await routed(b, 1, 2, 3)
        await b.publish(delivery(1), delivery(2))
        await b.run_until_quiet()

        whole = next(one for one in await figures.completeness(b.cell) if not one["sink"])

        assert (whole["received"], whole["applied"], whole["work_items"], whole["in_flight"]) == (3, 1, 1, 1)
        assert whole["balanced"]
        assert (whole["received_amount"], whole["applied_amount"]) == ({"EUR": "30.3"}, {"EUR": "10.1"})


@virtual
async def test_a_delivery_not_heard_of_within_the_horizon_is_missing_until_it_ends() -> None:
    async with bench(plan(planned_sink(), horizon=3600.0)) as b:
        await routed(b, 1)
        await b.clock.sleep(3000)
        assert await figures.note_missing(b.cell, b.plans) == []
        await b.clock.sleep(1000)

        await figures.note_missing(b.cell, b.plans)
        await figures.note_missing(b.cell, b.plans)

        (item,) = await b.items()
        assert (item.reason, item.event_id, item.version) == ("missing", delivery().event.id, 1)
        (whole,) = [one for one in await figures.completeness(b.cell) if not one["sink"]]
        assert (whole["work_items"], whole["in_flight"], whole["balanced"]) == (1, 0, True)

        await b.publish(delivery())
        await b.run_until_quiet()
        await figures.note_missing(b.cell, b.plans)

        assert await b.items() == []
        (whole,) = [one for one in await figures.completeness(b.cell) if not one["sink"]]
        assert whole["applied"] == 1


@virtual
async def test_promises_are_judged_from_rows() -> None:
    slo = {"latency_p50": 1.0, "latency_p95": 30.0, "success": 0.9}
    route = plan(planned_sink(), slo=slo, expect_traffic={"at_least": 2, "at_most": 2, "per": 900.0})
    async with bench(route) as b:

        async def judged() -> dict[str, tuple[Any, Any]]:
            found = await promises(b.cell, b.plans, await figures.completeness(b.cell))
            assert {one["route"] for one in found} == {"sales"}
            return {one["promise"]: (one["found"], one["kept"]) for one in found}

        nothing = {"latency_p50": (None, None), "latency_p95": (None, None), "success": (None, None)}
        assert await judged() == nothing | {"at_least": (0, False), "at_most": (0, True)}

        async def one_is_refused(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            if item.request["receipt"] == 2:
                raise Permanent("account-closed")
            apply()

        b.world.script = one_is_refused
        await routed(b, 1, 2)
        await b.clock.sleep(10.0)
        await b.publish(delivery(1), delivery(2))
        await b.run_until_quiet()

        found = await judged()
        assert found["success"] == (0.5, False) and found["at_least"] == (2, True) and found["at_most"] == (2, True)
        assert 10 <= found["latency_p50"][0] < 20 and not found["latency_p50"][1] and found["latency_p95"][1]
        await b.clock.sleep(1000.0)
        assert (await judged())["at_least"] == (0, False)


@virtual
async def test_a_route_without_rows_has_nothing_to_judge_by() -> None:
    route = plan(
        planned_sink(), criticality="operational", slo={"success": 0.9}, expect_traffic={"at_least": 1, "per": 9.0}
    )
    async with bench(route) as b:
        found = await promises(b.cell, b.plans, [])
        assert [(one["promise"], one["kept"]) for one in found] == [("success", None), ("at_least", None)]


@virtual
async def test_what_lay_in_a_deleted_queue_is_missing_by_name() -> None:
    """Of five that were taken in two are decided; one waits, so two are missing: the oldest."""
    async with bench(plan(planned_sink(), criticality="financial")) as b:
        await b.cell.store.apply(
            JournalAppend(
                [
                    entry(delivery(n).event, "sales", "received", b.clock.now(), detail=f"till.jsonl:{n}")
                    for n in range(5)
                ]
            )
        )
        await routed(b, 0, 1)
        await b.cell.transport.declare(Topology((Address("route", "sales"),)))
        assert await undecided.missing(b.cell, b.plans) == [], "somebody may have them in hand"

        await b.clock.sleep(undecided.YOUNG + 1)
        await b.cell.transport.publish([Outgoing(Address("route", "sales"), {}, b"waits", 0.0)])

        (told,) = await undecided.missing(b.cell, b.plans)
        assert (told["taken_in"], told["decided"], told["waiting"], told["missing"]) == (5, 2, 1, 2)
        assert told["events"][0] == {"event": delivery(2).event.id, "place": "till.jsonl:2"}
        assert "offer these records again" in told["help"]

        # when they came again
        await routed(b, 2, 3)
        assert await undecided.missing(b.cell, b.plans) == []
