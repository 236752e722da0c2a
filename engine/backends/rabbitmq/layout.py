"""What has to exist on the broker, with every argument. Pure: the same input gives the same layout.

Arguments are constants of ours, because a queue keeps those it was made with; what may be tuned goes into policies.
Every queue that holds events is a durable quorum queue with a dead-letter exchange and at-least-once dead-lettering,
which needs `reject-publish`: with the default strategy a tier loses what expires while its target is away. The delivery
limit is a last resort, far above what closing connections cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.backends.rabbitmq.names import Names, milliseconds
from engine.ports.transport import Address, Topology

Arguments = Mapping[str, str | int]

DELIVERY_LIMIT = 1000
NO_LIMIT = 2**31 - 1  # where nothing is left to dead-letter to; leaving it out means 20 on RabbitMQ 4
TIERS = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0)  # seconds; what the runtime's backoff uses
_AT_LEAST_ONCE: Arguments = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


@dataclass(frozen=True)
class Exchange:
    """One durable exchange; `type` is direct, topic or fanout."""

    name: str
    type: str
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True)
class Queue:
    """One durable queue and where it is bound: (exchange, routing key)."""

    name: str
    arguments: Arguments
    binds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Layout:
    """Exchanges first, then queues: the order in which they are made."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]


def exchanges(names: Names) -> tuple[Exchange, ...]:
    """Those every cell has."""
    prefix = names.prefix
    fanout = (f"{prefix}.quarantine", names.work, names.unrouted, names.directory)
    return (
        *(Exchange(name, "fanout") for name in fanout),
        Exchange(f"{prefix}.route", "direct"),
        Exchange(f"{prefix}.lane", "direct"),
        Exchange(names.retry, "direct"),
        Exchange(names.bus, "topic"),
        Exchange(names.events, "topic", {"alternate-exchange": names.unrouted}),
    )


def own_queues(names: Names) -> tuple[Queue, ...]:
    """Those every cell has. What dies in `work` goes to `unrouted`; there is nothing behind that."""
    work, unrouted, directory, owner = (names.own_queue(what) for what in ("work", "unrouted", "directory", "owner"))
    return (
        Queue(unrouted, _quorum(names.work, NO_LIMIT), ((names.unrouted, ""),)),
        Queue(work, _quorum(names.unrouted), ((names.work, ""),)),
        Queue(directory, {"x-queue-type": "stream"}, ((names.directory, ""),)),
        Queue(owner, {"x-queue-type": "classic"}),
    )


def own_queue(names: Names, what: str) -> Queue:
    """One of them."""
    return next(one for one in own_queues(names) if one.name == names.own_queue(what))


def queue(names: Names, address: Address, types: Iterable[str] = ()) -> Queue:
    """The queue of an address; `types` are the event types a route is bound to."""
    if address.kind == "work":
        return own_queue(names, "work")
    subscribed = tuple((exchange, name) for name in sorted(set(types)) for exchange in (names.bus, names.events))
    return Queue(names.queue(address), _quorum(names.work), (names.target(address), *subscribed))


def tier(names: Names, address: Address, delay: int) -> Queue:
    """The queue in which something waits `delay` milliseconds before it goes on to an address."""
    exchange, key = names.back(address)
    name = names.tier(address, delay)
    waiting: Arguments = {"x-message-ttl": delay, "x-dead-letter-routing-key": key}
    return Queue(name, {**_quorum(exchange), **waiting}, ((names.retry, name),))


def layout(
    names: Names, topology: Topology, tiers: Iterable[float] | Mapping[Address, Iterable[float]] = TIERS
) -> Layout:
    """Everything a topology needs. tiers: delays in seconds that get a queue ahead of their use, for all or by address."""
    bound = {Address("route", route) for _, route in topology.bindings}
    addresses = sorted(set(topology.queues) | bound)
    known = tiers if isinstance(tiers, Mapping) else dict.fromkeys(addresses, tuple(tiers))
    types = {address: [name for name, route in topology.bindings if address == ("route", route)] for address in bound}
    wanted = {one.name: one for one in own_queues(names)}
    for address in addresses:
        made = [queue(names, address, types.get(address, ()))]
        if address.kind != "work":
            made += [tier(names, address, milliseconds(delay)) for delay in known.get(address, ())]
        wanted |= {one.name: one for one in made}
    return Layout(exchanges(names), tuple(wanted.values()))


def _quorum(dead: str, limit: int = DELIVERY_LIMIT) -> Arguments:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": dead,
        **_AT_LEAST_ONCE,
        "x-delivery-limit": limit,
    }
