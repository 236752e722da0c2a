"""A duty: what one process does for all of its cell, under a lease. When it dies, another takes it over."""

from __future__ import annotations

import math

from engine.core.errors import StoreDown
from engine.ports.store.leases import LeaseDrop, LeaseTake
from engine.runtime.cell import Cell

LEASE = 15.0  # seconds; renewed three times as often


class Duty:
    """One duty as one process sees it. A process that has the cell for itself has every duty, without a lease.

    lease   seconds until another takes over from one that died
    """

    def __init__(self, cell: Cell, name: str, lease: float = LEASE) -> None:
        self._cell = cell
        self._name = f"duty/{name}"
        self._lease = lease
        self._renewed = -math.inf

    async def mine(self) -> bool:
        """Whether this process has it now; it is taken when nobody has. Raises StoreDown."""
        if not self._cell.shared:
            return True
        clock = self._cell.clock
        began = clock.monotonic()
        if began - self._renewed < self._lease / 3:
            return True
        take = LeaseTake(self._name, self._cell.worker, clock.now(), self._lease)
        token = await self._cell.store.apply(take)
        self._renewed = began if token else -math.inf
        return bool(token)

    async def drop(self) -> None:
        """Leave it to another."""
        if self._renewed == -math.inf:
            return
        self._renewed = -math.inf
        try:
            await self._cell.store.apply(LeaseDrop(self._name, self._cell.worker))
        except StoreDown:
            return  # it ends by itself
