"""Whether the Store can be reached: a state of the whole engine, noticed with every operation and told once.

While it cannot, whoever needs it waits and asks again (see `handover.persist`): no attempt of anything counts, and what
is in hand stays there, so nothing more is taken in that would need it. Routes that need no Store go on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

from engine.core.errors import StoreDown, StoreFull
from engine.ports.store import Op, Store
from engine.ports.store.leases import CursorSet, LeaseTake
from engine.runtime.cell import Cell, Log

R = TypeVar("R")
QUIET = 15.0  # seconds; whoever waits for the Store tries again sooner, see `handover`
ROOM = 1 << 20  # bytes that a Store which was full takes before it counts as back: a group of events needs less


class Reachable:
    """What the last operations said. `down` is why the Store cannot be reached, empty while it can.

    A full disk can be read: once a write failed, only a write shows that the Store is back. It also takes what is small
    or finds a place in what is there, so once there was no room only one that needs room shows it.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.down = ""
        self.falls = 0
        self._unwritten = False  # a write failed, and none was done since
        self._full = False  # there was no room, and nothing showed since that there is
        self._fallen = asyncio.Event()  # set while it is down

    def fell(self, error: StoreDown, *, writes: bool) -> None:
        """It could not be reached."""
        self.falls += 1
        self._unwritten |= writes
        self._full |= isinstance(error, StoreFull)
        self._fallen.set()
        if not self.down:
            self._log("the store is down; what needs it waits, no attempt counts", {"reason": str(error)})
        self.down = str(error) or "no reason is given"

    def answered(self, falls: int, *, writes: bool) -> None:
        """It did what it was asked when there had been so many falls: an answer to what was asked before the last one
        says nothing.
        """
        if self.down and falls == self.falls and not self._full and (writes or not self._unwritten):
            self._log("the store is back; what waited goes on", {})
            self.down, self._unwritten = "", False
            self._fallen.clear()

    async def ask(self, cell: Cell) -> None:
        """Until cancelled: write something where nobody else tries to, so that a Store that is back is noticed."""
        while True:
            await self._fallen.wait()
            falls = self.falls
            await cell.clock.sleep(QUIET)
            with suppress(StoreDown):  # noticed by the store itself
                if self._full:
                    await self._fill(cell)
                elif self.down and falls == self.falls:
                    await cell.store.apply(LeaseTake("probe/store", cell.worker, cell.clock.now(), QUIET))

    async def _fill(self, cell: Cell) -> None:
        """Write what needs room, and give the room back. Text that nothing can press together. Raises StoreDown."""
        falls, name = self.falls, f"probe/room/{cell.worker}"
        await cell.store.apply(CursorSet(name, secrets.token_hex(ROOM // 2), 0))
        self._full = falls != self.falls
        await cell.store.apply(CursorSet(name, "", 0))


class WatchedStore:
    """A Store that notices. See ports.store.Store."""

    def __init__(self, real: Store, reachable: Reachable) -> None:
        self._real = real
        self._reachable = reachable

    async def open(self) -> None:
        await self._real.open()

    async def close(self) -> None:
        await self._real.close()

    async def apply(self, op: Op[R]) -> R:
        with self._noticing(op):
            return await self._real.apply(op)

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        with self._noticing(*ops):
            return await self._real.apply_all(*ops)

    @contextmanager
    def _noticing(self, *ops: Op[Any]) -> Iterator[None]:
        falls, writes = self._reachable.falls, not all(op.reads for op in ops)
        try:
            yield
        except StoreDown as down:
            self._reachable.fell(down, writes=writes)
            raise
        self._reachable.answered(falls, writes=writes)


def watching(cell: Cell, reachable: Reachable) -> Cell:
    """The cell with a Store that notices."""
    return replace(cell, store=WatchedStore(cell.store, reachable))
