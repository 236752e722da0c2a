"""Running sources: one process at a time, let go of in order, never further than what is durable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.core.errors import Failure, Fenced, Permanent, Transient
from engine.core.jsonx import encode
from engine.plugins.contracts import Arrival, Source, SourceContext
from engine.plugins.fields import Options
from engine.ports.store.leases import LeaseTake
from engine.runtime.engine import Engine
from engine.runtime.ingress.context import StoredContext, lease_name
from tests.runtime.lab import bench, running, sale, settle, virtual
from tests.runtime.routes import SALES


def polled(engine: Engine, pages: list[Any], again: float = 1000) -> type[Source]:
    """Makes the engine's source an exclusive one that reads pages and keeps a cursor."""

    class Polled(Source):
        exclusive = True

        class Config(Options):
            pass

        def __init__(self, config: Any, connection: Any, route: str) -> None:
            pass

        async def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
            while True:
                at = int(await ctx.cursor() or 0)
                for number in range(at, len(pages)):
                    yield self.page(ctx, number)
                await ctx.clock.sleep(again)

        def page(self, ctx: SourceContext, number: int) -> Arrival:
            async def ack(refused: int) -> None:
                await ctx.advance(str(number + 1))

            async def release(failure: Failure) -> None:
                ctx.log("given back", {"page": number})

            return Arrival(f"page-{number}", ack, release, encode(pages[number]))

    object.__setattr__(engine._registry.sources["lab"], "target", Polled)
    return Polled


@virtual
async def test_a_cursor_follows_what_is_durable_and_a_restart_goes_on_there() -> None:
    async with bench() as made:
        pages = [[sale("1")], [sale("2")]]
        for _ in range(2):
            engine = made.engine(SALES)
            polled(engine, pages)
            await engine.start()
            await settle(30)
            await engine.stop()
            pages.append([sale("3")])
        assert [request["reference"] for request in made.lab.requests()] == ["1", "2", "3"]


@virtual
async def test_a_cursor_never_passes_an_arrival_that_was_given_back() -> None:
    async with bench() as made:
        engine = made.engine(SALES)
        polled(engine, [[sale("1")], [sale("2")], [sale("3")]])
        real = engine.ingress.take_in

        async def failing(plan: Any, arrival: Arrival) -> Any:
            if arrival.name == "page-1":
                await asyncio.sleep(1)
                raise Permanent("broken", "this page cannot be taken in now")
            return await real(plan, arrival)

        engine.ingress.take_in = failing  # type: ignore[method-assign]
        await engine.start()
        await settle(30)
        await engine.stop()
        given_back = [facts["page"] for text, facts in made.lab.logged if text == "given back"]
        assert given_back == [1, 2]
        assert made.database._writer.execute("SELECT value FROM cursor").fetchall() == [("1",)]


@pytest.mark.parametrize("count", [1, 3, 100])
@virtual
async def test_what_was_given_back_is_taken_in_later_with_all_that_stood_behind_it(count: int) -> None:
    async with bench() as made:
        engine = made.engine(SALES)
        pages = [[sale(str(number))] for number in range(count)]
        polled(engine, pages, again=1)
        real, failures = engine.ingress.take_in, [Transient("away", "it cannot be taken in now")] * 3

        async def failing(plan: Any, arrival: Arrival) -> Any:
            if arrival.name == "page-0" and failures:
                await asyncio.sleep(1)
                raise failures.pop()
            return await real(plan, arrival)

        engine.ingress.take_in = failing  # type: ignore[method-assign]
        await engine.start()
        await settle(60)
        await engine.stop()
        assert sorted({int(request["reference"]) for request in made.lab.requests()}) == list(range(count))
        assert (str(count),) in made.database._writer.execute("SELECT value FROM cursor").fetchall()


