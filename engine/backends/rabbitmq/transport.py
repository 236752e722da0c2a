"""The RabbitMQ Transport: quorum queues, confirmed and mandatory publishes, consumers that are kept consuming."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from engine.backends.rabbitmq.aiormq_plane import AiormqPlane
from engine.backends.rabbitmq.belonging import Belongs, refuse_another
from engine.backends.rabbitmq.control import Control, Missing
from engine.backends.rabbitmq.dataplane import DataPlane, Parcel, QueueMissing, Unreachable, Wire
from engine.backends.rabbitmq.declaring import Declarer, Mode
from engine.backends.rabbitmq.directory import (
    Directory,
    bind_entry,
    queue_entry,
    remove_entry,
    store_entry,
    unbind_entry,
)
from engine.backends.rabbitmq.keeper import Keeper
from engine.backends.rabbitmq.layout import TIERS
from engine.backends.rabbitmq.link import Link, Log
from engine.backends.rabbitmq.mending import Mender
from engine.backends.rabbitmq.names import Names
from engine.backends.rabbitmq.owning import Owner
from engine.backends.rabbitmq.publisher import Patience, Publisher
from engine.backends.rabbitmq.removing import Remover
from engine.backends.rabbitmq.sending import Sender
from engine.core.clock import Clock
from engine.core.errors import SettingsError, StoreDown, TransportBlocked
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Subscription, Topology

_CONFIRMS = {
    "": Confirm(True),
    "unroutable": Confirm(False, "unroutable"),
    "refused": Confirm(False, "refused"),
    "unknown": Confirm(False, "unknown"),
}


class RabbitTransport:
    """See ports.transport.Transport.

    mode     `manage`: the engine declares what it needs; `verify`: it only looks, and says what is missing
    names    prefix of everything on the broker
    tiers    delays in seconds that have queues in `verify` mode
    plane    what carries the data; aiormq where nothing is said
    sole     this process must be the only one of the cell (see `owning`)
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        log: Log = lambda text, facts: None,
        *,
        mode: Mode = "manage",
        names: Names | None = None,
        tiers: Sequence[float] = TIERS,
        plane: DataPlane | None = None,
        patience: Patience | None = None,
        sole: bool = False,
    ) -> None:
        carrier = plane or AiormqPlane()
        self._clock = clock
        self._names = names or Names()
        self._control = Control(url)
        self._declarer = Declarer(self._control, self._names, mode, tiers)
        self._publisher = Publisher(carrier, url, log, patience or Patience(), lambda why: self._mender.exchanges(why))
        self._directory = Directory(
            self._names,
            self._append,
            on_removed=lambda address: self._keeper.removed(address),
            on_ended=lambda: self._keeper.wake(),
        )
        self._consuming = Link(carrier, url, "consume", log, self._on_consuming)
        owner = self._names.own_queue("owner")
        lost = self._consuming.reset
        self._owner = Owner(owner, lambda: self._mender.owner(), lost, log) if sole else None
        self._mender = Mender(self._declarer, self._directory, lambda addresses: self._keeper.afresh(addresses))
        self._keeper = Keeper(self._consuming, self._directory, self._mender, self._look, log)
        self._sender = Sender(self._names, self._declarer, self._directory, self._publisher, self._mender)
        self._mine: Belongs | None = None
        self._noted: dict[str, str] = {}  # what the last look at the broker found
        self._open = False

    async def open(self) -> None:
        if self._open:
            return
        try:
            await self._declarer.own()
            await self._publisher.link.open()
            await self._consuming.open()
            await self._directory.catch_up()
        except BaseException as error:
            await self._let_go()
            if isinstance(error, TransportBlocked):
                raise StoreDown(str(error)) from error
            raise
        self._keeper.start()
        self._open = True

    async def close(self) -> None:
        if self._open:
            self._open = False
            await self._keeper.stop()
            await self._let_go()

    async def _let_go(self) -> None:
        await self._consuming.close()
        await self._publisher.link.close()
        await self._control.close()

    async def belong(self, mine: Belongs, *, adopt: bool = False) -> None:
        """See that the cell belongs to this store, or make it so where it belongs to none yet (`adopt`: to another).

        Raises SettingsError, StoreDown.
        """
        known = self._directory.belongs
        if known is None or (adopt and known.store != mine.store):
            try:
                await self._directory.record([store_entry(mine, known.store if known is not None else "")])
            except TransportBlocked as error:
                raise StoreDown(str(error)) from error
            known = self._directory.belongs
        assert known is not None
        refuse_another(known, mine)
        self._mine = mine

    async def consumers(self) -> int:
        """How many consume the cell's queues now, of whichever process."""
        found = 0
        for name in [self._names.own_queue("owner"), *map(self._names.queue, self._directory.tiers)]:
            with suppress(Missing):  # nobody consumes a queue that is not there
                found += (await self._control.counts(name)).consumers
        return found

    # --- topology ----------------------------------------------------------------------------------------------------

    async def declare(self, topology: Topology) -> None:
        """As the port says. Raises SettingsError: something is missing, forbidden, or has other arguments."""
        bound: dict[Address, set[str]] = {}
        for type_name, route in topology.bindings:
            bound.setdefault(Address("route", route), set()).add(type_name)
        known = self._directory
        new = [queue_entry(address) for address in {*topology.queues, *bound} if address not in known.tiers]
        new += [bind_entry(*pair) for pair in topology.bindings if pair[1] not in known.routes.get(pair[0], ())]
        for address in dict.fromkeys((*topology.queues, *bound)):
            await self._declarer.address(address, bound.get(address, ()))
        if new:
            await known.record(new)

    async def unbind(self, type_name: str, route: str) -> None:
        queue = self._names.queue(Address("route", route))
        for exchange in (self._names.bus, self._names.events):
            await self._control.unbind(queue, exchange, type_name)
        self._declarer.forget(Address("route", route))
        if route in self._directory.routes.get(type_name, ()):
            await self._directory.record([unbind_entry(type_name, route)])

    async def remove(self, queue: Address) -> bool:
        """As the port says. False too while another process consumes it, whose hand cannot be seen, and in `verify`."""
        delays = self._directory.tiers.get(queue)
        if delays is None:
            return True
        if self._declarer.mode == "verify":
            return False
        mine = [one for one in self._keeper.subscriptions if one.address == queue]
        remover = Remover(self._control, self._names, queue, delays, self._directory.types_of(queue))
        if not await remover.remove(mine):
            return False
        self._declarer.forget(queue)
        for one in mine:
            await one.close()
        await self._directory.record([remove_entry(queue)])
        return True

    # --- publishing --------------------------------------------------------------------------------------------------

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        if not batch:
            return []
        return [_CONFIRMS[answer] for answer in await self._sender.send(batch, self._clock.now() // 1_000_000)]

    # --- receiving ---------------------------------------------------------------------------------------------------

    async def subscribe(self, queue: Address, prefetch: int) -> Subscription:
        if queue not in self._directory.tiers:
            raise SettingsError(f"{queue.kind} queue {queue.name!r} is not declared; declare it before subscribing")
        return await self._keeper.add(queue, self._names.queue(queue), prefetch, self._names.place)

    # --- looking -----------------------------------------------------------------------------------------------------

    async def depths(self) -> dict[Address, Depth]:
        """As the port says, as far as AMQP tells: what other processes have in hand is not counted, `oldest` is that
        of what this process has, to the second, and what a tier could not hand on at once is in none of the counts.
        """
        return {address: await self._depth(address) for address in sorted(self._directory.tiers)}

    def in_hand(self) -> dict[Address, int]:
        counts = Counter[Address]()
        for one in self._keeper.subscriptions:
            counts[one.address] += one.unacked + one.waiting
        return {address: count for address, count in counts.items() if count}

    async def _depth(self, address: Address) -> Depth:
        here = [one for one in self._keeper.subscriptions if one.address == address]
        tiers = [self._names.tier(address, delay) for delay in self._directory.tiers.get(address, ())]
        waiting = sum(one.waiting for one in here)
        oldest = min((one.oldest() for one in here if one.oldest()), default=0)
        ready = await self._ready(self._names.queue(address))
        return Depth(
            ready=ready + waiting,
            delayed=sum([await self._ready(tier) for tier in tiers]),
            unacked=sum(one.unacked for one in here),
            oldest=max(0.0, self._clock.now() / 1_000_000 - oldest) if oldest else 0.0,
        )

    async def _ready(self, queue: str) -> int:
        try:
            return (await self._control.counts(queue)).ready
        except Missing:
            return 0

    def problems(self) -> dict[str, str]:
        """Why this transport is not ready; empty when everything that should be is there and consumed."""
        found = {
            f"connection/{link.name}": link.problem
            for link in (self._publisher.link, self._consuming)
            if link.wire is None
        }
        if self._publisher.blocked:
            found["blocked"] = "RabbitMQ takes nothing: it has run out of memory or disk"
        known = self._directory.belongs
        if self._mine is not None and known is not None and known.store != self._mine.store:
            found["store"] = f"the cell was given to another store, {known.where}; stop this engine"
        return found | self._keeper.problems() | self._sender.problems | self._noted

    async def _look(self) -> None:
        """The broker's own view, now and then: what lies where nobody looks, and consumers it does not know of."""
        noted = {}
        for what in ("unrouted", "work"):
            waiting = await self._ready(self._names.own_queue(what))
            if waiting:
                noted[what] = f"{waiting} in `{self._names.own_queue(what)}`"
        if self._declarer.mode == "manage" and await self._declarer.missing_exchange():
            await self._mender.everything()
        await self._compare_consumers()
        self._noted = noted
        self._sender.problems.clear()  # what is still missing is found again by the next one

    async def _compare_consumers(self) -> None:
        for queue in {one.queue for one in self._keeper.subscriptions if one.consuming}:
            mine = [one for one in self._keeper.subscriptions if one.queue == queue and one.consuming]
            there = (await self._control.counts(queue)).consumers
            still = [one for one in mine if one.consuming]
            if there < len(still):
                for one in still:
                    await one.detach("the broker does not know of this consumer")

    # --- for its parts -----------------------------------------------------------------------------------------------

    async def _append(self, entry: bytes) -> None:
        answers = await self._publisher.publish([Parcel(self._names.directory, "", {}, entry, 0)])
        if answers != [""]:
            raise Unreachable(f"{self._names.own_queue('directory')} did not take an entry: {answers[0]}")

    async def _on_consuming(self, wire: Wire) -> None:
        if self._owner is not None:
            await self._owner.take(wire)
        with suppress(QueueMissing):  # the broker lost it: the keeper makes it again and writes down what is known
            await self._directory.attach(wire)
