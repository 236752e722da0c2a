"""What a plugin implements: Step, Cut, Source, Sink, Call, Format, AuthScheme; and what the engine hands to it.

Each is a class with a nested pydantic `Config`. The decorators of `engine.plugins.spec` attach a ComponentSpec to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel

from engine.core.errors import Failure
from engine.core.outcome import Kept
from engine.plugins.frame import Frame, Signal

if TYPE_CHECKING:
    from engine.core.clock import Clock
    from engine.expr.shape import Shape
    from engine.plugins.build import Build

Guarantee = Literal["idempotency_key", "upsert", "same_transaction", "verify", "at_least_once", "at_most_once"]
Reach = Literal["pure", "reads", "calls", "state"]
PURE: frozenset[Reach] = frozenset()


def reaching(*kinds: Reach) -> frozenset[Reach]:
    """What a step declares that reaches these."""
    return frozenset(kinds)


NOT_ASKED = "not asked: its connector has no check"
# After an unknown outcome: the first three are simply repeated, `verify` asks first.
REPEATABLE: frozenset[str] = frozenset({"idempotency_key", "upsert", "same_transaction", "verify"})


# --- steps -----------------------------------------------------------------------------------------------------------


class Step(ABC):
    """One unit of work. Built once per Plan from its Config, then run for every event; it keeps no state of its own."""

    Config: ClassVar[type[BaseModel]]
    # What it may reach besides the data, for slots that allow some of it only. One that does not say may reach all.
    # Tables and systems that its own configuration names are seen by the compiler and need not stand here.
    reaches: ClassVar[frozenset[Reach]] = frozenset({"reads", "calls", "state"})

    @abstractmethod
    def __init__(self, config: Any, build: Build) -> None:
        """Prepare everything that can be prepared; no I/O. Problems are reported through `build`."""

    @abstractmethod
    def run(self, frame: Frame) -> Signal | Awaitable[Signal | None] | None:
        """Work on the frame. None: go on. Raises Failure. Returns an awaitable only if it has to wait."""

    def shape(self, shape: Shape) -> Shape:
        """The shape of the data after this step, given the one before."""
        return shape


class Cut(Step):
    """A step that ends a segment: it keeps the event as durable state; the next segment goes on later."""

    def run(self, frame: Frame) -> Signal | None:
        raise TypeError("a cut is not run; the runtime asks it what to keep")

    @abstractmethod
    def keep(self, frame: Frame) -> Kept:
        """What to store for this frame. `Kept.step` is filled in by the runtime."""

    @abstractmethod
    def resume(self, bodies: Sequence[bytes]) -> tuple[Any, str]:
        """(data, schema) of the event that goes on, from what was kept."""


# --- reaching a system -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a Sink or Call can do.

    config     model of what `with` may hold: names, types and descriptions of the evaluated values
    body       name of the field that `map` fills; empty: the mapped document is the whole request
    guarantee  how a repeat is kept from doubling the effect; None for a Call that only reads
    settle     seconds the system needs before `verify` can be trusted
    batch      most items of one `deliver`
    """

    config: type[BaseModel]
    guarantee: Guarantee | None = None
    body: str = ""
    summary: str = ""
    settle: float = 0.0
    batch: int = 1


@dataclass(frozen=True, slots=True)
class SinkItem:
    """One delivery in the hands of a sink. `key` is the idempotency key: the delivery id, `:rN` for an edited one."""

    key: str
    request: Any
    action: str
    event_id: str
    attempt: int = 1
    maybe_applied: bool = False  # an earlier try may have had its effect
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SinkResult:
    """How one item ended: applied (with an optional small result) or a Failure."""

    failure: Failure | None = None
    result: Any = None

    @classmethod
    def applied(cls, result: Any = None) -> SinkResult:
        return cls(None, result)

    @classmethod
    def failed(cls, failure: Failure) -> SinkResult:
        return cls(failure)


class Sent:
    """Marks the moment a request leaves. An exception before it is transient, an unclassified one after it is unknown.

    A sink calls `sent()` right before the first byte goes out. It raises Fenced when the lease is over.
    """

    __slots__ = ("_check", "left")

    def __init__(self, check: Callable[[], None] | None = None) -> None:
        self._check = check
        self.left = False

    def __call__(self) -> None:
        if self._check is not None:
            self._check()
        self.left = True


@dataclass(frozen=True, slots=True)
class ConnectorContext:
    """What a Source, Sink or Call reaches of the engine."""

    clock: Clock
    log: Callable[[str, Mapping[str, Any]], None]
    sent: Sent = field(default_factory=Sent)
    timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A request to a connection in the middle of a route."""

    step: str
    connection: str
    action: str
    request: Any
    event_id: str
    effect: str = ""  # stable name when the action has a guarantee (it changes something)
    output_key: str = ""
    timeout: float = 20.0
    retries: int = 2


class Connection(ABC):
    """An opened connection: a client of one outside system, shared by everything that uses its name."""

    @abstractmethod
    async def open(self) -> None:
        """Prepare; may connect. Raises Failure."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything."""

    async def check(self) -> str:
        """For `doctor`, on a Connection that was not opened, and before a swap, on one that was: a sentence about what
        was asked and what answered. It makes and changes nothing, here and there. Raises Failure.
        """
        return NOT_ASKED


