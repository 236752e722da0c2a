"""The verbs of CLI and console: plain values, nothing private, helpful refusals."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compile.plan import EventType, RouteSet
from engine.core.clock import iso
from engine.core.errors import Permanent, Transient
from engine.core.jsonx import encode
from engine.core.outcome import Failed
from engine.expr.functions import FunctionTable
from engine.expr.jmes import compile_expression
from engine.plugins.fields import KeyExpr
from engine.ports.store.journal import Entry, JournalAppend
from engine.ports.store.work import WorkCreate, WorkItem
from engine.ports.store.workers import WorkerBeat, WorkerRow
from engine.runtime.carrying.codec import Routed
from engine.runtime.ingress.identity import identified
from engine.runtime.people.work import event_item
from tests.runtime.support import Bench, bench, delivery, event, plan, planned_sink, virtual
from tests.runtime.test_replay import control, refused_delivery


class TotalIsNumber:
    name = "sale.completed@2"

    def violations(self, data: Any, limit: int = 100) -> list[tuple[str, str]]:
        return [] if isinstance(data.get("total"), int) else [("/total", "is not a number")]

    def filled(self, data: Any) -> Any:
        return data


def sale_type() -> EventType:
    key = KeyExpr((compile_expression("receipt", FunctionTable.builtin()),))
    return EventType("sale.completed", 2, TotalIsNumber(), key=key, private=("customer.id",))


async def sale_item(b: Bench) -> WorkItem:
    """A failed sale with a private value in it."""
    type_ = sale_type()
    known = b.plans.routeset
    b.plans.replace(RouteSet(known.digest, known.plans, known.connections, types={type_.schema: type_}))
    born = identified(event(data={"receipt": 7, "total": 5, "customer": {"id": 4711}}), type_, b.clock).event
    item = event_item(plan(planned_sink()), Routed(born), Failed(Permanent("unknown-sku")), "rev", b.clock.now())
    await b.cell.store.apply(WorkCreate([item]))
    return item


@virtual
async def test_status_is_json_and_shows_routes_work_and_queues() -> None:
    async with bench() as b:
        await refused_delivery(b)

        status = await control(b).status()

        assert encode(status)
        assert status["routes"][0]["route"] == "sales"
        assert status["work"] == [{"route": "sales", "reason": "account-closed", "state": "open", "count": 1}]
        assert {queue["queue"] for queue in status["queues"]} >= {"lane/fake", "quarantine"}
        told = {"connection": "fake", "breaker": "closed", "state": "ok", "since": "", "why": ""}
        assert status["connections"] == [told]


@virtual
async def test_status_counts_what_another_process_has_in_hand() -> None:
    """Only that one knows of it: the carrier counts it for nobody else."""
    async with bench() as b:
        facts = {"problems": {}, "in_hand": {"lane/fake": 3}}
        for name, at in (("elsewhere-1", b.clock.now()), ("gone-1", b.clock.now() - 60_000_000)):
            await b.cell.store.apply(WorkerBeat(WorkerRow(name, at, at, encode(facts).decode())))

        queues = {queue["queue"]: queue["unacked"] for queue in (await control(b).status())["queues"]}

        assert (queues["lane/fake"], queues["quarantine"]) == (3, 0)


@virtual
async def test_a_connection_is_failing_until_a_request_is_answered() -> None:
    async with bench() as b:
        gate = b.pool.gate(b.plans.routeset.connections["fake"])

        async def told() -> dict[str, str]:
            (one,) = (await control(b).status())["connections"]
            return {name: one[name] for name in ("state", "since", "why")}

        assert await told() == {"state": "not_tried", "since": "", "why": ""}
        began = iso(b.clock.now())
        gate.end(0.1, Transient("unreachable", "ConnectError"), gate.start())
        await b.clock.sleep(1.0)
        gate.end(0.1, Transient("unreachable", "ConnectTimeout"), gate.start())
        assert await told() == {"state": "failing", "since": began, "why": "unreachable: ConnectTimeout"}
        gate.end(0.1, Permanent("refused", "no such account"), gate.start())
        assert await told() == {"state": "ok", "since": "", "why": ""}, "it answered"


@virtual
async def test_health_names_a_lane_that_does_not_run() -> None:
    from engine.runtime.people.control import Control

    async with bench() as b:

        async def reenter(item: WorkItem) -> None:
            return None

        sick = Control(b.cell, b.plans, b.pool, reenter, problems=lambda: {"lane/erp": "ValueError: no"})

        assert (await control(b).health())["healthy"]
        answer = await sick.health()
        assert not answer["healthy"] and "erp" in answer["problems"][0]


@virtual
async def test_plain_routes_are_told_with_what_the_process_counted() -> None:
    from msgspec.structs import replace

    from engine.runtime.people.control import Control

    async with bench() as b:
        (plan,) = b.plans.all()
        kept = await control(b).status()
        plain = replace(plan, criticality="normal", route_once=False)
        b.plans.replace(replace(b.plans.routeset, plans={plan.route: plain}))
        counted = {(plan.route, "", "received"): 3, (plan.route, "one", "applied"): 2, ("gone", "", "received"): 9}
        counted |= {(plan.route, "two", "applied"): 1}

        async def reenter(item: WorkItem) -> None:
            return None

        told = await Control(b.cell, b.plans, b.pool, reenter, counted=lambda: counted).status()

    assert kept["plain"] == [] and not kept["routes"][0]["plain"]
    assert told["plain"] == [{"route": plan.route, "outcomes": {"received": 3, "applied": 3}}]
    assert told["routes"][0]["plain"]


@virtual
async def test_trace_tells_the_whole_story_of_a_key() -> None:
    async with bench() as b:
        item = await refused_delivery(b)
        first = Entry(1, "2026-03-14", event().id, event().trace, "pos", "received", keys={"receipt": "1001"})
        await b.cell.store.apply(JournalAppend([first]))

        story = await control(b).trace("1001")

        assert [entry["what"] for entry in story["entries"]] == ["received", "work-item"]
        assert [effect["state"] for effect in story["effects"]] == ["work_item"]
        assert [found["id"] for found in story["work"]] == [item.id]
        assert (await control(b).trace("no such key"))["entries"] == []


@virtual
async def test_items_are_found_by_the_declared_keys_of_their_event() -> None:
    async with bench() as b:
        item = await refused_delivery(b)
        first = Entry(1, "2026-03-14", event().id, event().trace, "pos", "received", keys={"receipt": "1001"})
        await b.cell.store.apply(JournalAppend([first]))

        for text in ("1001", item.id, event().id, "store|1"):
            assert [found["id"] for found in (await control(b).work_list(text=text))["items"]] == [item.id]
        assert (await control(b).work_list(text="1002"))["items"] == []


@virtual
async def test_private_values_are_hidden_and_kept_by_an_edit() -> None:
    async with bench() as b:
        item = await sale_item(b)

        shown = await control(b).work_show(item.id[:6])
        assert shown["body"]["customer"] == {"id": "***"}

        await control(b).work_edit(item.id, {**shown["body"], "total": 6}, "clerk", "typo")
        (stored,) = await b.items()
        assert stored.body == encode({"receipt": 7, "total": 6, "customer": {"id": 4711}})
        assert stored.edits == 1


@virtual
async def test_an_edit_must_fit_the_schema_and_stay_the_same_event() -> None:
    async with bench() as b:
        item = await sale_item(b)
        body = (await control(b).work_show(item.id))["body"]

        with pytest.raises(Permanent, match="/total: is not a number"):
            await control(b).work_edit(item.id, {**body, "total": "six"}, "clerk", "typo")
        with pytest.raises(Permanent, match="another event"):
            await control(b).work_edit(item.id, {**body, "receipt": 8}, "clerk", "typo")


@virtual
async def test_a_card_number_in_an_edit_is_masked_before_it_is_written() -> None:
    async with bench() as b:
        item = await refused_delivery(b)

        await control(b).work_edit(item.id, {"receipt": 1, "note": "4111111111111111"}, "clerk", "note")

        (stored,) = await b.items()
        assert b"4111111111111111" not in stored.body


@virtual
async def test_unknown_items_are_said_to_be_unknown() -> None:
    async with bench() as b:
        with pytest.raises(Permanent, match="no work item begins with"):
            await control(b).work_show("ffff")


@virtual
async def test_a_delivered_one_shows_in_the_figures_of_the_answer() -> None:
    async with bench() as b:
        await b.publish(delivery())
        await b.run_until_quiet()

        answer = await control(b).figures()

        assert answer == {"figures": [], "missing": [], "balanced": True}, (
            "no inbox rows, no figures: plain events are not counted"
        )
