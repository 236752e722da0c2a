"""How events enter: a Source, the Arrivals it gives, and what it reaches of the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from engine.core.errors import Failure

if TYPE_CHECKING:
    from engine.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something a source has in hand: bytes not yet decoded, with what is needed to let go of it.

    name     file name or request path, for people
    id       the source's own natural id (a webhook's id, a tick); empty: content and position identify the records
    content  raw bytes; already parsed values are put in `value` instead
    ack      called when all of it is durable; its argument says how many records became work items. It may answer
             where the document is now, for people: `as day.csv`
    release  called when it could not be taken in now; the source offers it again
    reply    for a synchronous source: called with the outcome's reply before the ack
    failure  set when the source itself refuses it (too large, an unsafe name): one work item, then the ack
    told     whoever sent it is told why it is not taken in: what they can mend themselves need not be kept, and is given
             to `release` as a Permanent
    """

    name: str
    ack: Callable[[int], Awaitable[str | None]]
    release: Callable[[Failure], Awaitable[None]]
    content: bytes = b""
    value: Any = None
    id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    reply: Callable[[Any], Awaitable[None]] | None = None
    failure: Failure | None = None
    told: bool = False


class Source(ABC):
    """Where events enter. Built from `from:` of a route: its own Config fields stand beside `use` and `connection`."""

    Config: ClassVar[type[BaseModel]]
    exclusive: ClassVar[bool] = False  # True: only one process may run it at a time
    own_ids: ClassVar[bool] = False  # True: what it brings has an id that a repeat has too, whatever its content
    answers: ClassVar[bool] = False  # True: synchronous, its Arrivals have a `reply` that somebody waits for
    default_format: ClassVar[str] = ""  # used when `from` names none; empty: `format` is required

    @abstractmethod
    def __init__(self, config: Any, connection: Any, route: str) -> None:
        """`config` is its own Config, `connection` the opened Connection (None without one), `route` its name."""

    @abstractmethod
    def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
        """Give what comes in, one after the other, until cancelled. An Arrival not acked is offered again later."""

    async def close(self) -> None:  # noqa: B027 - most sources have nothing to stop
        """Stop taking in; called before the task is cancelled. It may wait a few seconds until what came is given."""


class SourceContext(ABC):
    """What a Source reaches of the engine.

    beside   other processes under the same parent run this source too: an address is shared with them
    """

    clock: Clock
    route: str
    beside: bool = False

    def ready(self) -> None:  # noqa: B027 - only one that is waited for needs to know
        """It takes in from now on: the one before it, of the same route, may stop. Without it that is told by time."""

    @abstractmethod
    async def cursor(self) -> str:
        """Where this source stands; empty at the beginning."""

    @abstractmethod
    async def advance(self, value: str) -> None:
        """Move the cursor. Raises Fenced when another process owns the source now."""

    @abstractmethod
    async def seen(self, key: str) -> str | None:
        """The note of something taken in before; None when it was not."""

    @abstractmethod
    async def remember(self, key: str, note: str = "") -> None:
        """Remember something as taken in."""

    async def journal(self, key: str, file: str, what: str, detail: str) -> None:  # noqa: B027 - a story, no truth
        """A line about a document none of whose records is news, found by `file=`; written when this returns.

        `key` is what `seen` knows the document by, `what` one word of the journal, `detail` a sentence.
        """

    def refused(self, reason: str) -> None:  # noqa: B027 - only a count
        """Count something that was refused at the door and left nothing behind; `reason` is one of a few fixed words."""

    @abstractmethod
    def log(self, text: str, facts: Mapping[str, Any] | None = None) -> None:
        """A line of the engine's log with facts as name -> value; never a secret or a body."""