class Sink(ABC):
    """Where deliveries leave."""

    actions: ClassVar[Mapping[str, Action]]

    @abstractmethod
    def __init__(self, connection: Any) -> None:
        """`connection` is the connector's opened Connection."""

    @abstractmethod
    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        """One result per item, same order. Raising is allowed: it counts for every item (see Sent)."""

    async def verify(self, item: SinkItem, ctx: ConnectorContext) -> bool:
        """For the guarantee `verify`: is the effect there? Raises Failure when it cannot be told."""
        raise NotImplementedError(f"{type(self).__name__} has no `verify` action")


class Call(ABC):
    """Request and reply in the middle of a route."""

    actions: ClassVar[Mapping[str, Action]]

    @abstractmethod
    def __init__(self, connection: Any) -> None: ...

    @abstractmethod
    async def call(self, item: SinkItem, ctx: ConnectorContext) -> Any:
        """The reply as a JSON value (int and Decimal, no float). Raises Failure."""


# --- sources ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something a source has in hand: bytes not yet decoded, with what is needed to let go of it.

    name     file name or request path, for people
    id       the source's own natural id (a webhook's id, a tick); empty: content and position identify the records
    content  raw bytes; already parsed values are put in `value` instead
    ack      called when all of it is durable; its argument says how many records became work items
    release  called when it could not be taken in now; the source offers it again
    reply    for a synchronous source: called with the outcome's reply before the ack
    failure  set when the source itself refuses it (too large, an unsafe name): one work item, then the ack
    """

    name: str
    ack: Callable[[int], Awaitable[None]]
    release: Callable[[Failure], Awaitable[None]]
    content: bytes = b""
    value: Any = None
    id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    reply: Callable[[Any], Awaitable[None]] | None = None
    failure: Failure | None = None


class Source(ABC):
    """Where events enter. Built from `from:` of a route: its own Config fields stand beside `use` and `connection`."""

    Config: ClassVar[type[BaseModel]]
    exclusive: ClassVar[bool] = False  # True: only one process may run it at a time
    default_format: ClassVar[str] = ""  # used when `from` names none; empty: `format` is required

    @abstractmethod
    def __init__(self, config: Any, connection: Any, route: str) -> None: ...

    @abstractmethod
    def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
        """Give what comes in, one after the other, until cancelled. An Arrival not acked is offered again later."""

    async def close(self) -> None:  # noqa: B027 - most sources have nothing to stop
        """Stop taking in; called before the task is cancelled. It may wait a few seconds until what came is given."""


class SourceContext(ABC):
    """What a Source reaches of the engine."""

    clock: Clock
    route: str

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

    @abstractmethod
    def log(self, text: str, facts: Mapping[str, Any] | None = None) -> None: ...


# --- formats and auth ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a document. `line` counts from 1; `number` is its position among the records, from 0."""

    data: Any
    number: int
    line: int = 0


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be decoded: its neighbours proceed, it becomes a work item with file and line."""

    failure: Failure
    number: int
    line: int = 0
    raw: bytes = b""


class Format(ABC):
    """Bytes to records and back. No I/O. A document that cannot be decoded at all raises Failure `corrupt-document`."""

    Config: ClassVar[type[BaseModel]]

    @abstractmethod
    def __init__(self, config: Any) -> None: ...

    @abstractmethod
    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        """Records in order, lazily."""

    def encode(self, items: Sequence[Any]) -> bytes:
        """A document that holds these records."""
        raise NotImplementedError(f"{type(self).__name__} only reads")

    def schema(self) -> dict[str, Any] | None:
        """JSON Schema of one record, against which paths are checked; None when nothing is known."""
        return None


class AuthScheme(ABC):
    """How requests prove who sends them, outgoing and incoming. `now` is UTC microseconds."""

    Config: ClassVar[type[BaseModel]]

    @abstractmethod
    def __init__(self, config: Any) -> None: ...

    async def sign(self, method: str, url: str, headers: dict[str, str], body: bytes, now: int) -> None:
        """Add what the other side needs to `headers`."""
        raise NotImplementedError(f"{type(self).__name__} does not sign outgoing requests")

    def verify(self, url: str, headers: Mapping[str, str], body: bytes, now: int) -> str:
        """Check an incoming request over its raw bytes; answers the sender's own id of it, or empty.

        Raises Permanent `unauthorized` with a text that tells nothing about the secret. Compares in constant time.
        """
        raise NotImplementedError(f"{type(self).__name__} does not check incoming requests")
