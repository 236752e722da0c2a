"""The lease of a source that only one process may run at a time: taken, renewed, dropped.

Where a process was killed another of its host gives its leases up at once (see `heirs`), and its own next life takes
them with a new token. Where a whole host is gone nobody can tell that from one that stands still: its leases run out.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.core.errors import StoreDown
from engine.ports.store.leases import LeaseDrop, LeaseTake
from engine.runtime.cell import Cell
from engine.runtime.ingress.context import lease_name

LEASE = 15.0  # seconds; renewed three times as often


class Turn:
    """Whose turn it is to run the source of a route. `held`: it is this process."""

    def __init__(self, cell: Cell, route: str) -> None:
        self._cell = cell
        self._name = lease_name(route)
        self.held = False
        self._token = 0
        self._since = 0.0  # when it was taken or renewed, by the monotonic clock

    @property
    def lapsed(self) -> bool:
        """It was ours and is too old: as after a long stop of this process, before that is noticed by renewing it."""
        return self.held and self._cell.clock.monotonic() - self._since > LEASE

    async def take(self) -> int:
        """The token of the lease, 0 while another process has it. Raises StoreDown.

        It is a new one each time: what an earlier life under this name still has on its way is refused.
        """
        began = self._cell.clock.monotonic()
        _, token = await self._cell.store.apply_all(LeaseDrop(self._name, self._cell.worker), self._lease())
        self._token = int(token)
        self.held = self._token > 0
        self._since = began if self.held else 0.0
        return self._token

    async def drop(self) -> None:
        """Another process may have it at once."""
        self.held = False
        try:
            await self._cell.store.apply(LeaseDrop(self._name, self._cell.worker))
        except StoreDown:
            return  # it ends by itself

    async def keep(self, over: Callable[[], None]) -> None:
        """Renew it until cancelled, or until it is over and told so: another has it, or had it for a moment. A Store
        away for a moment does not end it.
        """
        clock = self._cell.clock
        while True:
            await clock.sleep(LEASE / 3)
            began = clock.monotonic()
            try:
                token = await self._cell.store.apply(self._lease())
            except StoreDown:
                token = -1
            if token == self._token:
                self._since = began
            if token not in (self._token, -1) or self.lapsed:
                over()
                return

    def _lease(self) -> LeaseTake:
        return LeaseTake(self._name, self._cell.worker, self._cell.clock.now(), LEASE)
