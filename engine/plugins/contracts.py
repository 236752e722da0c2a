"""What a plugin implements, in one place for the engine's own use: steps, what reaches a system, sources, formats.

Each is a class with a nested pydantic `Config`. The decorators of `engine.plugins.spec` attach a ComponentSpec to it.
"""

from __future__ import annotations

from engine.plugins.arriving import Arrival, Source, SourceContext
from engine.plugins.formatting import AuthScheme, BadRecord, Format, Record
from engine.plugins.reaching import (
    NOT_ASKED,
    REPEATABLE,
    Action,
    Call,
    CallRequest,
    Connection,
    ConnectorContext,
    Guarantee,
    Sent,
    Sink,
    SinkItem,
    SinkResult,
)
from engine.plugins.stepping import PURE, Cut, Reach, Step, reaching

__all__ = [
    "NOT_ASKED",
    "PURE",
    "REPEATABLE",
    "Action",
    "Arrival",
    "AuthScheme",
    "BadRecord",
    "Call",
    "CallRequest",
    "Connection",
    "ConnectorContext",
    "Cut",
    "Format",
    "Guarantee",
    "Reach",
    "Record",
    "Sent",
    "Sink",
    "SinkItem",
    "SinkResult",
    "Source",
    "SourceContext",
    "Step",
    "reaching",
]
