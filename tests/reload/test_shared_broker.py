"""Two processes on one RabbitMQ: a route goes and comes back under both, events flow all the while."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.ports.store.revisions import RevisionList
from engine.ports.transport import Address
from engine.runtime.cell import Cell
from engine.runtime.engine import Engine
from engine.runtime.reload.staging import Problem
from engine.runtime.reload.wanted import Wanted
from tests.backends.test_rabbitmq_runtime import RabbitBench, until
from tests.rabbitmq_broker import broker, fresh_names, transport
from tests.reload.test_stories import REFUND
from tests.runtime.lab import project, sale
from tests.runtime.routes import SALES

pytestmark = [pytest.mark.anyio, pytest.mark.services]
MORE = {**SALES, "routes/refund.yaml": REFUND}


class Mates(RabbitBench):
    """As RabbitBench; each engine has its own way to the broker."""

    worker = ""

    def cell(self) -> Cell:
        return replace(super().cell(), worker=self.worker, shared=True)


@asynccontextmanager
async def two(folder: Path, files: Mapping[str, str]) -> AsyncIterator[tuple[Mates, Engine, Engine]]:
    broker()
    names = fresh_names()
    made = Mates(names, folder)
    await made.store.open()
    engines, transports = [], []
    for worker in ("a", "b"):
        made.worker, made.transport = worker, transport(names, made.clock)
        await made.transport.open()
        transports.append(made.transport)
        engines.append(made.engine(files))
        await engines[-1].start()
    try:
        yield made, engines[0], engines[1]
    finally:
        for engine in engines:
            await engine.stop()
        for one in transports:
            await one.close()
        await made.store.close()


async def test_a_route_goes_and_comes_back_under_two_processes(tmp_path: Path) -> None:
    async with two(tmp_path, MORE) as (made, a, b):

        async def apply(engine: Engine, files: Mapping[str, str]) -> None:
            answer = await engine.reload.apply(Wanted.of(made.compiled(project(files))), "ana", "a change")
            assert (answer["state"], answer["behind"]) == ("active", [])
            assert a.plans.revision == b.plans.revision == answer["revision"]

        async def sells(*receipts: str, notes: bool) -> None:
            made.lab.offer([sale(receipt) for receipt in receipts])

            async def done() -> bool:
                posted = {request["reference"] for request in made.lab.requests("post")}
                noted = {request["reference"] for request in made.lab.requests("note")}
                return set(receipts) <= posted and (not notes or set(receipts) <= noted)

            await until(done)

        await sells("1", "2", notes=True)
        await apply(a, SALES)
        await sells("3", "4", notes=False)

        async def gone() -> bool:
            there = Address("route", "refund") in await made.transport.depths()
            return not there and "refund" not in a.routers and "refund" not in b.routers

        await until(gone, 40.0)

        async def well() -> bool:
            return not a.problems() and not b.problems()

        await until(well)
        await apply(b, MORE)
        await sells("5", "6", notes=True)
        assert await made.items() == []
        for action in ("post", "note"):
            references = [request["reference"] for request in made.lab.requests(action)]
            assert len(references) == len(set(references))
        assert a.routers["refund"].consuming and b.routers["refund"].consuming


async def test_one_process_cannot_stage_and_nobody_swaps(tmp_path: Path) -> None:
    async with two(tmp_path, SALES) as (made, a, b):
        before = a.plans.revision

        async def problems(*_: Any) -> list[Problem]:
            return [Problem("connection outside: no way from here", passes=False)]

        b.reload._member._staging.problems = problems  # type: ignore[method-assign]
        answer = await a.reload.apply(Wanted.of(made.compiled(project(MORE))), "ana", "refunds")
        assert answer["state"] == "rejected"
        assert answer["problems"] == [{"worker": "b", "why": "connection outside: no way from here"}]
        assert a.plans.revision == b.plans.revision == before
        assert "refund" not in a.routers and "refund" not in b.routers
        assert [one.state for one in await made.store.apply(RevisionList())] == ["rejected", "active"]
        made.lab.offer([sale("1")])

        async def posted() -> bool:
            return len(made.lab.requests("post")) == 1

        await until(posted)
        assert made.lab.requests("note") == []
