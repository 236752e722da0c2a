"""What every exchange and queue is called, and the key it is reached by. Pure.

    address              publish to         key              queue
    route/<route>        tf.route           <route>          tf.q.route.<route>
    lane/<lane>          tf.lane            <lane>           tf.q.lane.<lane>.e<E>
    event/<type>         tf.bus             <type>           those of the routes bound to the type
    quarantine/          tf.quarantine      -                tf.q.quarantine
    work/                tf.work            -                tf.q.work
    any, after a delay   tf.retry           the queue below  tf.q.retry.<kind>.<name>.<tier>

A tier belongs to one address: what waits for one target never stands behind what waits for another (32 that cannot be
handed on block a whole tier), and its name holds the kind, so that a lane `route.x` and a route `x` do not meet.

Two exchanges carry the bus. `tf.events` is the door for others: what nobody subscribes to goes to `tf.unrouted` there
and is kept. The engine publishes to `tf.bus`, which has the same bindings and no alternate: there `mandatory` tells the
publisher that nobody subscribes, and the event becomes a work item instead of lying in a queue.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import SettingsError
from engine.ports.transport import Address

EPOCH = 1  # of lanes; raised when their arguments change, and the old ones are drained
LONGEST = 255  # bytes of a name or a routing key
_UNITS = (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def tier_text(milliseconds: int) -> str:
    """`50ms`, `30s`, `2m`, `2h`: one text for one duration."""
    for unit, size in _UNITS:
        if milliseconds % size == 0 and milliseconds >= size:
            return f"{milliseconds // size}{unit}"
    return "0ms"


def milliseconds(seconds: float) -> int:
    """A delay as a queue's TTL: never shorter, at least one."""
    whole = round(seconds * 1000)
    return max(1, whole if abs(whole - seconds * 1000) < 1e-6 else int(seconds * 1000) + 1)


@dataclass(frozen=True)
class Names:
    """All names under one prefix. A cell has a vhost of its own, so the prefix is `tf` unless cells share one."""

    prefix: str = "tf"

    @property
    def events(self) -> str:
        return f"{self.prefix}.events"

    @property
    def bus(self) -> str:
        return f"{self.prefix}.bus"

    @property
    def retry(self) -> str:
        return f"{self.prefix}.retry"

    @property
    def work(self) -> str:
        return f"{self.prefix}.work"

    @property
    def unrouted(self) -> str:
        return f"{self.prefix}.unrouted"

    @property
    def directory(self) -> str:
        return f"{self.prefix}.directory"

    def own_queue(self, what: str) -> str:
        """A queue of the transport itself: `work`, `unrouted`, `directory`, `owner`, `quarantine`."""
        return f"{self.prefix}.q.{what}"

    def queue(self, address: Address) -> str:
        """The queue behind an address. Raises ValueError for an event type, SettingsError for a name too long."""
        kind, name = address
        if kind == "event":
            raise ValueError(f"{address} is no queue: event types are bound to routes")
        if kind == "lane":
            return self._fit(f"{self.prefix}.q.lane.{name}.e{EPOCH}")
        return self._fit(f"{self.prefix}.q.route.{name}" if kind == "route" else self.own_queue(kind))

    def place(self, queue: str) -> str:
        """The address behind a queue or one of its tiers, as `kind/name`; empty for a queue that is none of ours."""
        own = queue.removeprefix(f"{self.prefix}.q.")
        if own.startswith("retry."):
            own = own.removeprefix("retry.").rpartition(".")[0]
        elif own.startswith("lane."):
            own = own.rpartition(".")[0]
        kind, _, name = own.partition(".")
        return f"{kind}/{name}" if queue != own and kind in ("route", "lane", "quarantine") else ""

    def target(self, address: Address) -> tuple[str, str]:
        """Exchange and routing key that reach an address without a delay."""
        kind, name = address
        exchange = self.bus if kind == "event" else f"{self.prefix}.{kind}"
        return exchange, self._fit(name)

    def back(self, address: Address) -> tuple[str, str]:
        """Exchange and routing key for what comes out of a tier: nobody is there to be told, so the bus is the door."""
        return (self.events, address.name) if address.kind == "event" else self.target(address)

    def tier(self, address: Address, delay: int) -> str:
        """The queue in which something waits `delay` milliseconds for an address. Its name is its key at `tf.retry`."""
        place = ".".join(part for part in address if part)
        return self._fit(f"{self.prefix}.q.retry.{place}.{tier_text(delay)}")

    def _fit(self, name: str) -> str:
        if len(name.encode()) > LONGEST:
            raise SettingsError(f"`{name}` is longer than the {LONGEST} bytes RabbitMQ allows; give it a shorter name")
        return name
