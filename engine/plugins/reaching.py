"""What reaches an outside system: a Connection, the Sinks and Calls over it, their actions, and what they are handed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from msgspec import Struct, field
from pydantic import BaseModel

from engine.core.clock import Clock
from engine.core.errors import Failure

Guarantee = Literal["idempotency_key", "upsert", "same_transaction", "verify", "at_least_once", "at_most_once"]
"""How a repeat is kept from doubling an action's effect; what the engine does after an unknown outcome follows from it.

idempotency_key   the system absorbs a second request with the key of the first (`SinkItem.key`): repeated
upsert            the same request overwrites itself: repeated
same_transaction  the effect and a row with the key are one transaction of the system: repeated
verify            `Sink.verify` asks whether the effect is there, after `Action.settle` seconds; repeated when it is not
at_least_once     repeated, and may double; a financial route has to say why that is no harm
at_most_once      never repeated: a person decides; a financial route has to say why that is no harm
"""

NOT_ASKED = "not asked: its connector has no check"
# After an unknown outcome: the first three are simply repeated, `verify` asks first.
REPEATABLE: frozenset[str] = frozenset({"idempotency_key", "upsert", "same_transaction", "verify"})


class Action(Struct, frozen=True):
    """One thing a Sink or Call can do.

    config     model of what `with` may hold: names, types and descriptions of the evaluated values
    body       name of the field that `map` fills; empty: the mapped document is the whole request
    guarantee  how a repeat is kept from doubling the effect; None for a Call that only reads
    settle     seconds the system needs before `verify` can be trusted
    batch      most items of one `deliver`
    replaces   name of the field of `with` that says what is overwritten (a file's name): at a financial route what one
               delivery wrote is kept from all others
    """

    config: type[BaseModel]
    guarantee: Guarantee | None = None
    body: str = ""
    summary: str = ""
    settle: float = 0.0
    batch: int = 1
    replaces: str = ""


class SinkItem(Struct, frozen=True):
    """One delivery in the hands of a sink.

    key            the idempotency key: the delivery id, `:rN` behind it for one that a person edited
    request        a dict of the evaluated `with` and the mapped document under `Action.body`; without a `body` name
                   and with `map`, the mapped document itself. JSON values: int and Decimal, no float
    attempt        counts from 1
    maybe_applied  an earlier try may have had its effect
    """

    key: str
    request: Any
    action: str
    event_id: str
    attempt: int = 1
    maybe_applied: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class SinkResult(Struct, frozen=True):
    """How one item ended: applied (with an optional small result) or a Failure."""

    failure: Failure | None = None
    result: Any = None

    @classmethod
    def applied(cls, result: Any = None) -> SinkResult:
        """The effect is there. `result` is a small JSON value (a number the system gave) that the ledger keeps."""
        return cls(None, result)

    @classmethod
    def failed(cls, failure: Failure) -> SinkResult:
        """It is not there, or not known to be: the Failure's class decides what happens next, for this item only."""
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


class ConnectorContext(Struct, frozen=True):
    """What a Sink or Call reaches of the engine.

    clock    time and sleep; tests make it jump, so a connector asks no other
    log      (text, facts): a line of the engine's log, facts as name -> value; never a secret or a body
    sent     call it right before the first byte of a request leaves (see Sent)
    timeout  seconds until the engine cuts the request off; hand it to the client
    """

    clock: Clock
    log: Callable[[str, Mapping[str, Any]], None]
    sent: Sent = field(default_factory=Sent)
    timeout: float = 20.0


class CallRequest(Struct, frozen=True):
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
        """Prepare; may connect, within the connection's timeout. Raises Failure.

        Transient is tried again, Permanent waits for a person. Of another exception only its class is told: its words
        may hold a secret.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything."""

    async def check(self) -> str:
        """For `doctor`, on a Connection that was not opened, and before a swap, on one that was: a sentence about what
        was asked and what answered. It makes and changes nothing, here and there. Raises Failure.
        """
        return NOT_ASKED

    async def lacks(self, requests: Sequence[Mapping[str, Any]]) -> list[str]:
        """For `doctor`, after `check`: what these sinks' requests need and the system does not have, a sentence each.

        requests   the values of each sink's `with` that are constant
        """
        return []


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
    def __init__(self, connection: Any) -> None:
        """`connection` is the connector's opened Connection."""

    @abstractmethod
    async def call(self, item: SinkItem, ctx: ConnectorContext) -> Any:
        """The reply as a JSON value (int and Decimal, no float). Raises Failure."""
