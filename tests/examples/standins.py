"""Connectors the examples use and this version does not have: names, actions, guarantees, and nothing behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from engine.sdk import (
    Action,
    Connection,
    Connector,
    ConnectorContext,
    Options,
    Permanent,
    SecretText,
    Sink,
    SinkItem,
    SinkResult,
    sink,
)


class Login(Options):
    """Who we are."""

    user: str = Field(description="Name of the user.")
    password: SecretText = Field(description="Its password.")


class TrytonConfig(Options):
    """A connection to an ERP."""

    url: str = Field(description="Where it is.")
    database: str = Field(description="Which of its databases.")
    login: Login = Field(description="Who we are.")


class KlaviyoConfig(Options):
    """A connection to a marketing service."""

    api_key: SecretText = Field(description="The key of the account.")


class Nowhere(Connection):
    """A connection that leads nowhere: whoever opens it has left the test."""

    def __init__(self, config: Any) -> None:
        self.config = config

    async def open(self) -> None:
        raise Permanent("stand-in", "this connector stands in for a later one")

    async def close(self) -> None:
        return None


class Tryton(Nowhere):
    """The ERP."""

    Config = TrytonConfig


class Klaviyo(Nowhere):
    """The marketing service."""

    Config = KlaviyoConfig


class Move(Options):
    """A journal entry."""

    move: Any = Field(description="The entry.")


class Stock(Options):
    """Stock that moved."""

    moves: Any = Field(description="What moved.")


class Track(Options):
    """Something a profile did."""

    event: Any = Field(description="What it did.")


class _Silent(Sink):
    def __init__(self, connection: Any) -> None:
        return None

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        raise Permanent("stand-in", "this connector stands in for a later one")


@sink("erp.tryton")
class TrytonSink(_Silent):
    """Posts journal entries and movements of stock."""

    actions: ClassVar = {
        "post_move": Action(Move, "verify", body="move", settle=5.0, summary="Post an entry."),
        "post_stock": Action(Stock, "verify", body="moves", settle=5.0, summary="Post movements."),
    }


@sink("saas.klaviyo")
class KlaviyoSink(_Silent):
    """Tracks what profiles do."""

    actions: ClassVar = {"track": Action(Track, "idempotency_key", body="event", summary="Track an event.")}


STAND_INS = (
    Connector("erp.tryton", (TrytonSink,), Tryton, "An ERP."),
    Connector("saas.klaviyo", (KlaviyoSink,), Klaviyo, "A marketing service."),
)
