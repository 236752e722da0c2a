"""The lease of whoever carries a change out. It is short and renewed, so that it is free soon after its owner died.

Who loses it all the same, because it stood still for longer, does no harm: each step it writes down is refused when
somebody else has taken the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from engine.core.clock import Clock
from engine.core.errors import Permanent, StoreDown
from engine.ports.store.leases import LeaseDrop, LeaseTake
from engine.runtime.cell import Cell

NAME = "reload"
LEASE = 6.0  # seconds; renewed three times as often
PATIENCE = 90.0  # seconds that a change waits for the one before it
ASK_EVERY = 0.2
BUSY = "busy"  # why a change was not begun


class Leading:
    """One process as a leader, or as one that waits to be it."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Lead, once nobody else does. Raises StoreDown, Permanent `busy`."""
        async with self._turn:
            clock = self._cell.clock
            end = clock.monotonic() + PATIENCE
            while not await self._take():
                if clock.monotonic() >= end:
                    raise Permanent(BUSY, "another change is being carried out; try again in a moment")
                await clock.sleep(ASK_EVERY)
            async with self._held():
                yield

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[bool]:
        """Lead if nobody else does, here or elsewhere; the answer says so. Raises StoreDown."""
        if self._turn.locked():
            yield False
            return
        async with self._turn:
            if not await self._take():
                yield False
                return
            async with self._held():
                yield True

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        try:
            async with renewed(self._cell.clock, LEASE / 3, self._take):
                yield
        finally:
            with suppress(StoreDown):  # it ends by itself
                await self._cell.store.apply(LeaseDrop(NAME, self._cell.worker))

    async def _take(self) -> bool:
        take = LeaseTake(NAME, self._cell.worker, self._cell.clock.now(), LEASE)
        token = await self._cell.store.apply(take)
        return bool(token)


@asynccontextmanager
async def renewed(clock: Clock, every: float, renew: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    """Renew something again and again for as long as the block takes."""

    async def again() -> None:
        while True:
            await clock.sleep(every)
            with suppress(StoreDown):  # a lease that is lost by it is noticed where it fences
                await renew()

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
