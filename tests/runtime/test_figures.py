"""Completeness as people see it, and deliveries nobody has heard of."""

from __future__ import annotations

from typing import Any

from engine.core.errors import Permanent
from engine.plugins.contracts import ConnectorContext, SinkItem
from engine.ports.store.inbox import EventKey, InboxOpen, InboxRouted, InboxRow, Planned
from engine.runtime import figures
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
