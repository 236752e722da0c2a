"""Requests and answers as the rest of this connector sees them: no HTTP library is needed to know them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

Leaving = Callable[[], None]


@dataclass(frozen=True)
class Answer:
    """What the other side answered. `complete` is False when the body was cut off at the cap or could not be read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Incoming:
    """A complete request. `url` is its full address as the sender sees it; header names are lower case."""

    path: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What the sender is answered. `why` is for our own log: a sender that is not proven learns nothing of it."""

    status: int
    says: str
    headers: Mapping[str, str] | None = None
    why: str = ""


BUSY = {"retry-after": "10"}
NOT_NOW = Reply(503, "nothing is taken in now; send it again", BUSY)

Handler = Callable[[Incoming], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """What stands at a path: `take` answers a request, `refused` is told of each that is refused, and its peer."""

    take: Handler
    refused: Callable[[Reply, str], None]


@dataclass(frozen=True)
class Limits:
    """Bounds of one listener. Times in seconds, sizes in bytes."""

    max_body: int = 1 << 20
    read_timeout: float = 10.0
    max_connections: int = 200
