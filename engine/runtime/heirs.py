"""What a process does for another of its host that was killed: gives its sources up, so that they run elsewhere at once.

The parent holds no store. Those that live look themselves, and hold the place of the dead one meanwhile, so that its next
life does not begin before its leases are free. Those of a host that is gone as a whole run out.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from engine.core.errors import StoreDown
from engine.ports.store.leases import LeaseDrop
from engine.runtime.cell import Cell
from engine.runtime.ingress.context import lease_name
from engine.runtime.plans import Plans

EVERY = 1.0  # seconds between looks
WITHIN = 1.0  # seconds the place of a dead one is held at most: its next life waits for it a little longer


class Heirs:
    """`run` until cancelled."""

    def __init__(self, cell: Cell, plans: Plans) -> None:
        self._cell = cell
        self._plans = plans

    async def run(self) -> None:
        """Look again and again, where there are others on this host."""
        while self._cell.beside:
            with suppress(StoreDown, TimeoutError):  # tried again at the next look
                await self.look()
            await self._cell.clock.sleep(EVERY)

    async def look(self) -> None:
        """Once. Raises StoreDown, TimeoutError."""
        with self._cell.killed() as names:
            leases = [lease_name(plan.route) for plan in self._plans.all() if plan.source.use] if names else []
            drops = [LeaseDrop(lease, name) for name in names for lease in leases]
            if drops:
                async with asyncio.timeout(WITHIN):
                    await self._cell.store.apply_all(*drops)
        for name in names:
            self._cell.log("a process of this host was killed; its sources may run elsewhere", {"killed": name})
