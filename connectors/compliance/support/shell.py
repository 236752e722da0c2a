"""The shell of a chained step: durable state under a lock around a pure function, once per event.

`ctx.state(key, event_id)` of the engine does the rest: what was recorded for an event comes back as it was, so a
repeated event neither signs a second record nor moves the chain. Of two processes that advance one chain at once, one
loses and goes on from what the other left: a till that waits is not refused for that. What it made before is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field

from connectors.compliance.support.links import Begin, Missing, Rules
from engine.sdk import (
    ChainState,
    Env,
    Expr,
    Expression,
    Frame,
    Options,
    Path,
    Permanent,
    Rejected,
    Transient,
    digest_of,
    key_text,
)

Advance = Callable[[Any], tuple[dict[str, Any], dict[str, Any]]]
PLACE = ("extensions", "fiscal")
TRIES = 10  # times that others advance a chain first until this one gives up; each time one of them has gone on
MOVED = "chain-moved"


class Chained(Options):
    """Settings every chained rule has."""

    chain: list[Expression] = Field(
        min_length=1,
        description="What one chain belongs to: one key, one chain. Never two systems that sign under one key.",
        examples=[["lookup('stores', store.id).tax_id", "extensions.fiscal.system"]],
    )
    into: Path | None = Field(
        None, description="Where the result goes; `extensions.fiscal` when left out.", examples=["extensions.fiscal"]
    )
    begin: Begin = Field(
        "anywhere",
        description="`verify` only. `anywhere`: the first record that is seen is believed, for tills that signed before tillflow "
        "came. `first`: a chain has to begin with its first record.",
    )
    missing: Missing = Field(
        "wait",
        description="`verify` only. A record whose predecessor has not come: `wait` tries again later and ends as a work item, "
        "`refuse` makes the work item at once.",
    )

    @property
    def place(self) -> tuple[str, ...]:
        """Where the result goes."""
        return self.into or PLACE

    @property
    def rules(self) -> Rules:
        """How strict the chain is watched."""
        return Rules(self.begin, self.missing)


def chain_key(rule: str, key: Sequence[Expr], data: Any, env: Env) -> str:
    """The key of a chain's durable state: rules never share one. Raises Permanent `key-incomplete`."""
    parts = [part(data, env) for part in key]
    for part, value in zip(key, parts, strict=True):
        if value is None:
            raise Permanent(
                "key-incomplete", f"`{part.text}` is missing: nothing says which chain the record belongs to"
            )
    return f"{rule}|{key_text(tuple(parts))}"


async def chained(frame: Frame, key: str, advance: Advance, of: Any) -> dict[str, Any]:
    """What was recorded for this event, or what `advance(state)` gives: (entry, next state), stored as one.

    `of`: what the entry is of; an event that comes again with something else is refused.
    Raises what `advance` raises, Permanent `no-chain-state` where nothing durable is at hand, Rejected
    `fiscal-record-changed`, Transient `chain-moved` when others were quicker all the time.
    """
    if frame.context is None:
        raise Permanent("no-chain-state", "a chained step needs the engine's durable state, and none is at hand here")
    event = f"{frame.event.id}|{frame.output_key}" if frame.output_key else frame.event.id
    made_of = digest_of(of)
    lost = 0
    while True:
        try:
            async with frame.context.state(key, event) as state:
                return _entry(state, advance, made_of)
        except Transient as failure:
            lost += 1
            if failure.reason != MOVED or lost == TRIES:
                raise


def _entry(state: ChainState, advance: Advance, made_of: str) -> dict[str, Any]:
    if state.recorded is None:
        entry, after = advance(state.value)
        state.advance(after, {"entry": entry, "of": made_of})
        return entry
    if state.recorded["of"] not in ("", made_of):  # empty: issued before it was written down what of
        raise Rejected("fiscal-record-changed", "this event came before, with another fiscal record")
    recorded: dict[str, Any] = state.recorded["entry"]
    return recorded


def record_of(value: Expr, data: Any, env: Env, what: str) -> Any:
    """The fiscal record an event carries. Raises Rejected `fiscal-record-missing`."""
    found = value(data, env)
    if found is None or found in ("", {}):
        raise Rejected("fiscal-record-missing", f"the event carries no {what}")
    return found


def put_all(frame: Frame, place: tuple[str, ...], entry: dict[str, Any]) -> None:
    """Put the entry's parts beside what is at `place` already."""
    for name, value in entry.items():
        frame.put((*place, name), value)