@virtual
async def test_a_source_that_runs_elsewhere_waits_for_its_lease() -> None:
    async with bench() as made:
        await made.store.apply(LeaseTake(lease_name("ingest"), "another", made.clock.now(), 60.0))
        engine = made.engine(SALES)
        polled(engine, [[sale("1")]])
        await engine.start()
        await settle(10)
        assert made.lab.sent == [] and "another process" in (await engine.status()).problems["source/ingest"]
        await settle(120)
        assert len(made.lab.sent) == 1
        await engine.stop()


@virtual
async def test_a_process_that_lost_its_lease_cannot_move_the_cursor() -> None:
    async with bench() as made:
        context = StoredContext(made.cell(), "ingest", 1)
        await made.store.apply(LeaseTake(lease_name("ingest"), "first", made.clock.now(), 1.0))
        await settle(5)
        await made.store.apply(LeaseTake(lease_name("ingest"), "second", made.clock.now(), 60.0))
        with pytest.raises(Fenced):
            await context.advance("7")
        assert await context.cursor() == ""


@pytest.mark.parametrize(
    ("raised", "told"), [(OSError("no such folder"), "no such folder"), (SystemExit(), "source-left")]
)
@virtual
async def test_a_source_that_raises_is_told_and_started_again(raised: BaseException, told: str) -> None:
    async with bench() as made:
        engine = made.engine(SALES)
        polled(engine, [])

        async def broken(self: Any, ctx: Any) -> AsyncIterator[Arrival]:
            raise raised
            yield

        engine._registry.sources["lab"].target.arrivals = broken
        await engine.start()
        await settle(5)
        assert told in (await engine.status()).problems["source/ingest"]
        await engine.stop()


@virtual
async def test_many_arrivals_are_taken_in_at_the_same_time() -> None:
    async with bench() as made, running(made, SALES):
        for number in range(100):
            made.lab.offer([sale(str(number))], f"{number}.json")
        await settle(5)
        assert len(made.lab.acked) == 100 and len(made.lab.sent) == 100


def broken_by(problems: list[str], lasts: float = 0.0) -> Any:
    """Arrivals of a source that fails with the first problem of the list, and reads on when it is empty."""

    async def arrivals(self: Any, ctx: SourceContext) -> AsyncIterator[Arrival]:
        if problems:
            await ctx.clock.sleep(lasts)
            raise Permanent("away", problems[0])
        await asyncio.Event().wait()
        yield

    return arrivals


@pytest.mark.parametrize("lasts", [0.0, 3.0])
@virtual
async def test_a_source_that_fails_is_told_once_per_change_and_shown_all_the_time(lasts: float) -> None:
    async with bench() as made:
        engine = made.engine(SALES)
        polled(engine, [])
        problems = ["no right to read"]
        engine._registry.sources["lab"].target.arrivals = broken_by(problems, lasts)
        told: list[str] = []

        async def standing(expected: str) -> None:
            await settle(300)
            shown = (await engine.status()).problems.get("source/ingest", "")
            assert expected in shown and bool(shown) == bool(expected)
            lines = [(text, facts) for text, facts in made.lab.logged if text.startswith("a source ")]
            told[:] = [f"{facts['level']}: {text}: {facts['why']}" for text, facts in lines]

        await engine.start()
        await standing("no right to read")
        problems[:] = ["the folder is gone"]
        await standing("the folder is gone")
        problems.clear()
        await standing("")
        await engine.stop()
        assert told == [
            "warning: a source failed: away: no right to read",
            "warning: a source failed: away: the folder is gone",
            "info: a source is well again: away: the folder is gone",
        ]


@virtual
async def test_a_source_that_brings_something_and_fails_each_time_is_told_once() -> None:
    async with bench() as made:
        engine = made.engine(SALES)
        pages: Any = polled(engine, [[sale("1")]])

        async def half(self: Any, ctx: SourceContext) -> AsyncIterator[Arrival]:
            yield pages.page(self, ctx, 0)
            raise Permanent("away", "the second page is refused")

        engine._registry.sources["lab"].target.arrivals = half
        await engine.start()
        await settle(300)
        await engine.stop()
        assert [text for text, _ in made.lab.logged if text.startswith("a source ")] == ["a source failed"]
