"""Deleting a queue that is empty. A quorum queue knows no `if-empty`, and nobody is told what is in another hand.

So: what waits in its tiers counts, then it is cut off from its exchanges and our own consumers are paused, and only
when it is still empty and nobody at all consumes it, it is deleted. Its tiers stay: one that could not hand something
on at once does not count that any more, and it must not be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from engine.backends.rabbitmq import layout
from engine.backends.rabbitmq.control import Control, Missing
from engine.backends.rabbitmq.names import Names
from engine.backends.rabbitmq.subscription import RabbitSubscription
from engine.ports.transport import Address

ON_ITS_WAY = 0.25  # seconds for what just left a tier to arrive


class Remover:
    """Removes one queue. `delays` and `types` are what it has tiers for and is bound to."""

    def __init__(
        self, control: Control, names: Names, address: Address, delays: Iterable[int], types: Sequence[str]
    ) -> None:
        self._control = control
        self._queue = layout.queue(names, address, types)
        self._tiers = [names.tier(address, delay) for delay in delays]

    async def remove(self, mine: Sequence[RabbitSubscription]) -> bool:
        """False when something is in it, or somebody else consumes it."""
        if any(one.unacked or one.waiting for one in mine) or not await self._empty(self._tiers):
            return False
        if self._tiers:
            await asyncio.sleep(ON_ITS_WAY)
        if not await self._empty([self._queue.name]):
            return False
        await self._cut_off()
        for one in mine:
            await one.pause()
        if await self._idle() and not any(one.unacked or one.waiting for one in mine):
            await self._control.delete(self._queue.name)
            return True
        for exchange, key in self._queue.binds:
            await self._control.bind(self._queue.name, exchange, key)
        for one in mine:
            one.resume()
        return False

    async def _empty(self, queues: Iterable[str]) -> bool:
        for queue in queues:
            try:
                if (await self._control.counts(queue)).ready:
                    return False
            except Missing:
                continue  # nothing waits in a queue that is gone
        return True

    async def _cut_off(self) -> None:
        for exchange, key in self._queue.binds:
            try:
                await self._control.unbind(self._queue.name, exchange, key)
            except Missing:
                return

    async def _idle(self) -> bool:
        try:
            counts = await self._control.counts(self._queue.name)
        except Missing:
            return True
        return counts.ready == 0 and counts.consumers == 0
