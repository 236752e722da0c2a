"""A Transport that connects only when it is needed: for commands that mostly look at the Store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.core.errors import SettingsError, StoreDown, TransportBlocked
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Subscription, Topology, Transport


class SeldomTransport:
    """See ports.transport.Transport. `open` opens nothing.

    make   the real one, not opened
    Depths that cannot be told are none, and `problems` says why; everything else raises what the real one raises.
    """

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._real: Transport | None = None
        self._problem = ""

    async def open(self) -> None:
        """Nothing is needed yet."""

    async def close(self) -> None:
        real, self._real = self._real, None
        if real is not None:
            await real.close()

    async def declare(self, topology: Topology) -> None:
        await (await self._opened()).declare(topology)

    async def unbind(self, type_name: str, route: str) -> None:
        await (await self._opened()).unbind(type_name, route)

    async def remove(self, queue: Address) -> bool:
        return await (await self._opened()).remove(queue)

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        return await (await self._opened()).publish(batch)

    async def subscribe(self, queue: Address, prefetch: int) -> Subscription:
        return await (await self._opened()).subscribe(queue, prefetch)

    async def depths(self) -> dict[Address, Depth]:
        try:
            found = await (await self._opened()).depths()
        except (SettingsError, StoreDown, TransportBlocked) as error:
            self._problem = str(error)
            return {}
        self._problem = ""
        return found

    def in_hand(self) -> dict[Address, int]:
        return self._real.in_hand() if self._real is not None else {}

    def problems(self) -> dict[str, str]:
        return {"transport": self._problem} if self._problem else {}

    async def _opened(self) -> Transport:
        if self._real is None:
            real = self._make()
            await real.open()
            self._real = real
        return self._real
