"""What happens to a running engine when its files change: the same stories on both transports."""

from __future__ import annotations

import asyncio

import pytest

from engine.core.errors import Permanent
from engine.ports.store.audit import AuditList, AuditVerify
from engine.ports.store.revisions import RevisionList
from engine.ports.transport import Address
from engine.runtime.ingress import sources
from engine.runtime.reload.watching import RIGHT_AGAIN
from tests.reload.yard import Yard, on_both
from tests.runtime.lab import CONNECTIONS, sale
from tests.runtime.routes import FROM_SALES, TO_ERP, route

REFUND = route("refund", FROM_SALES + TO_ERP.replace("post", "note"))
LIMITED = CONNECTIONS.replace("zone: eu", "zone: eu, limits: {concurrency: 4}")
MAPPING = "tillflow: 1\nmapping: to-erp\ninput: sale@1\nfields:\n  reference: receipt\n  total: total\n"
MAPPED = route(
    "posting",
    FROM_SALES + "to:\n  - {id: erp, use: lab, connection: outside, action: post, map: to-erp}\n",
)
DRIP = route("drip", "from: {use: drip, format: json, only: first}\n" + TO_ERP.replace("post", "note"), "operational")


@on_both
async def test_adds_only(yard: Yard) -> None:
    async with yard.running() as engine:
        await yard.sells("1")
        before = list(yard.subscribed)
        yard.files["routes/refund.yaml"] = REFUND
        await yard.saved(engine)
        await yard.sells("2")
        await yard.until(lambda: len(yard.lab.requests("note")) == 1)
        assert [one for one in yard.subscribed[len(before) :] if one.kind == "route"] == [Address("route", "refund")]


@on_both
async def test_keeps_unchanged(yard: Yard) -> None:
    async with yard.running() as engine:
        await yard.sells("1")
        before, handled = len(yard.subscribed), engine.routers["ingest"].handled
        for number in range(100):
            yard.files["routes/refund.yaml"] = REFUND.replace("A route of a test", f"Version {number}")
            yard._read = dict(yard.files)
            assert (await engine.reload.apply(yard.wanted(), "ana", "again"))["state"] == "active"
        assert yard.subscribed[before:] == [Address("route", "refund")]
        assert engine.routers["ingest"].handled == handled > 0
        await yard.sells("2")
        assert yard.posted() == ["1", "2"]


@on_both
async def test_comments_and_layout_change_nothing(yard: Yard) -> None:
    async with yard.running() as engine:
        before = engine.plans.revision
        yard.files["routes/posting.yaml"] += "# a note\n"
        await yard.clock.sleep(1.0)
        assert engine.plans.revision == before and engine.reload.last_error is None
        assert len(await yard.made.store.apply(RevisionList())) == 1


