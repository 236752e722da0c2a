"""A Store that takes no writes is down, however well it answers: it is told once, and `status` says so."""

from __future__ import annotations

from typing import Any

import pytest

from engine.cli.standing import headline
from engine.core.errors import StoreDown
from engine.ports.store import Op
from engine.ports.store.leases import LeaseTake
from engine.ports.store.steps import TimerNext
from engine.runtime.reachable import Reachable, WatchedStore
from tests.runtime.lab import Bench, bench, sale, virtual
from tests.runtime.routes import SALES

NEWS = ("the store is down; what needs it", "the store is back")  # retention has a line of its own
WRITE, READ = LeaseTake("a", "b", 0, 1.0), TimerNext()


class Disk:
    """A Store over another; while it is full only reads are answered, while it is gone nothing is."""

    def __init__(self, real: Any = None) -> None:
        self._real = real
        self.full = self.gone = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def apply(self, op: Op[Any]) -> Any:
        self._check(op)
        return await self._real.apply(op) if self._real is not None else None

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        self._check(*ops)
        return list(await self._real.apply_all(*ops)) if self._real is not None else []

    def _check(self, *ops: Op[Any]) -> None:
        if self.gone or (self.full and not all(op.reads for op in ops)):
            raise StoreDown("database or disk is full")


async def fails(store: WatchedStore, *ops: Op[Any]) -> None:
    with pytest.raises(StoreDown):
        await store.apply_all(*ops)


@virtual
async def test_only_a_write_shows_that_a_full_disk_has_room_again() -> None:
    said: list[str] = []
    disk, reachable = Disk(), Reachable(lambda text, facts: said.append(text))
    store = WatchedStore(disk, reachable)
    disk.full = True
    for _ in range(20):
        await fails(store, READ, WRITE)
        await store.apply(READ)
        await store.apply_all(READ, READ)
    assert reachable.down == "database or disk is full" and len(said) == 1

    disk.full = False
    await store.apply_all(READ, WRITE)
    assert not reachable.down and [text[:17] for text in said] == ["the store is down", "the store is back"]


@virtual
async def test_a_read_shows_that_what_could_not_be_read_is_back() -> None:
    disk, reachable = Disk(), Reachable(lambda text, facts: None)
    store = WatchedStore(disk, reachable)
    disk.gone = True
    await fails(store, READ)
    disk.gone = False
    await store.apply(READ)
    assert not reachable.down


async def on_disk(made: Bench) -> Disk:
    disk = made.store = Disk(made.store)
    return disk


@virtual
async def test_status_says_so_as_long_as_it_lasts_and_no_longer() -> None:
    async with bench() as made:
        disk = await on_disk(made)
        engine = made.engine(SALES)
        await engine.start()
        disk.full = True
        made.lab.offer([sale("1")])
        await made.clock.sleep(60.0)

        told = await engine.control.status()
        assert told["state"] == "store_down"
        assert {"part": "store", "why": "database or disk is full"} in told["problems"]
        assert headline({**told, "running": True, "revisions": None}).startswith("the store is down")
        assert sum(text.startswith(NEWS) for text, _ in made.lab.logged) == 1

        disk.full = False
        await made.clock.sleep(60.0)
        assert (await engine.control.status())["state"] == "running"
        assert [request["reference"] for request in made.lab.requests()] == ["1"]
        assert sum(text.startswith(NEWS) for text, _ in made.lab.logged) == 2
        await engine.stop()


@virtual
async def test_a_store_that_is_back_is_noticed_where_nobody_writes() -> None:
    async with bench() as made:
        disk = await on_disk(made)
        engine = made.engine(SALES)
        await engine.start()
        disk.full = True
        with pytest.raises(StoreDown):
            await engine.cell.store.apply(WRITE)  # somebody who does not try again
        await made.clock.sleep(60.0)
        assert engine.state == "store_down"

        disk.full = False
        await made.clock.sleep(60.0)
        assert engine.state == "running"
        await engine.stop()


def pages_of(made: Bench, more: int = 0) -> None:
    """The database holds so many pages more than now and is full then; 0: as many as it likes."""
    connection = made.database._writer
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + more if more else 1 << 30}")


@pytest.mark.parametrize("room", [2, 8])
@virtual
async def test_what_is_small_and_goes_through_does_not_show_that_a_full_disk_has_room(room: int) -> None:
    async with bench() as made:
        engine = made.engine(SALES)
        await engine.start()
        pages_of(made, room)
        for number in range(100):
            made.lab.offer([sale(str(number))])
            await made.clock.sleep(1.0)
        assert engine.state == "store_down"
        await engine.cell.store.apply(LeaseTake("small", "b", made.clock.now(), 1.0))
        await engine.cell.store.apply(LeaseTake("small", "b", made.clock.now(), 1.0))
        assert engine.state == "store_down"

        pages_of(made)
        await made.clock.sleep(60.0)
        assert engine.state == "running"
        told = [text[:18] for text, _ in made.lab.logged if text.startswith(NEWS)]
        assert told == ["the store is down;", "the store is back;"]
        before = len(made.lab.requests())
        made.lab.offer([sale("after")])
        await made.clock.sleep(60.0)
        assert len(made.lab.requests()) == before + 1
        await engine.stop()
