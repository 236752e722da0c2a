"""Several processes of one cell: shared limits and breakers, duties and sources of one that another takes over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from engine.core.errors import Transient
from engine.ports.store.workers import WorkersSince
from engine.runtime.delivery.limits import Gate
from engine.runtime.engine import Engine
from engine.runtime.watch import Watch
from tests.runtime.cellmates import Cellmates, cellmates
from tests.runtime.deaths import note_death
from tests.runtime.lab import CONNECTIONS, sale, settle, virtual
from tests.runtime.routes import SALES, posting
from tests.runtime.test_cuts import grouped
from tests.runtime.test_sources import polled


def limited(limits: str) -> dict[str, str]:
    """Sales to a system with these limits."""
    return SALES | {"routes/connections.yaml": CONNECTIONS.replace("zone: eu", f"zone: eu, limits: {{{limits}}}")}


def gate(engine: Engine) -> Gate:
    planned = engine.plans.connection("outside")
    assert planned is not None
    return engine.pool.gate(planned)


def parts(total: int, *engines: Engine) -> list[int]:
    return [engine.pool.share.part(total) for engine in engines]


async def two(made: Cellmates, files: dict[str, str]) -> tuple[Engine, Engine]:
    """Two engines that know each other."""
    engines = await made.start("a", files), await made.start("b", files)
    await settle(6)
    return engines


async def posted(made: Cellmates, count: int, within: float) -> list[str]:
    """References of what was sent, when there are so many."""
    async with asyncio.timeout(within):
        while len(made.lab.sent) < count:  # noqa: ASYNC110 - what is sent tells nobody
            await asyncio.sleep(0.1)
    await settle(5)
    return sorted(request["reference"] for request in made.lab.requests())


# --- limits -----------------------------------------------------------------------------------------------------------


@virtual
async def test_limits_are_divided_among_the_live_and_never_exceeded_while_one_joins() -> None:
    async with cellmates() as made:
        a = await made.start("a", SALES)
        assert parts(5, a) == [5]

        b = await made.start("b", SALES)
        seen = []
        for _ in range(60):
            seen.append(sum(parts(5, a, b)))
            await asyncio.sleep(0.1)

        assert max(seen) == 5
        assert parts(5, a, b) == [3, 2] and parts(1, a, b) == [1, 0]

        await b.stop()
        await settle(3)
        assert parts(5, a) == [5]


@virtual
async def test_one_that_died_is_counted_out() -> None:
    async with cellmates() as made:
        a, b = await two(made, SALES)
        await made.kill(b)
        assert parts(4, a) == [2]
        await settle(15)
        assert parts(4, a) == [4]
        live = await made.store.apply(WorkersSince(a.cell.clock.now() - 10_000_000))
        assert [row.name for row in live] == ["a"]


@virtual
async def test_one_that_was_frozen_has_no_part_until_the_others_made_room_again() -> None:
    async with cellmates() as made:
        a, b = await two(made, SALES)
        beating = b._supervisor._parts["heartbeat"].task
        assert beating is not None
        beating.cancel()
        await settle(15)
        assert parts(4, a, b) == [4, 0]

        b._supervisor.start("heartbeat", b._heartbeat.run)
        seen = []
        for _ in range(80):
            await asyncio.sleep(0.1)
            seen.append(sum(parts(4, a, b)))
        assert max(seen) == 4
        assert parts(4, a, b) == [2, 2]


@virtual
async def test_what_a_connection_allows_at_once_holds_for_all_processes_together() -> None:
    async with cellmates() as made:
        await two(made, limited("concurrency: 1"))
        made.lab.takes = 1.0
        made.lab.offer([sale(str(n)) for n in range(20)])
        assert await posted(made, 20, within=120) == sorted(str(n) for n in range(20))
        assert made.lab.most_busy == 1


@virtual
async def test_a_rate_holds_for_all_processes_together() -> None:
    async with cellmates() as made:
        engines = await two(made, limited("rate: 10/1s"))
        moments: list[float] = []
        clock = engines[0].cell.clock

        async def send(engine: Engine) -> None:
            limits = gate(engine)
            for _ in range(50):
                async with limits.turn():
                    moments.append(clock.monotonic())

        await asyncio.gather(*map(send, engines))
        moments.sort()
        assert min(later - first for first, later in zip(moments, moments[10:], strict=False)) >= 1.0 - 1e-6


# --- breakers ---------------------------------------------------------------------------------------------------------

BREAKING = "concurrency: 4, breaker: {failures: 3, within: 60s, probe_every: 10s}"
RETRY = "retry: {give_up_after: 24h, backoff: {first: 1s, factor: 2, max: 1m}}\n"


@virtual
async def test_a_system_that_fails_is_left_alone_by_all_and_one_of_them_probes() -> None:
    files = limited(BREAKING)
    files["routes/posting.yaml"] += RETRY
    async with cellmates() as made:
        a, b = await two(made, files)
        made.lab.fail = [Transient("down") for _ in range(1000)]
        made.lab.offer([sale(str(n)) for n in range(30)])
        await settle(30)
        assert gate(a).breaker.open and gate(b).breaker.open
        tried = made.lab.tried

        await settle(100)
        assert 8 <= made.lab.tried - tried <= 11, "one probe every ten seconds, by one process"

        made.lab.fail = []
        assert await posted(made, 30, within=600) == sorted(str(n) for n in range(30))
        assert not gate(a).breaker.open and not gate(b).breaker.open


@virtual
async def test_when_the_one_that_probes_dies_another_probes() -> None:
    async with cellmates() as made:
        a, b = await two(made, limited(BREAKING))
        made.lab.fail = [Transient("down") for _ in range(1000)]
        made.lab.offer([sale(str(n)) for n in range(10)])
        await settle(20)
        assert gate(b).breaker.open
        await made.kill(a)
        made.lab.fail = []
        assert await posted(made, 10, within=600) == sorted(str(n) for n in range(10))


# --- what one does for all --------------------------------------------------------------------------------------------


@virtual
async def test_a_group_closes_in_time_though_the_one_that_looked_after_timers_died() -> None:
    async with cellmates() as made:
        a, _ = await two(made, posting(grouped("{within: 1h}")))
        made.lab.offer([sale("1"), sale("2")])
        await settle(1800)
        await made.kill(a)
        await settle(1900)
        assert made.lab.requests() == [{"reference": "1", "total": 20}]


@virtual
async def test_a_group_is_full_at_its_size_whoever_its_members_come_through() -> None:
    async with cellmates() as made:
        await two(made, posting(grouped("{within: 1h, count: 4}")))
        made.lab.offer([sale(str(n), total=1) for n in range(400)])
        await settle(60)
        assert [request["total"] for request in made.lab.requests()] == [4] * 100


@virtual
async def test_a_source_of_one_is_taken_over_with_its_cursor() -> None:
    async with cellmates() as made:
        pages: list[Any] = [[sale("1")], [sale("2")]]
        a = await made.start("a", SALES)
        polled(a, pages)
        b = await made.start("b", SALES)
        await settle(10)
        leads = [engine.sources["ingest"].leads for engine in (a, b)]
        assert sorted(leads) == [False, True] and a.problems() == {} and b.problems() == {}

        await made.kill(a if leads[0] else b)
        pages.append([sale("3")])
        await settle(60)

        assert (b if leads[0] else a).sources["ingest"].leads
        assert [request["reference"] for request in made.lab.requests()] == ["1", "2", "3"]


# --- the store is down --------------------------------------------------------------------------------------------------


@virtual
async def test_while_the_store_is_down_nothing_is_tried_and_afterwards_everything_is_done_once() -> None:
    async with cellmates() as made:
        a, b = await two(made, SALES)
        made.unplug()
        made.lab.offer([sale(str(n)) for n in range(20)])
        await settle(3)

        status, told = await a.status(), await a.control.status()
        assert status.state == "store_down" and not status.ready and "store" in status.problems
        assert told["state"] == "store_down" and told["figures"] == [] and told["workers"] == []
        assert [problem["part"] for problem in told["problems"]] == ["store"]
        await settle(60)
        assert made.lab.sent == []
        down = [text for text, _ in made.lab.logged if text.startswith("the store is down; what needs it")]
        assert len(down) == 2, "each process says so once"

        made.plug_in()
        await settle(60)
        assert (await a.status()).ready and (await b.status()).ready
        assert sorted(request["reference"] for request in made.lab.requests()) == sorted(str(n) for n in range(20))
        assert await made.items() == []
        effects = (await a.control.trace("7", "receipt"))["effects"]
        assert [(effect["state"], effect["attempt"]) for effect in effects] == [("applied", 1)]


@virtual
async def test_while_the_store_is_down_routes_that_need_none_go_on() -> None:
    files = {path: text.replace("financial", "operational") for path, text in SALES.items()}
    async with cellmates() as made:
        engines = await two(made, files)
        made.unplug()
        made.lab.offer([sale(str(n)) for n in range(20)])
        await settle(3)
        routed = [sum(engine.routers[route].handled for engine in engines) for route in ("ingest", "posting")]
        assert routed == [20, 20] and made.lab.acked == [("f.json", 0)] and made.lab.sent == []

        made.plug_in()
        assert await posted(made, 20, within=60) == sorted(str(n) for n in range(20))


# --- deaths -----------------------------------------------------------------------------------------------------------


@virtual
async def test_what_killed_a_process_on_one_host_is_known_on_the_others(tmp_path: Path) -> None:
    """As if each had a parent of its own."""
    async with cellmates() as made:
        a, b = await two(made, SALES)
        died, watch = Watch(tmp_path), b.shared.watch
        a._heartbeat._watch = died
        with died.executing([("suspect", 1)]):
            note_death(tmp_path)
        with died.executing([("poison", 2)], alone=True):
            note_death(tmp_path)

        assert not watch.suspect("suspect")
        await settle(6)

        assert watch.suspect("suspect") and watch.poison("poison", 2)
        assert not watch.suspect("another") and not watch.poison("poison", 3)
        assert watch.pause > 0, "time for such news"
        died.close()
