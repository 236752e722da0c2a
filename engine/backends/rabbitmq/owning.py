"""One engine over a store that cannot be shared: it alone may work in the cell, also when its state folder was copied.

It holds `tf.q.owner` with an exclusive consumer, on the connection it consumes everything else on. Nothing is ever in
that queue. A queue that is made ahead can be held so by a user who may configure nothing, so it is the same in `verify`
mode. The broker lets go of it with the connection: after a restart of the broker, or of the engine, it is taken again.

It is a classic queue: a quorum queue takes several exclusive consumers side by side (seen on 3.10.8). In a cluster it
lives on one node, and while that is away such an engine waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from engine.backends.rabbitmq.dataplane import Delivered, Inlet, QueueMissing, Taken, Wire
from engine.backends.rabbitmq.link import Log
from engine.core.errors import SettingsError

LOOK = 0.5  # seconds between two tries to take it
NOTICED = 35.0  # seconds within which the broker notices that a host is gone: three heartbeats and a little


class SecondOwner(SettingsError):
    """Another engine works in this cell, and its store cannot be shared."""


class Owner:
    """What holds the queue. `take` for every new connection.

    make    makes the queue, where it was deleted
    lost    told why, when it is not held any more though the connection is there
    """

    def __init__(
        self,
        queue: str,
        make: Callable[[], Awaitable[None]],
        lost: Callable[[str], None],
        log: Log,
    ) -> None:
        self._queue = queue
        self._make = make
        self._lost = lost
        self._log = log
        self._held = False
        self._inlet: Inlet | None = None

    async def take(self, wire: Wire) -> None:
        """Hold it on this connection. Raises SecondOwner, Unreachable, SettingsError.

        The first time, the broker gets the time to notice that a former owner is gone; later on, whoever reconnects
        tries again anyway.
        """
        self._inlet = None
        tries = 0 if self._held else round(NOTICED / LOOK)
        for left in range(tries, -1, -1):
            try:
                self._inlet = await self._consume(wire)
            except Taken:
                if not left:
                    raise SecondOwner(_refusal(self._queue)) from None
                if left == tries:
                    why = "another engine holds the cell; if it has just died, the broker will notice"
                    self._log(why, {"queue": self._queue, "seconds": f"{NOTICED:g}"})
                await asyncio.sleep(LOOK)
            else:
                self._held = True
                return

    async def _consume(self, wire: Wire) -> Inlet:
        try:
            return await wire.inlet(self._queue, 1, self, exclusive=True)
        except QueueMissing:
            await self._make()
            return await wire.inlet(self._queue, 1, self, exclusive=True)

    def arrived(self, delivered: Delivered) -> None:
        """Somebody put something there: it stays unacked."""

    def ended(self, why: str) -> None:
        if self._inlet is not None:
            self._inlet = None
            self._lost(f"{self._queue} is not held any more: {why}")


def _refusal(queue: str) -> str:
    return (
        f"another engine works in this cell of RabbitMQ: it holds `{queue}`. Over a SQLite store there is one engine "
        "per cell, because each would know only what it posted itself, and a sale could be posted twice. Stop the other "
        "one; or give both --store postgresql://.., which several engines share; or give this one a vhost or a "
        "TILLFLOW_CELL of its own"
    )
