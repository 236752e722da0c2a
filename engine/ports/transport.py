"""The Transport: carries Events durably between the stages.

Every call takes and gives batches. Nothing is lost between two calls: `publish` answers only for what is
durable, a Receipt stays with the transport until it is acked, and an unacked Receipt comes back.
Ids, retries and meaning belong to the runtime; a transport knows addresses, headers and bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

Kind = Literal["route", "event", "lane", "quarantine", "work"]
Headers = Mapping[str, str | int]
DIED_IN = "tf-died-in"  # header of what is received from work/: the address it was given up in, where that is known


class Address(NamedTuple):
    """Where something is published to.

    route/<route>    the router's queue of one route
    event/<type>     the bus: a copy for every route bound to the type (version not in the name)
    lane/<lane>      deliveries to one connection
    quarantine/""    suspects, run one at a time
    work/""          final, unroutable and dead ones, on their way to the Store
    """

    kind: Kind
    name: str


class Outgoing(Struct, frozen=True):
    """Something to publish. `delay` in seconds: it becomes ready that much later (the runtime uses fixed tiers)."""

    to: Address
    headers: Headers
    body: bytes
    delay: float = 0.0


class Receipt(Struct, frozen=True):
    """Something received and not yet acked. `tag` belongs to the subscription.

    redelivered   how often it may have been received before: never too low, perhaps too high after a restart
    """

    tag: int
    headers: Headers
    body: bytes
    redelivered: int = 0


class Topology(Struct, frozen=True):
    """What has to exist: queues by address (not `event`), and which route's queue is bound to which event type."""

    queues: tuple[Address, ...]
    bindings: tuple[tuple[str, str], ...] = ()  # (event type without version, route)


class Depth(Struct, frozen=True):
    """Counts of one queue: ready now, waiting for a delay, in hand unacked.

    oldest   seconds since the oldest of them was published; 0 when the queue is empty
    """

    ready: int = 0
    delayed: int = 0
    unacked: int = 0
    oldest: float = 0.0


class Confirm(Struct, frozen=True):
    """The answer for one Outgoing, in the same place of the list. `ok` means durable in every queue it goes to.

    problem: "" | "unroutable" (no queue takes it) | "refused" (the transport said no) | "unknown" (no answer in time)
    """

    ok: bool
    problem: Literal["", "unroutable", "refused", "unknown"] = ""


class Subscription(Protocol):
    """One consumer of one queue."""

    async def receive(self, most: int) -> list[Receipt]:
        """At least one Receipt and at most `most`, waiting for the first; an empty list once closed."""
        ...

    async def ack(self, receipts: Sequence[Receipt]) -> None:
        """These are done with: durable before it returns, or they come back.

        One that is not in hand any more (acked, released, the subscription closed) is passed over. Raises
        TransportBlocked when it cannot be written now: they stay in hand.
        """
        ...

    async def release(self, receipts: Sequence[Receipt]) -> None:
        """Give these back untouched; they are received again. For stopping, never for retrying."""
        ...

    async def close(self) -> None:
        """Stop receiving; what is unacked goes back to the queue. Safe to call twice."""
        ...


class Transport(Protocol):
    """A durable carrier. One object per cell."""

    async def open(self) -> None:
        """Connect or open files. Raises SettingsError when the place is wrong, StoreDown when it cannot be reached."""
        ...

    async def close(self) -> None:
        """Let go of everything; unacked Receipts come back after the next open."""
        ...

    async def declare(self, topology: Topology) -> None:
        """Make these queues and bindings exist, and the queue of every bound route. Additive: removes nothing."""
        ...

    async def unbind(self, type_name: str, route: str) -> None:
        """The route no longer gets this event type; what it has stays."""
        ...

    async def remove(self, queue: Address) -> bool:
        """Delete a queue and its bindings if nothing is in it, ready, delayed or unacked. False when something is.

        True when there is no such queue. Its subscriptions are closed.
        """
        ...

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        """Write all of these durably; one Confirm each, same order. Raises TransportBlocked when nothing is taken."""
        ...

    async def subscribe(self, queue: Address, prefetch: int) -> Subscription:
        """Consume a queue; at most `prefetch` Receipts are unacked at a time.

        Raises SettingsError when the queue is not declared. Ready ones come oldest first; several
        subscriptions of one queue share what is in it.
        """
        ...

    async def depths(self) -> dict[Address, Depth]:
        """Counts of every queue."""
        ...

    def in_hand(self) -> dict[Address, int]:
        """What this process was given and did not ack, by queue: where several share a carrier, only it knows."""
        ...

    def problems(self) -> dict[str, str]:
        """What should be there and is not, and why; empty when all is well."""
        ...
