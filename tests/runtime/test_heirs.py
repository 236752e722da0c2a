"""A source that one process may run at a time, when that process is killed: who runs it then, how soon, and what the dead
one still writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.core.errors import Fenced, StoreDown
from engine.ports.store.leases import CursorGet, LeaseDrop, LeaseTake
from engine.runtime.engine import Engine
from engine.runtime.heirs import Heirs
from engine.runtime.ingress import turn
from engine.runtime.ingress.context import StoredContext, lease_name
from engine.runtime.ingress.turn import Turn
from tests.runtime.cellmates import Cellmates, cellmates
from tests.runtime.lab import bench, sale, settle, virtual
from tests.runtime.routes import SALES
from tests.runtime.test_sources import polled

SOURCE = lease_name("ingest")
SOON = 4.0  # seconds: a look at the dead, and a look at the lease


async def two(mates: Cellmates) -> tuple[Engine, Engine]:
    """The first one runs the source."""
    a = await mates.start("a", SALES)
    polled(a, [[sale("1")]])
    await settle()
    b = await mates.start("b", SALES)
    polled(b, [[sale("1")], [sale("2")]])
    await settle()
    assert (a.sources["ingest"].leads, b.sources["ingest"].leads) == (True, False)
    return a, b


@virtual
async def test_the_source_of_a_killed_process_runs_on_this_host_at_once() -> None:
    async with cellmates() as mates:
        mates.one_host = True
        a, b = await two(mates)
        await mates.kill(a)
        await settle(SOON)
        assert b.sources["ingest"].leads and len(mates.lab.requests("post")) == 2
        assert [facts["killed"] for text, facts in mates.lab.logged if "was killed" in text] == ["a"]
        # and what the dead one had on its way is refused
        with pytest.raises(Fenced):
            await StoredContext(mates.cell(), "ingest", 1).advance("0")
        assert await mates.store.apply(CursorGet(SOURCE)) == "2"


@virtual
async def test_the_sources_of_a_host_that_is_gone_run_out_and_then_run_elsewhere() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        await mates.kill(a)
        await settle(turn.LEASE / 3)
        assert not b.sources["ingest"].leads, "it may only stand still"
        await settle(turn.LEASE)
        assert b.sources["ingest"].leads
        with pytest.raises(Fenced):
            await StoredContext(mates.cell(), "ingest", 1).advance("0")


@virtual
async def test_while_the_store_is_down_nothing_is_given_up_and_then_it_is() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        asked: list[str] = []

        @contextmanager
        def killed() -> Iterator[list[str]]:
            asked.append("a")
            yield ["a"]

        await mates.kill(a)
        object.__setattr__(b.cell, "killed", killed)
        heirs = Heirs(b.cell, b.plans)
        mates.unplug()
        with pytest.raises(StoreDown):
            await heirs.look()
        mates.plug_in()
        await heirs.look()
        await settle(SOON)
        assert b.sources["ingest"].leads and len(asked) == 2


@virtual
async def test_the_next_life_under_a_name_has_a_new_token() -> None:
    async with bench() as made:
        cell = made.cell()
        assert await Turn(cell, "ingest").take() == 1
        before = StoredContext(cell, "ingest", 1)
        assert await Turn(cell, "ingest").take() == 2
        with pytest.raises(Fenced):
            await before.advance("7")


@virtual
async def test_a_lease_that_another_had_for_a_moment_is_over() -> None:
    async with bench() as made:
        cell, told = made.cell(), list[str]()
        mine = Turn(cell, "ingest")
        await mine.take()
        await made.store.apply_all(LeaseDrop(SOURCE, cell.worker), LeaseTake(SOURCE, "other", cell.clock.now(), 1.0))
        await made.store.apply(LeaseDrop(SOURCE, "other"))
        await mine.keep(lambda: told.append("over"))
        assert told == ["over"]
