"""Making again what somebody took away while the engine runs. In `verify` mode it is only told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from engine.backends.rabbitmq.declaring import Declarer
from engine.backends.rabbitmq.directory import Directory
from engine.ports.transport import Address

HEARD_OF = 0.5  # seconds within which every channel knows that a queue was deleted


class Mender:
    """`afresh` has the subscriptions of these addresses consume on new channels."""

    def __init__(
        self,
        declarer: Declarer,
        directory: Directory,
        afresh: Callable[[Collection[Address]], Awaitable[None]],
    ) -> None:
        self._declarer = declarer
        self._directory = directory
        self._afresh = afresh

    async def address(self, address: Address) -> None:
        """What belongs to an address. Raises SettingsError in `verify` mode, TransportBlocked.

        Not at once, and consumed on new channels: a channel that has not heard yet that its queue was deleted takes the
        new one of that name for it, and what is delivered on it never arrives (seen on 3.10).
        """
        routes = self._directory.routes.get(address.name, ()) if address.kind == "event" else ()
        addresses = [Address("route", route) for route in routes] or [address]
        await asyncio.sleep(HEARD_OF)
        self._declarer.forget(address)
        for one in addresses:
            await self._declarer.address(one, self._directory.types_of(one))
        await self._afresh(addresses)

    async def owner(self) -> None:
        """The queue that an only engine holds. Nothing else: who follows the directory must see that it is gone.

        Raises SettingsError in `verify` mode, TransportBlocked.
        """
        self._declarer.forget()
        await self._declarer.own_queue("owner")

    async def everything(self) -> None:
        """All that is known of: an exchange took its bindings with it, and a broker that died what it had not kept.

        Raises SettingsError in `verify` mode, TransportBlocked.
        """
        self._declarer.forget()
        await self._declarer.own()
        for address, delays in list(self._directory.tiers.items()):
            await self._declarer.address(address, self._directory.types_of(address))
            for delay in sorted(delays):
                await self._declarer.tier(address, delay)

    async def exchanges(self, why: str) -> None:
        """After a publish was refused: where an exchange is gone, all is made again. `why`: the broker's words."""
        if "NOT_FOUND" in why and self._declarer.mode == "manage":
            await self.everything()
