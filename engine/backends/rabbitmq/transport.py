"""The RabbitMQ Transport: quorum queues, confirmed and mandatory publishes, consumers that are kept consuming."""

from __future__ import annotations

from collections.abc import Sequence

from engine.backends.rabbitmq.aiormq_plane import AiormqPlane
from engine.backends.rabbitmq.control import Control, Missing
from engine.backends.rabbitmq.dataplane import Answer, DataPlane, Parcel, Unreachable, Wire
from engine.backends.rabbitmq.declaring import COMMAND, Declarer, Mode
from engine.backends.rabbitmq.directory import (
    Directory,
    bind_entry,
    queue_entry,
    remove_entry,
    tier_entry,
    unbind_entry,
)
from engine.backends.rabbitmq.keeper import Keeper
from engine.backends.rabbitmq.layout import TIERS
from engine.backends.rabbitmq.link import Link, Log
from engine.backends.rabbitmq.names import Names, milliseconds
from engine.backends.rabbitmq.publisher import Patience, Publisher
from engine.backends.rabbitmq.removing import Remover
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
    ) -> None:
        carrier = plane or AiormqPlane()
        self._clock = clock
        self._names = names or Names()
        self._control = Control(url)
        self._declarer = Declarer(self._control, self._names, mode, tiers)
        self._publisher = Publisher(carrier, url, log, patience or Patience(), self._mend_exchanges)
        self._directory = Directory(self._names, self._append, self._removed)
        self._consuming = Link(carrier, url, "consume", log, self._on_consuming)
        self._keeper = Keeper(self._consuming, self._directory, self._mend, self._mend_own, self._look, log)
        self._targets: dict[Address, tuple[str, str]] = {}
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
        """As the port says. Also False while any other process consumes it: what it has in hand cannot be seen."""
        delays = self._directory.tiers.get(queue)
        if delays is None:
            return True
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
        at = self._clock.now() // 1_000_000
        answers: list[Answer] = ["unroutable"] * len(batch)
        places, parcels = [], []
        for place, outgoing in enumerate(batch):
            exchange, key = await self._delayed(outgoing) if outgoing.delay > 0 else self._target(outgoing.to)
            if exchange:
                places.append(place)
                parcels.append(Parcel(exchange, key, outgoing.headers, outgoing.body, at))
            elif key:
                answers[place] = "refused"
        given = await self._publisher.publish(parcels) if parcels else []
        if "unroutable" in given:
            given = await self._once_more([batch[place] for place in places], parcels, given)
        for place, answer in zip(places, given, strict=True):
            answers[place] = answer
        return [_CONFIRMS[answer] for answer in answers]

    def _target(self, to: Address) -> tuple[str, str]:
        found = self._targets.get(to)
        if found is None:
            found = self._targets[to] = self._names.target(to)
        return found

    async def _delayed(self, outgoing: Outgoing) -> tuple[str, str]:
        """Exchange and key of the tier; no exchange when there is nothing behind it, a key alone when no tier is."""
        to = outgoing.to
        if not self._known(to):
            return "", ""
        wanted = milliseconds(outgoing.delay)
        delay = await self._declarer.tier(to, wanted)
        if not delay:
            self._noted["tiers"] = f"no queue holds {to.kind} `{to.name}` for {outgoing.delay:g} s; {COMMAND}"
            return "", "none"
        if to.kind != "event" and delay not in self._directory.tiers.get(to, ()):
            await self._directory.record([tier_entry(to, delay)])
        return self._names.retry, self._names.tier(to, delay)

    def _known(self, to: Address) -> bool:
        if to.kind == "event":
            return bool(self._directory.routes.get(to.name))
        return to in self._directory.tiers

    async def _once_more(
        self, batch: Sequence[Outgoing], parcels: Sequence[Parcel], answers: list[Answer]
    ) -> list[Answer]:
        """What came back although its queue was declared: it or a binding was taken away. Made again, if ours."""
        lost = [n for n, answer in enumerate(answers) if answer == "unroutable" and self._known(batch[n].to)]
        if not lost:
            return answers
        again: list[Answer] = ["refused"] * len(lost)
        if self._declarer.mode == "manage":
            for to in {batch[n].to for n in lost}:
                await self._mend(to)
            for n in lost:
                if batch[n].delay > 0:
                    await self._delayed(batch[n])
            again = await self._publisher.publish([parcels[n] for n in lost])
        else:
            names = ", ".join(sorted({f"{batch[n].to.kind} `{batch[n].to.name}`" for n in lost}))
            self._noted["queues"] = f"nothing takes what is sent to {names}; {COMMAND}"
        for n, answer in zip(lost, again, strict=True):
            answers[n] = answer
        return answers

    # --- receiving ---------------------------------------------------------------------------------------------------

    async def subscribe(self, queue: Address, prefetch: int) -> Subscription:
        if queue not in self._directory.tiers:
            raise SettingsError(f"{queue.kind} queue {queue.name!r} is not declared; declare it before subscribing")
        return await self._keeper.add(queue, self._names.queue(queue), prefetch)

    # --- looking -----------------------------------------------------------------------------------------------------

    async def depths(self) -> dict[Address, Depth]:
        """As the port says, as far as AMQP tells: what other processes have in hand is not counted, `oldest` is that
        of what this process has, to the second, and what a tier could not hand on at once is in none of the counts.
        """
        return {address: await self._depth(address) for address in sorted(self._directory.tiers)}

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
        return found | self._keeper.problems() | self._noted

    async def _look(self) -> None:
        """The broker's own view, now and then: what lies where nobody looks, and consumers it does not know of."""
        noted = {}
        for what in ("unrouted", "work"):
            waiting = await self._ready(self._names.own_queue(what))
            if waiting:
                noted[what] = f"{waiting} in `{self._names.own_queue(what)}`"
        if self._declarer.mode == "manage" and await self._declarer.missing_exchange():
            await self._mend_exchanges("NOT_FOUND")
        await self._compare_consumers()
        self._noted = noted

    async def _compare_consumers(self) -> None:
        for queue in {one.queue for one in self._keeper.subscriptions if one.consuming}:
            mine = [one for one in self._keeper.subscriptions if one.queue == queue and one.consuming]
            there = (await self._control.counts(queue)).consumers
            still = [one for one in mine if one.consuming]
            if there < len(still):
                for one in still:
                    await one.detach("the broker does not know of this consumer")

    # --- mending -----------------------------------------------------------------------------------------------------

    async def _mend(self, address: Address) -> None:
        """Make what belongs to an address again. Raises SettingsError in `verify` mode, TransportBlocked."""
        routes = self._directory.routes.get(address.name, ()) if address.kind == "event" else ()
        self._declarer.forget(address)
        for one in [Address("route", route) for route in routes] or [address]:
            await self._declarer.address(one, self._directory.types_of(one))

    async def _mend_own(self) -> None:
        self._declarer.forget()
        await self._declarer.own()

    async def _mend_exchanges(self, why: str) -> None:
        """An exchange took its bindings with it: all of them are made again."""
        if "NOT_FOUND" not in why or self._declarer.mode == "verify":
            return
        await self._mend_own()
        for address, delays in list(self._directory.tiers.items()):
            await self._declarer.address(address, self._directory.types_of(address))
            for delay in sorted(delays):
                await self._declarer.tier(address, delay)

    # --- for its parts -----------------------------------------------------------------------------------------------

    async def _append(self, entry: bytes) -> None:
        answers = await self._publisher.publish([Parcel(self._names.directory, "", {}, entry, 0)])
        if answers != [""]:
            raise Unreachable(f"{self._names.own_queue('directory')} did not take an entry: {answers[0]}")

    async def _on_consuming(self, wire: Wire) -> None:
        await self._directory.attach(wire)

    def _removed(self, address: Address) -> None:
        self._keeper.removed(address)
