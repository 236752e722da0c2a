"""Whether the Store can be reached: a state of the whole engine, noticed with every operation and told once.

While it cannot, whoever needs it waits and asks again (see `handover.persist`): no attempt of anything counts, and what
is in hand stays there, so nothing more is taken in that would need it. Routes that need no Store go on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from engine.core.errors import StoreDown
from engine.ports.store import Op, Store
from engine.runtime.cell import Cell, Log

R = TypeVar("R")


class Reachable:
    """What the last operation said. `down` is why the Store cannot be reached, empty while it can."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.down = ""
        self.falls = 0

    def fell(self, error: StoreDown) -> None:
        """It could not be reached."""
        self.falls += 1
        if not self.down:
            self._log("the store is down; what needs it waits, no attempt counts", {"reason": str(error)})
        self.down = str(error) or "no reason is given"

    def answered(self, falls: int) -> None:
        """It did what it was asked when there had been so many falls: an answer to what was asked before the last one
        says nothing.
        """
        if self.down and falls == self.falls:
            self._log("the store is back; what waited goes on", {})
            self.down = ""


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
        falls = self._reachable.falls
        try:
            answer = await self._real.apply(op)
        except StoreDown as down:
            self._reachable.fell(down)
            raise
        self._reachable.answered(falls)
        return answer

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        falls = self._reachable.falls
        try:
            answers = await self._real.apply_all(*ops)
        except StoreDown as down:
            self._reachable.fell(down)
            raise
        self._reachable.answered(falls)
        return answers


def watching(cell: Cell, reachable: Reachable) -> Cell:
    """The cell with a Store that notices."""
    return replace(cell, store=WatchedStore(cell.store, reachable))
