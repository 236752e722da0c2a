"""Making queues, exchanges and bindings exist, or seeing that they do.

manage   the engine declares what it needs; something that exists with other arguments is explained, never changed
verify   the engine's user may configure nothing: what is missing is told, with the command that makes it
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from engine.backends.rabbitmq import layout
from engine.backends.rabbitmq.control import Control, Forbidden, Missing
from engine.backends.rabbitmq.layout import Exchange, Queue
from engine.backends.rabbitmq.names import Names, milliseconds
from engine.ports.transport import Address

Mode = Literal["manage", "verify"]
COMMAND = "run `tillflow topology apply` as a user who may configure (`tillflow topology plan` shows what it makes)"
DOWN = (
    "a broker that has just started needs a moment for that. If it stays so, delete the queue with `rabbitmqctl "
    "delete_queue`: it is made again, without what lay in it"
)


class Declarer:
    """What exists as far as this process knows; `forget` makes it look again.

    tiers       delays in seconds that have a queue in `verify` mode; in `manage` mode a tier is made when it is used
    unchecked   bindings that this user may neither make nor see
    """

    def __init__(self, control: Control, names: Names, mode: Mode, tiers: Sequence[float]) -> None:
        self.mode = mode
        self.unchecked: set[str] = set()
        self._control = control
        self._names = names
        self._delays = sorted(milliseconds(delay) for delay in tiers)
        self._there: set[str] = set()
        self._absent: set[str] = set()  # tiers that an operator made none of

    async def own(self) -> None:
        """Exchanges and queues of the transport itself. Raises SettingsError, TransportBlocked."""
        for exchange in layout.exchanges(self._names):
            await self._exchange(exchange)
        for queue in layout.own_queues(self._names):
            await self._queue(queue)

    async def own_queue(self, what: str) -> None:
        """One queue of the transport itself. Raises SettingsError, TransportBlocked."""
        await self._queue(layout.own_queue(self._names, what))

    async def missing_exchange(self) -> str:
        """The name of one that is gone, empty when all are there: with it went its bindings."""
        for exchange in layout.exchanges(self._names):
            try:
                await self._control.exchange(exchange, passive=True)
            except Missing:
                return exchange.name
        return ""

    async def address(self, address: Address, types: Iterable[str] = ()) -> None:
        """The queue of an address, bound to these event types too. Raises SettingsError, TransportBlocked."""
        await self._queue(layout.queue(self._names, address, types))

    async def tier(self, address: Address, delay: int) -> int:
        """A queue that holds something for `delay` milliseconds; 0 = there is none.

        In `verify` mode the next longer one that exists, or the longest. Raises SettingsError, TransportBlocked.
        """
        if self.mode == "manage":
            await self._queue(layout.tier(self._names, address, delay))
            return delay
        longer = [known for known in self._delays if known >= delay]
        for known in [*longer, *reversed(self._delays)]:
            queue = layout.tier(self._names, address, known)
            if queue.name in self._absent:
                continue
            try:
                await self._queue(queue)
            except Missing:
                self._absent.add(queue.name)
                continue
            return known
        return 0

    def forget(self, address: Address | None = None) -> None:
        """What is known of this address, or of everything, may be wrong."""
        self._absent.clear()
        if address is None or address.kind == "event":
            self._there.clear()
        else:
            queue, tiers = self._names.queue(address), self._names.tier(address, 0).rpartition(".")[0]
            self._there = {name for name in self._there if not f"{name} ".startswith((f"{queue} ", f"{tiers}."))}

    async def _exchange(self, exchange: Exchange) -> None:
        try:
            await self._control.exchange(exchange, passive=self.mode == "verify")
        except Missing as error:
            raise Missing(f"the exchange `{exchange.name}` is missing; {COMMAND}") from error

    async def _queue(self, queue: Queue) -> None:
        new = [bind for bind in queue.binds if f"{queue.name} {bind}" not in self._there]
        if queue.name in self._there and not new:
            return
        try:
            await self._control.queue(queue, passive=self.mode == "verify")
        except Missing as error:
            if self.mode == "manage":  # it is known, and what it consists of is not up
                raise Missing(f"the queue `{queue.name}` cannot be used: {error}; {DOWN}") from error
            raise Missing(f"the queue `{queue.name}` is missing; {COMMAND}") from error
        for exchange, key in new:
            await self._bind(queue.name, exchange, key)
        self._there |= {queue.name, *(f"{queue.name} {bind}" for bind in new)}

    async def _bind(self, queue: str, exchange: str, key: str) -> None:
        try:
            await self._control.bind(queue, exchange, key)
        except Forbidden:
            if self.mode == "manage":
                raise
            self.unchecked.add(f"{queue} to {exchange} by {key or 'anything'}")
