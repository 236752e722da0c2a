"""The data plane: deliver, publish, confirm, ack. A part of its own, so that a faster one can be put in its place.

It knows frames, sequence numbers and one connection at a time. What is declared, who reconnects, how long anybody
waits, and what a failure means is decided above it. The contract suite and the fault tests run over any data plane.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from engine.core.errors import TransportBlocked

Answer = Literal["", "unroutable", "refused", "unknown"]


class Unreachable(TransportBlocked):
    """The broker does not answer, or the connection or channel is gone."""


class QueueMissing(Unreachable):
    """There is no such queue to consume."""


class Taken(Unreachable):
    """Somebody else consumes the queue, and one of us wants it alone."""


class Parcel(NamedTuple):
    """One thing to publish. `at` is UTC seconds."""

    exchange: str
    key: str
    headers: Mapping[str, str | int]
    body: bytes
    at: int


class Delivered(NamedTuple):
    """One thing that was delivered.

    tag       of its channel; acked and given back by it
    headers   text and numbers; every `x-*` is taken out
    tries     how often it was delivered before
    at        when it was published, UTC seconds; 0 when its publisher did not say
    offset    its place in a stream; -1 in a queue
    died      the queue it was dead-lettered in first since it was published; empty when it was not
    """

    tag: int
    headers: dict[str, str | int]
    body: bytes
    tries: int
    at: int
    offset: int
    died: str = ""


class Listener(Protocol):
    """Who consumes. Called in the loop, never twice at once."""

    def arrived(self, delivered: Delivered) -> None:
        """Another one."""
        ...

    def ended(self, why: str) -> None:
        """The broker ended it, or its channel or connection is gone: what is in hand comes back elsewhere. Once."""
        ...


class Sent:
    """Parcels on their way. `answers` in their order: None until the broker answered.

    done   set when all are answered, or the channel is gone: then those not answered are `unknown`
    """

    __slots__ = ("answers", "done", "left")

    def __init__(self, count: int, done: asyncio.Future[None]) -> None:
        self.answers: list[Answer | None] = [None] * count
        self.left = count
        self.done = done

    def answer(self, place: int, answer: Answer) -> None:
        """The broker's word on one of them; a return comes before the confirm and stays."""
        if self.answers[place] is None:
            self.answers[place] = answer

    def confirmed(self, place: int, answer: Answer) -> None:
        """The last word on one of them."""
        self.answer(place, answer)
        self.left -= 1
        if not self.left:
            self.give_up()

    def give_up(self) -> None:
        """There will be no more answers."""
        if not self.done.done():
            self.done.set_result(None)

    def results(self) -> list[Answer]:
        """One for each. What has no answer is `unknown`."""
        return ["unknown" if answer is None else answer for answer in self.answers]


class Outlet(Protocol):
    """A channel to publish on, in confirm mode, everything persistent and mandatory."""

    @property
    def problem(self) -> str:
        """Why it is of no use any more; empty while it is."""
        ...

    def send(self, parcels: Sequence[Parcel]) -> Sent:
        """Write these, in this order. Raises Unreachable when the channel is gone."""
        ...


class Inlet(Protocol):
    """A channel with one consumer."""

    @property
    def ended(self) -> bool:
        """It is gone, or its consumer is."""
        ...

    def ack(self, tags: Sequence[int]) -> None:
        """Written in this turn of the loop, cumulatively as far as there is no gap. Nothing happens once it is gone."""
        ...

    def give_back(self, tags: Sequence[int]) -> None:
        """Back to the queue. Whoever wants them to go elsewhere calls `pause` first."""
        ...

    async def pause(self) -> None:
        """No more deliveries; what is unacked stays in hand. Raises Unreachable."""
        ...

    async def resume(self) -> None:
        """Deliver again after a pause. Raises Unreachable."""
        ...

    async def close(self) -> None:
        """Write the acks, stop, let everything unacked go back. `ended` is not called any more."""
        ...


class Wire(Protocol):
    """One connection."""

    @property
    def closed(self) -> asyncio.Future[str]:
        """Done, with the reason, when the connection is gone."""
        ...

    @property
    def blocked(self) -> bool:
        """The broker has run out of memory or disk and takes nothing from this connection for now."""
        ...

    async def outlet(self) -> Outlet:
        """Open a channel to publish on. Raises Unreachable."""
        ...

    async def inlet(
        self, queue: str, prefetch: int, listener: Listener, offset: int | None = None, *, exclusive: bool = False
    ) -> Inlet:
        """Open a channel and consume. offset: where to begin in a stream. exclusive: nobody else may consume it.

        Raises QueueMissing, Taken, Unreachable.
        """
        ...

    async def close(self) -> None:
        """Let go of it. Never raises, never waits long."""
        ...


class DataPlane(Protocol):
    """Makes connections."""

    async def connect(self, url: str, name: str) -> Wire:
        """`name` is what the broker's tools show. Raises Unreachable, SettingsError when the broker refuses us."""
        ...