@on_both
async def test_bad_yaml_keeps_running(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.files["routes/posting.yaml"] += "to: [\n"
        assert "routes/posting.yaml:" in await yard.refused(engine)
        await yard.sells("1")
        # and the next good edit is taken
        yard.files["routes/posting.yaml"] = MAPPED.replace("map: to-erp", "with: {reference: receipt, total: total}")
        await yard.saved(engine)
        await yard.until(lambda: engine.reload.last_error is None)


@on_both
async def test_a_failed_connector_check_keeps_running(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.lab.unreachable = "no route to host"
        yard.files["routes/connections.yaml"] = LIMITED
        assert "connection outside: " in await yard.refused(engine)
        await yard.sells("1")
        newest = (await yard.made.store.apply(RevisionList()))[0]
        assert newest.state == "rejected" and "no route to host" in newest.problem


@on_both
async def test_a_connection_that_stays_is_not_asked(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.lab.unreachable = "down at the moment"
        yard.files["routes/refund.yaml"] = REFUND
        await yard.saved(engine)
        assert engine.plans.current("refund") is not None


@on_both
async def test_a_failed_start_rolls_back(yard: Yard) -> None:
    yard.files["routes/drip.yaml"] = DRIP
    async with yard.running() as engine:
        await yard.until(lambda: yard.lives == [("first", "begins")])
        first = engine.plans.revision
        yard.replace("routes/drip.yaml", "only: first", "only: broken")
        yard.files["routes/refund.yaml"] = REFUND
        assert "nothing to read here" in await yard.refused(engine)
        # then the source before runs again, and of the new route nothing is left
        await yard.until(lambda: yard.lives == [("first", "begins"), ("first", "ends"), ("first", "begins")])
        assert engine.plans.revision == first and set(engine.routers) == {"ingest", "posting", "drip"}
        assert Address("route", "refund") not in await yard.made.transport.depths()
        await yard.sells("1")
        states = [one.state for one in await yard.made.store.apply(RevisionList())]
        assert states == ["rejected", "active"]


@on_both
async def test_exclusive_drains_first(yard: Yard) -> None:
    yard.files = {"routes/drip.yaml": DRIP}
    async with yard.running() as engine:
        await yard.until(lambda: yard.lives == [("first", "begins")])
        yard.replace("routes/drip.yaml", "only: first", "only: second")
        await yard.saved(engine)
        assert yard.lives == [("first", "begins"), ("first", "ends"), ("second", "begins")]


@on_both
async def test_a_shared_source_takes_over_before_the_old_one_stops(yard: Yard) -> None:
    async with yard.running() as engine:
        old = engine.sources["ingest"]
        yard.replace("routes/ingest.yaml", "format: json}", "format: json, only: other}")
        await yard.saved(engine)
        await yard.until(lambda: engine.sources["ingest"] is not old)
        await yard.sells("1", "2")
        await yard.until(lambda: engine.sources["ingest"].taken == 2)
        assert sorted(yard.posted()) == ["1", "2"]


@on_both
async def test_a_mapping_change_restarts_its_routes(yard: Yard) -> None:
    yard.files |= {"routes/posting.yaml": MAPPED, "mappings/to-erp.yaml": MAPPING, "routes/refund.yaml": REFUND}
    async with yard.running() as engine:
        await yard.sells("1")
        before = dict(engine.plans.routeset.plans)
        yard.replace("mappings/to-erp.yaml", "total: total", "total: total\n  extra: store")
        await yard.saved(engine)
        changed = {name for name, plan in engine.plans.routeset.plans.items() if plan is not before[name]}
        assert changed == {"posting"}
        await yard.sells("2")
        assert [request.get("extra") for request in yard.lab.requests("post")] == [None, "A"]


@on_both
async def test_a_deleted_file_drains_its_queues(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.lab.takes = 0.3
        yard.lab.offer([sale(str(number)) for number in range(20)])
        await yard.until(lambda: engine.sources["ingest"].taken == 20)
        del yard.files["routes/posting.yaml"]
        await yard.saved(engine)
        # then what came before is posted, and the queue goes
        await yard.until(lambda: len(yard.lab.requests("post")) == 20, within=60)

        async def gone() -> bool:
            return Address("route", "posting") not in await yard.made.transport.depths()

        await yard.until(gone, within=60)
        assert set(engine.routers) == {"ingest"} and await yard.made.items() == []


@on_both
async def test_a_renamed_route_keeps_its_effects(yard: Yard) -> None:
    yard.replace("routes/posting.yaml", "id: erp", "id: erp, effect: sales/erp")
    async with yard.running() as engine:
        await yard.sells("1")
        text = yard.files.pop("routes/posting.yaml")
        yard.files["routes/booking.yaml"] = text.replace("route: posting", "route: booking")
        plan = await engine.reload.plan(yard.wanted())
        assert [(one["kind"], one["was"]) for one in plan["changes"]] == [("renamed", "posting")]
        await yard.saved(engine)
        yard.lab.offer([sale("1"), sale("2")], "again.json")
        await yard.until(lambda: len(yard.posted()) == 2)
        await yard.clock.sleep(1.0)
        assert yard.posted() == ["1", "2"]


@on_both
async def test_concurrent_applies_serialise(yard: Yard) -> None:
    async with yard.running() as engine:
        wanted = []
        for number in range(5):
            yard.files["routes/refund.yaml"] = REFUND.replace("A route of a test", f"Version {number}")
            wanted.append(yard.wanted())
        yard._read = dict(yard.files)  # nobody else applies them
        answers = await asyncio.gather(*(engine.reload.apply(one, "ana", "a race") for one in wanted))
        assert [answer["state"] for answer in answers] == ["active"] * 5
        revisions = await yard.made.store.apply(RevisionList())
        assert sorted(one.state for one in revisions) == ["active", *["past"] * 5]
        assert engine.plans.revision == next(one.id for one in revisions if one.state == "active")


@on_both
async def test_the_drain_has_a_deadline(yard: Yard) -> None:
    yard.files = {"routes/drip.yaml": DRIP}
    async with yard.running() as engine:
        await yard.until(lambda: yard.lives == [("first", "begins")])
        yard.holds = 3600.0
        yard.replace("routes/drip.yaml", "only: first", "only: second")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sources, "REST", 0.5)
            await yard.saved(engine)
        assert yard.lives == [("first", "begins"), ("first", "ends"), ("second", "begins")]


@on_both
async def test_a_rollback_is_an_apply(yard: Yard) -> None:
    async with yard.running() as engine:
        first = engine.plans.revision
        yard.files["routes/refund.yaml"] = REFUND
        await yard.saved(engine)
        answer = await engine.reload.rollback("1", "ana", "it was too early")
        assert answer["state"] == "active" and engine.plans.revision == first
        assert "refund" not in engine.plans.routeset.plans
        actions = [(row.actor, row.action, row.reason) for row in await yard.made.store.apply(AuditList())]
        assert actions == [
            ("ana", "revision.take-back", "it was too early"),
            ("ana", "revision.activate", "it was too early"),
            ("ana", "revision.stage", "it was too early"),
            ("tillflow", "revision.activate", "a file changed"),
            ("tillflow", "revision.stage", "a file changed"),
            ("tillflow", "revision.activate", "start"),
        ]
        told = {one["number"]: one["events"] for one in (await engine.reload.history())["revisions"]}
        became = {number: [(one["action"], one["actor"], one["reason"]) for one in told[number]] for number in told}
        assert became == {
            1: [
                ("activate", "tillflow", "start"),
                ("stage", "ana", "it was too early"),
                ("activate", "ana", "it was too early"),
            ],
            2: [
                ("stage", "tillflow", "a file changed"),
                ("activate", "tillflow", "a file changed"),
                ("take-back", "ana", "it was too early"),
            ],
        }
        assert await yard.made.store.apply(AuditVerify()) == 0
        with pytest.raises(Permanent, match="no such revision"):
            await engine.reload.rollback("9", "ana", "a typo")


@on_both
async def test_what_is_in_hand_finishes_on_its_plan(yard: Yard) -> None:
    calling = (
        FROM_SALES
        + "steps:\n  - {id: ask, call: {use: lab, connection: outside, action: ask, with: {reference: receipt}, into: asked}}\n"
        + TO_ERP.replace("total: total", "total: total, extra: asked.asked.reference")
    )
    yard.files["routes/posting.yaml"] = route("posting", calling, "operational")
    yard.lab.slow = 2.0
    async with yard.running() as engine:
        yard.lab.offer([sale("1")])
        await yard.until(lambda: len(yard.lab.calls) == 1)
        yard.replace("routes/posting.yaml", "asked.asked.reference", "store")
        await yard.saved(engine)
        assert yard.posted() == []
        await yard.sells("2")
        await yard.until(lambda: len(yard.posted()) == 2)
        extras = {request["reference"]: request["extra"] for request in yard.lab.requests("post")}
        assert extras == {"1": "1", "2": "A"}


@on_both
async def test_that_files_are_right_again_is_told_once(yard: Yard) -> None:
    def told() -> int:
        return sum(text == RIGHT_AGAIN for text, _ in yard.lab.logged)

    good = dict(yard.files)
    async with yard.running() as engine:
        yard.replace("routes/posting.yaml", "id: erp", "idd: erp")
        await yard.refused(engine)
        assert told() == 0
        yard.files = dict(good)  # as it was
        await yard.until(lambda: engine.reload.last_error is None)
        assert told() == 1
        yard.files["routes/refund.yaml"] = REFUND
        await yard.saved(engine)
        assert told() == 1
        yard.replace("routes/posting.yaml", "id: erp", "idd: erp")
        await yard.refused(engine)
        yard.files = dict(good)  # another one than what runs
        await yard.saved(engine)
        await yard.until(lambda: told() == 2)
