"""A whole engine: from what a source brings to what a sink is sent, and an orderly start and stop."""

from __future__ import annotations

from engine.core.errors import Transient
from engine.ports.store.revisions import RevisionList
from engine.ports.transport import Address
from tests.contracts.memory_store import MemoryStore
from tests.contracts.memory_transport import MemoryTransport
from tests.runtime.lab import bench, figures_of, running, sale, settle, virtual
from tests.runtime.routes import SALES, TO_ERP, alone, posting

DAY = [{"reference": "1", "total": 10}, {"reference": "2", "total": 10}]


@virtual
async def test_sales_go_from_a_file_to_the_sink_and_the_file_is_let_go_of() -> None:
    async with bench() as made, running(made, SALES) as engine:
        made.lab.offer([sale("1"), sale("2")], "day.json")
        await settle()
        assert made.lab.requests() == DAY
        assert made.lab.acked == [("day.json", 0)]
        assert await made.items() == []
        assert (await engine.status()).ready


@virtual
async def test_the_same_content_again_and_under_another_name_is_posted_once() -> None:
    async with bench() as made, running(made, SALES) as engine:
        for name in ("day.json", "day.json", "copy.json"):
            made.lab.offer([sale("1"), sale("2")], name)
            await settle()
        assert made.lab.requests() == DAY
        assert len(made.lab.acked) == 3
        figures = await figures_of(engine, "posting")
        assert (figures["received"], figures["applied"], figures["duplicates"]) == (2, 2, 0)
        ingest = await figures_of(engine, "ingest")
        assert (ingest["received"], ingest["duplicates"], ingest["balanced"]) == (2, 4, True)


@virtual
async def test_the_same_receipt_in_two_documents_is_posted_once() -> None:
    async with bench() as made, running(made, SALES) as engine:
        made.lab.offer([sale("1")])
        made.lab.offer([sale("1", note="the same receipt, told otherwise")])
        await settle()
        assert made.lab.requests() == [{"reference": "1", "total": 10}]
        figures = await figures_of(engine, "posting")
        assert (figures["received"], figures["duplicates"], figures["balanced"]) == (1, 1, True)


@virtual
async def test_a_failing_sink_is_tried_again_without_a_second_routing() -> None:
    async with bench() as made, running(made, SALES):
        made.lab.fail = [Transient("down"), Transient("down")]
        made.lab.offer([sale("1")])
        await settle(60)
        assert made.lab.requests() == [{"reference": "1", "total": 10}]
        routed = [line for line in await made.story("1") if line.what == "routed" and line.route == "posting"]
        assert len(routed) == 1


@virtual
async def test_a_stop_finishes_what_is_in_hand_and_a_start_takes_up_what_was_left() -> None:
    async with bench() as made:
        engine = made.engine(SALES)
        await engine.start()
        made.lab.fail = [Transient("down")] * 50
        made.lab.offer([sale("1")])
        await settle()
        await engine.stop()
        assert (await engine.status()).state == "stopped"
        made.lab.fail = []
        async with running(made, SALES):
            await settle(3600)
        assert made.lab.requests() == [{"reference": "1", "total": 10}]


@virtual
async def test_each_start_writes_down_the_project_with_all_its_bytes() -> None:
    async with bench() as made:
        for files in (SALES, SALES, posting()):
            async with running(made, files) as engine:
                revision = engine.plans.revision
        recorded = await made.store.apply(RevisionList())
        assert [(one.id == revision, one.state) for one in recorded] == [(True, "active"), (False, "past")]


@virtual
async def test_a_route_that_no_longer_subscribes_gets_no_more_events() -> None:
    async with bench() as made:
        async with running(made, SALES):
            pass
        elsewhere = SALES | alone("steps: []\n" + TO_ERP, "operational")
        moved = {path: text for path, text in elsewhere.items() if path != "routes/posting.yaml"}
        async with running(made, moved):
            pass
        async with running(made, SALES | {"routes/posting.yaml": SALES["routes/posting.yaml"]}):
            made.lab.offer([sale("1")])
            await settle()
        assert made.lab.requests() == [{"reference": "1", "total": 10}]
        depths = await made.transport.depths()
        assert all(depth.ready == 0 for depth in depths.values())


@virtual
async def test_what_waits_for_a_removed_route_is_finished_on_its_last_plan() -> None:
    async with bench() as made:
        async with running(made, SALES) as engine:
            await settle()
            engine.routers["posting"].stop()
            made.lab.offer([sale("1")])
            await settle()
        assert (await made.transport.depths())[Address("route", "posting")].ready == 1
        gone = {"routes/ingest.yaml": SALES["routes/ingest.yaml"]}
        async with running(made, gone):
            await settle()
        assert (await made.transport.depths())[Address("route", "posting")].ready == 0
        assert made.lab.requests() == [{"reference": "1", "total": 10}]


@virtual
async def test_status_says_what_does_not_run() -> None:
    async with bench() as made, running(made, SALES) as engine:
        await settle()
        status = await engine.status()
        assert status.ready and set(status.routers) == {"ingest", "posting"}
        engine.routers["posting"].stop()
        await settle()
        status = await engine.status()
        assert not status.ready and "router/posting" in status.problems


@virtual
async def test_the_runtime_knows_no_backend_a_third_one_runs_the_same_day() -> None:
    async with bench() as made:
        made.transport, made.store = MemoryTransport(made.clock), MemoryStore()
        await made.transport.open()
        await made.store.open()
        async with running(made, SALES) as engine:
            made.lab.fail = [Transient("down")]
            made.lab.offer([sale("1"), sale("2"), sale("1")], "day.json")
            await settle(60)
            assert sorted(made.lab.requests(), key=str) == DAY
            posting = await figures_of(engine, "posting")
            assert (posting["received"], posting["applied"], posting["balanced"]) == (2, 2, True)
