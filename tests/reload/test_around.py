"""What a change does not touch, and what a start finds."""

from __future__ import annotations

from engine.core.errors import Transient
from engine.ports.store.revisions import RevisionList
from engine.ports.transport import Address
from tests.reload.yard import Yard, on_both
from tests.runtime.lab import sale
from tests.runtime.routes import FROM_SALES, TO_ERP, route

TABLES = "tillflow: 1\ntables:\n  stores: {csv: ../mappings/tables/stores.csv, key: store}\n"
ROWS = "store,country\nA,DE\n"
ENRICHED = route(
    "posting",
    FROM_SALES
    + "steps:\n  - {id: place, enrich: {table: stores, key: store, into: place}}\n"
    + TO_ERP.replace("total: total", "total: total, extra: place.country"),
)


@on_both
async def test_a_new_row_of_a_table_restarts_nothing(yard: Yard) -> None:
    path = "mappings/tables/stores.csv"
    yard.files |= {"routes/posting.yaml": ENRICHED, "routes/tables.yaml": TABLES, path: ROWS}
    async with yard.running():
        await yard.sells("1")
        before, began = list(yard.subscribed), yard.clock.monotonic()
        yard.files[path] = ROWS + "B,FR\n"
        yard.made.table_files[path] = yard.files[path].encode()
        await yard.clock.sleep(0.6)
        yard.lab.offer([sale("2", "B")])
        await yard.until(lambda: len(yard.posted()) == 2)
        assert yard.clock.monotonic() - began < 2.0
        assert yard.lab.requests("post")[1]["extra"] == "FR"
        assert yard.subscribed == before
        assert len(await yard.made.store.apply(RevisionList())) == 1


@on_both
async def test_a_corrected_connection_heals_what_waits(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.lab.fail = [Transient("refused")]
        yard.lab.offer([sale("1")])
        await yard.until(lambda: yard.lab.tried == 1)
        yard.files["routes/connections.yaml"] = (
            "tillflow: 1\nconnections:\n  outside: {connector: lab, zone: eu, limits: {concurrency: 2}}\n"
        )
        await yard.saved(engine)
        await yard.until(lambda: yard.posted() == ["1"], within=60)
        (gate,) = engine.pool.gates()
        assert gate.planned is engine.plans.routeset.connections["outside"]


@on_both
async def test_unchanged_connections_keep_their_limits(yard: Yard) -> None:
    async with yard.running() as engine:
        await yard.sells("1")
        (gate,) = engine.pool.gates()
        yard.replace("routes/posting.yaml", "A route of a test", "Another summary")
        await yard.saved(engine)
        await yard.sells("2")
        assert engine.pool.gates() == [gate]


@on_both
async def test_what_a_route_that_is_gone_left_is_finished_by_the_next_start(yard: Yard) -> None:
    # given events in the queue of a route that goes, and an engine that stops before they are routed
    async with yard.running() as engine:
        await yard.sells("1")
        await engine._running.stop_router("posting", 5.0)
        yard.lab.offer([sale("2"), sale("3")])
        await yard.until(lambda: engine.sources["ingest"].taken == 3)
        await yard.clock.sleep(1.0)
        del yard.files["routes/posting.yaml"]
        await yard.saved(engine)
    # and another change later
    text = yard.files["routes/ingest.yaml"]
    yard.files["routes/ingest.yaml"] = text.replace("A route of a test", "Another summary")
    async with yard.running() as engine:
        await yard.until(lambda: sorted(yard.posted()) == ["1", "2", "3"])

        async def gone() -> bool:
            return Address("route", "posting") not in await yard.made.transport.depths()

        await yard.until(gone, within=60)
        assert await yard.made.items() == []


@on_both
async def test_a_route_that_comes_back_goes_on(yard: Yard) -> None:
    async with yard.running() as engine:
        await yard.sells("1")
        text = yard.files.pop("routes/posting.yaml")
        await yard.saved(engine)
        yard.files["routes/posting.yaml"] = text
        await yard.saved(engine)
        await yard.sells("2")
        await yard.clock.sleep(5.0)
        await yard.sells("3")
        assert yard.posted() == ["1", "2", "3"]
        assert (await engine.reload.standing())["retiring"] == []


@on_both
async def test_a_route_that_goes_is_never_without_its_plan(yard: Yard) -> None:
    """Deliveries of it come in all the while, also in the middle of the swap."""
    async with yard.running() as engine:
        follow, seen = engine.lanes.follow, []

        async def looked(names: set[str]) -> None:
            seen.append(engine.plans.current("posting"))
            await follow(names)

        engine.lanes.follow = looked  # type: ignore[assignment, method-assign]
        del yard.files["routes/posting.yaml"]
        await yard.saved(engine)
        assert [plan.route for plan in seen if plan is not None] == ["posting"]
