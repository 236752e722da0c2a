"""Which addresses, tiers and bindings there are: AMQP cannot be asked for a list, so the cell keeps one itself.

It is a stream: whoever declares or removes something appends an entry, and every process reads all of it from the
beginning and then follows. The order of the stream is the truth, so two processes never disagree for long, and a lane
that only a former revision used is found again. It also names the store that the cell belongs to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

from engine.backends.rabbitmq.belonging import Belongs
from engine.backends.rabbitmq.dataplane import Delivered, Inlet, Wire
from engine.backends.rabbitmq.names import Names
from engine.core.errors import TransportBlocked
from engine.core.jsonx import decode, encode
from engine.ports.transport import Address

PREFETCH = 200
SEEN_WITHIN = 10.0  # seconds between an entry and its sight in the stream

Entry = dict[str, str | int]


class Directory:
    """Read by everybody in this process. `append` writes one entry's bytes durably.

    on_removed   told when a queue was removed, by whichever process
    on_ended     told when the stream is not followed any more
    """

    def __init__(
        self,
        names: Names,
        append: Callable[[bytes], Awaitable[None]],
        on_removed: Callable[[Address], None],
        on_ended: Callable[[], None],
    ) -> None:
        self.tiers: dict[Address, set[int]] = {}  # every queue, with the delays in milliseconds it has a tier for
        self.routes: dict[str, set[str]] = {}  # event type -> routes bound to it
        self.belongs: Belongs | None = None  # the store this cell belongs to; the first one that is written down
        self._queue = names.own_queue("directory")
        self._append = append
        self._on_removed = on_removed
        self._on_ended = on_ended
        self._next = 0
        self._inlet: Inlet | None = None
        self._read: list[int] = []
        self._trusted = True
        self._live = False  # all of it was read, so a removal is news
        self._entries = 0
        self._marks: dict[str, asyncio.Future[None]] = {}

    # --- reading -----------------------------------------------------------------------------------------------------

    def types_of(self, address: Address) -> list[str]:
        """Event types a route is bound to."""
        return [name for name, routes in self.routes.items() if address.kind == "route" and address.name in routes]

    async def attach(self, wire: Wire) -> None:
        """Follow the stream on this connection, from where we are. Raises QueueMissing, Unreachable."""
        before, self._inlet, self._trusted = self._inlet, None, True
        if before is not None:
            await before.close()
        self._read = []
        self._inlet = await wire.inlet(self._queue, PREFETCH, self, offset=self._next)
        self._ack()

    def arrived(self, delivered: Delivered) -> None:
        if delivered.offset >= self._next:
            self._next = delivered.offset + 1
            self._apply(decode(delivered.body))
        self._read.append(delivered.tag)
        self._ack()

    def ended(self, why: str) -> None:
        self._inlet = None
        self._read.clear()
        self._on_ended()

    @property
    def trusted(self) -> bool:
        """What was written to it appeared there."""
        return self._trusted

    @property
    def following(self) -> bool:
        """The stream is read, and what is written to it appears."""
        return self._trusted and self._inlet is not None and not self._inlet.ended

    def _ack(self) -> None:
        """Without acks a stream gives no more."""
        if self._inlet is not None:
            self._inlet.ack(self._read)
            self._read = []

    def _apply(self, entry: Any) -> None:
        self._entries += entry.get("op") != "mark"
        match entry:
            case {"op": "queue", "kind": kind, "name": name}:
                self.tiers.setdefault(Address(kind, name), set())
            case {"op": "tier", "kind": kind, "name": name, "delay": delay}:
                self.tiers.setdefault(Address(kind, name), set()).add(delay)
            case {"op": "bind", "type": type_name, "route": route}:
                self.routes.setdefault(type_name, set()).add(route)
            case {"op": "unbind", "type": type_name, "route": route}:
                self.routes.get(type_name, set()).discard(route)
            case {"op": "remove", "kind": kind, "name": name}:
                self._removed(Address(kind, name))
            case {"op": "store", "id": store, "where": where, "instead": instead}:
                if instead == (self.belongs.store if self.belongs is not None else ""):
                    self.belongs = Belongs(store, where)
        mark = self._marks.pop(str(entry.get("mark", "")), None)
        if mark is not None and not mark.done():
            mark.set_result(None)

    def _removed(self, address: Address) -> None:
        self.tiers.pop(address, None)
        if address.kind == "route":
            for routes in self.routes.values():
                routes.discard(address.name)
        if self._live:
            self._on_removed(address)

    # --- writing -----------------------------------------------------------------------------------------------------

    async def record(self, entries: Sequence[Entry]) -> None:
        """Append these and wait until they are read here, with all that came before. Raises TransportBlocked."""
        mark = uuid4().hex
        seen = self._marks[mark] = asyncio.get_running_loop().create_future()
        *others, last = entries
        try:
            for entry in others:
                await self._append(encode(entry))
            await self._append(encode({**last, "mark": mark}))
            async with asyncio.timeout(SEEN_WITHIN):
                await seen
        except TimeoutError:
            self._trusted = False
            raise TransportBlocked(f"what was written to {self._queue} does not appear there") from None
        finally:
            self._marks.pop(mark, None)

    async def catch_up(self) -> None:
        """Read everything that is there now. Raises TransportBlocked."""
        await self.record([{"op": "mark"}])
        self._live = True

    async def restore(self, wire: Wire) -> None:
        """Read it from its beginning; write down what is known when that is another, empty stream than before."""
        known: list[Entry] = [queue_entry(address) for address in self.tiers]
        known += [tier_entry(address, delay) for address, delays in self.tiers.items() for delay in sorted(delays)]
        known += [bind_entry(name, route) for name, routes in self.routes.items() for route in sorted(routes)]
        known += [store_entry(self.belongs)] if self.belongs is not None else []
        self._next = self._entries = 0
        self._live = False
        await self.attach(wire)
        await self.catch_up()
        if known and not self._entries:
            await self.record(known)


def queue_entry(address: Address) -> Entry:
    return {"op": "queue", "kind": address.kind, "name": address.name}


def tier_entry(address: Address, delay: int) -> Entry:
    return {"op": "tier", "kind": address.kind, "name": address.name, "delay": delay}


def bind_entry(type_name: str, route: str) -> Entry:
    return {"op": "bind", "type": type_name, "route": route}


def unbind_entry(type_name: str, route: str) -> Entry:
    return {"op": "unbind", "type": type_name, "route": route}


def store_entry(belongs: Belongs, instead: str = "") -> Entry:
    """`instead`: the id of the store the cell belonged to; an entry that names another one changes nothing."""
    return {"op": "store", "id": belongs.store, "where": belongs.where, "instead": instead}


def remove_entry(address: Address) -> Entry:
    return {"op": "remove", "kind": address.kind, "name": address.name}
