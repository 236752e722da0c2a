"""What a person decides about a work item, at its three levels, and what a crash in between leaves."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import Failure, Permanent, UnknownOutcome
from engine.core.outcome import Failed
from engine.plugins.contracts import ConnectorContext, SinkItem
from engine.ports.store.audit import AuditList, AuditVerify
from engine.ports.store.inbox import EventKey, InboxFind, InboxOpen, InboxRow
from engine.ports.store.ledger import LedgerRevive
from engine.ports.store.work import WorkChange, WorkCreate, WorkGet, WorkItem
from engine.ports.transport import Address
from engine.runtime.carrying.codec import Routed
from engine.runtime.people.control import Control
from engine.runtime.people.recovery import recover_replays
from engine.runtime.people.work import event_item, record_item
from tests.runtime.support import DAY, Bench, bench, delivery, event, plan, planned_sink, virtual

ROUTE = Address("route", "sales")


def control(b: Bench, reenter: Any = None) -> Control:
    async def nothing(item: WorkItem) -> int | Failure:
        return 1

    return Control(b.cell, b.plans, b.pool, reenter or nothing)


async def refused_delivery(b: Bench, *, unknown: bool = False) -> WorkItem:
    """A work item: the sink refused, or its answer was lost for good."""

    async def refuse(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
        ctx.sent()
        if unknown:
            apply()
            raise UnknownOutcome("connection-lost")
        raise Permanent("account-closed")

    b.world.script = refuse
    await b.publish(delivery())
    await b.run_until_quiet()
    b.world.script = None
    (item,) = await b.items()
    return item


async def received(b: Bench) -> list[Routed]:
    subscription = await b.cell.transport.subscribe(ROUTE, 10)
    receipts = await subscription.receive(10) if await b.left(ROUTE) else []
    await subscription.ack(receipts)
    await subscription.close()
    return [Routed.read(receipt.headers, receipt.body) for receipt in receipts]


async def failed_event(b: Bench, **facts: Any) -> WorkItem:
    item = event_item(
        plan(planned_sink()), Routed(event(**facts)), Failed(Permanent("unknown-sku")), "rev", b.clock.now()
    )
    row = InboxRow("sales", EventKey(DAY, event().id), "plan-1", "work_item", reason="unknown-sku", origin="origin-1")
    await b.cell.store.apply_all(InboxOpen([row]), WorkCreate([item]))
    return item


@virtual
async def test_a_delivery_is_replayed_to_its_sink_only_with_the_next_number() -> None:
    async with bench() as b:
        item = await refused_delivery(b)

        await control(b).work_replay(item.id, "clerk", "account opened")
        await b.run_until_quiet()

        row = await b.ledger(delivery())
        assert (row.state, row.attempt) == ("applied", 2)
        assert len(b.world.effects) == 1
        stored = await b.cell.store.apply(WorkGet(item.id))
        assert stored is not None and stored.state == "replayed"


@virtual
async def test_an_edited_delivery_has_a_key_of_its_own_and_old_copies_are_absorbed() -> None:
    async with bench() as b:
        item = await refused_delivery(b)
        await control(b).work_edit(item.id, {"receipt": 1, "account": "8400"}, "clerk", "right account")
        await control(b).work_replay(item.id, "clerk", "right account")

        await b.publish(delivery(attempt=1), delivery(attempt=2))
        await b.run_until_quiet()

        assert b.world.effects == [(f"{delivery().id}:r1", {"receipt": 1, "account": "8400"})]
        assert (await b.ledger(delivery())).revision == 1


@virtual
async def test_a_retry_copy_that_returns_after_an_edited_replay_is_absorbed() -> None:
    """A crash between publishing copy 2 and writing it down leaves a stray copy; the first copy becomes a work item."""
    async with bench() as b:
        item = await refused_delivery(b)
        await b.publish(delivery(attempt=2, body={"receipt": "stray"}), delay=120.0)
        await control(b).work_edit(item.id, {"receipt": "edited"}, "clerk", "typo")
        await control(b).work_replay(item.id, "clerk", "typo")

        await b.run_until_quiet()

        assert [body for _, body in b.world.effects] == [{"receipt": "edited"}]


@virtual
async def test_an_edit_that_fails_again_is_the_same_item_and_can_be_edited_again() -> None:
    async with bench() as b:
        item = await refused_delivery(b)
        await control(b).work_edit(item.id, {"receipt": "one"}, "clerk", "try")
        await control(b).work_replay(item.id, "clerk", "try")

        async def refuse(item: SinkItem, ctx: ConnectorContext, apply: Any) -> None:
            ctx.sent()
            raise Permanent("account-closed")

        b.world.script = refuse
        await b.run_until_quiet()
        (again,) = await b.items()
        assert (again.id, again.edits) == (item.id, 1)

        b.world.script = None
        await control(b).work_edit(item.id, {"receipt": "two"}, "clerk", "try")
        await control(b).work_replay(item.id, "clerk", "try")
        await b.run_until_quiet()

        assert b.world.effects == [(f"{delivery().id}:r2", {"receipt": "two"})]


@virtual
async def test_an_edit_is_refused_while_the_effect_may_be_there() -> None:
    async with bench(plan(planned_sink("at_most_once"))) as b:
        item = await refused_delivery(b, unknown=True)
        await control(b).work_edit(item.id, {"receipt": "edited"}, "clerk", "typo")

        with pytest.raises(Permanent, match="maybe-applied"):
            await control(b).work_replay(item.id, "clerk", "typo")

        await control(b).work_resolve(item.id, "clerk", "it was there")
        assert (await b.ledger(delivery())).state == "applied"


@virtual
async def test_a_system_that_can_tell_is_asked_before_an_edit_is_sent() -> None:
    from tests.runtime.support import Retry

    async with bench(plan(planned_sink("verify", retry=Retry(give_up_after=0.5)))) as b:
        item = await refused_delivery(b, unknown=True)
        await control(b).work_edit(item.id, {"receipt": "edited"}, "clerk", "typo")
        with pytest.raises(Permanent, match="applied"):
            await control(b).work_replay(item.id, "clerk", "typo")

        b.world.effects.clear()
        await control(b).work_replay(item.id, "clerk", "typo")
        await b.run_until_quiet()

        assert [body for _, body in b.world.effects] == [{"receipt": "edited"}]


@virtual
async def test_what_the_ledger_calls_applied_is_not_sent_again() -> None:
    async with bench() as b:
        await b.publish(delivery())
        await b.run_until_quiet()
        from engine.runtime.people.work import delivery_item

        item = delivery_item(delivery(), Permanent("refused"), now=b.clock.now())
        await b.cell.store.apply(WorkCreate([item]))

        with pytest.raises(Permanent, match="applied"):
            await control(b).work_replay(item.id, "clerk", "again")


@virtual
async def test_a_delivery_to_a_sink_that_is_gone_is_refused_with_what_to_do() -> None:
    async with bench() as b:
        item = await refused_delivery(b)
        b.use(plan(planned_sink(id="other")))

        with pytest.raises(Permanent, match="put it back"):
            await control(b).work_replay(item.id, "clerk", "again")


@virtual
async def test_an_event_is_routed_again_under_its_id_with_the_next_replay_number() -> None:
    async with bench() as b:
        item = await failed_event(b)

        await control(b).work_replay(item.id, "clerk", "sku added")

        (routed,) = await received(b)
        assert (routed.event.id, routed.replay, routed.attempt) == (event().id, 1, 1)
        key = EventKey(DAY, event().id)
        row = (await b.cell.store.apply(InboxFind("sales", [key])))[key]
        assert (row.state, row.plan, row.replay) == ("open", "", 1)


@virtual
async def test_an_event_of_a_route_without_an_inbox_is_published_before_its_item_closes() -> None:
    async with bench() as b:
        item = event_item(plan(planned_sink()), Routed(event()), Failed(Permanent("unknown-sku")), "rev", 1)
        await b.cell.store.apply(WorkCreate([item]))

        await control(b).work_replay(item.id, "clerk", "sku added")

        assert len(await received(b)) == 1


@virtual
async def test_a_record_enters_ingress_again_and_closes_only_when_it_is_in() -> None:
    async with bench() as b:
        item = record_item("ingest", "stores", "r1", b"raw", Permanent("corrupt"), now=1, day=DAY, headers={})
        await b.cell.store.apply(WorkCreate([item]))
        seen: list[bytes] = []
        answers: list[int | Failure] = [Permanent("corrupt", "still"), 1]

        async def reenter(again: WorkItem) -> int | Failure:
            seen.append(again.body)
            return answers.pop(0)

        with pytest.raises(Permanent, match="still"):
            await control(b, reenter).work_replay(item.id, "clerk", "try")
        assert len(await b.items()) == 1

        await control(b, reenter).work_edit(item.id, "mended", "clerk", "typo")
        await control(b, reenter).work_replay(item.id, "clerk", "typo")
        assert seen == [b"raw", b"mended"]
        assert await b.items() == []


@virtual
async def test_two_people_cannot_decide_the_same_item() -> None:
    async with bench() as b:
        item = await refused_delivery(b)
        await control(b).work_discard(item.id, "clerk", "not wanted")

        with pytest.raises(Permanent, match=f"is discarded; `tillflow work show {item.id}`"):
            await control(b).work_replay(item.id, "colleague", "again")
        assert (await b.ledger(delivery())).state == "discarded"


@virtual
async def test_every_change_is_audited_with_who_and_why() -> None:
    async with bench() as b:
        item = await refused_delivery(b)
        await control(b).work_edit(item.id, {"receipt": 2}, "clerk", "typo")
        await control(b).work_replay(item.id, "clerk", "typo")

        rows = await b.cell.store.apply(AuditList())
        assert [(row.action, row.actor, row.reason) for row in reversed(rows)] == [
            ("work.edit", "clerk", "typo"),
            ("work.replay", "clerk", "typo"),
        ]
        assert await b.cell.store.apply(AuditVerify()) == 0
        shown = await control(b).work_show(item.id)
        told = [(one["action"], one["actor"], one["reason"], one["state"]) for one in shown["decisions"]]
        assert told == [("edit", "clerk", "typo", ""), ("replay", "clerk", "typo", "replayed")]
        with pytest.raises(Permanent, match="names who"):
            await control(b).work_discard(item.id, "clerk", " ")


@virtual
async def test_a_crash_between_transaction_and_publish_of_a_delivery_is_made_good_at_the_next_start() -> None:
    async with bench() as b:
        item = await refused_delivery(b)
        row = await b.ledger(delivery())
        now = b.clock.now()
        await b.cell.store.apply_all(
            LedgerRevive(row.key, now, required=True), WorkChange(item.id, item.version, "replayed", "", now)
        )

        assert await recover_replays(b.cell, b.plans) == 1
        assert await recover_replays(b.cell, b.plans) == 1, "nobody knows whether it arrived"
        await b.run_until_quiet()

        assert len(b.world.effects) == 1
        assert await recover_replays(b.cell, b.plans) == 0


@virtual
async def test_a_crash_between_transaction_and_publish_of_an_event_is_made_good_at_the_next_start() -> None:
    async with bench() as b:
        item = await failed_event(b)
        await control(b).work_replay(item.id, "clerk", "sku added")
        await received(b)

        assert await recover_replays(b.cell, b.plans) == 1
        assert [routed.replay for routed in await received(b)] == [1]
