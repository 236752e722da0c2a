"""Publishing with a deadline: nobody waits for ever for a broker that takes nothing or says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from engine.backends.rabbitmq.dataplane import Answer, DataPlane, Outlet, Parcel, Sent, Unreachable, Wire
from engine.backends.rabbitmq.link import Link, Log
from engine.core.errors import TransportBlocked

LOOK = 0.25  # seconds between looks at a broker that does not answer


@dataclass(frozen=True)
class Patience:
    """Seconds: for a connection, for a blocked broker to take something, and between two confirms."""

    connect: float = 5.0
    blocked: float = 5.0
    confirm: float = 15.0


class Publisher:
    """The connection everything is published on, and its one channel.

    mend   called when the broker closed the channel, with its reason: an exchange that is gone may be made again
    """

    def __init__(
        self, plane: DataPlane, url: str, log: Log, patience: Patience, mend: Callable[[str], Awaitable[None]]
    ) -> None:
        self.link = Link(plane, url, "publish", log, self._on_up)
        self._patience = patience
        self._mend = mend
        self._log = log
        self._outlet: Outlet | None = None
        self._opening = asyncio.Lock()

    @property
    def blocked(self) -> bool:
        """The broker said that it takes nothing for now."""
        wire = self.link.wire
        return wire is not None and wire.blocked

    async def publish(self, parcels: Sequence[Parcel]) -> list[Answer]:
        """One answer each. Raises TransportBlocked when nothing was handed over."""
        wire = await self.link.ready(self._patience.connect)
        if wire.blocked:
            await self._unblocked(wire)
        outlet = await self._usable(wire)
        sent = outlet.send(parcels)
        if not sent.done.done():
            await self._answered(wire, sent)
        return sent.results()

    async def _answered(self, wire: Wire, sent: Sent) -> None:
        """Until everything is answered, or the broker has said nothing for too long."""
        waited, left = 0.0, sent.left
        while True:
            await asyncio.wait((sent.done,), timeout=LOOK)
            if sent.done.done():
                return
            waited = waited + LOOK if sent.left == left else 0.0
            left = sent.left
            if wire.blocked and waited >= self._patience.blocked:
                return
            if waited >= self._patience.confirm:
                self.link.reset(f"no confirm within {self._patience.confirm:g} s")
                return

    async def _unblocked(self, wire: Wire) -> None:
        waited = 0.0
        while wire.blocked:
            if waited >= self._patience.blocked:
                raise TransportBlocked("RabbitMQ takes nothing: it has run out of memory or disk")
            await asyncio.sleep(LOOK)
            waited += LOOK
        if wire.closed.done():
            raise Unreachable(self.link.problem or "the connection to RabbitMQ was lost")

    async def _usable(self, wire: Wire) -> Outlet:
        outlet = self._outlet
        if outlet is not None and not outlet.problem:
            return outlet
        async with self._opening:
            if self._outlet is None or self._outlet.problem:
                why = self._outlet.problem if self._outlet is not None else ""
                if wire.closed.done():
                    raise Unreachable(self.link.problem or why or "the connection to RabbitMQ was lost")
                self._log("RabbitMQ closed the channel that is published on", {"why": why})
                await self._mend(why)
                self._outlet = await wire.outlet()
            return self._outlet

    async def _on_up(self, wire: Wire) -> None:
        self._outlet = await wire.outlet()
