"""Step type `delay`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from engine.core.quoting import short
from engine.sdk import (
    Build,
    Cut,
    Duration,
    Expression,
    Frame,
    Kept,
    Options,
    Permanent,
    decode,
    reaching,
    step,
    written,
)

SOON = 0.001  # a timer is due after some time; 0 would mean that there is none


@step("delay")
class Delay(Cut):
    """Keeps the event and lets it go on later.

    `delay: {for: 15m}`, or `delay: {until: promised_at}` with a date-time (`2026-03-14T09:00:00Z`) or a date (its first
    moment in UTC). The event waits in the Store, not in a process: it survives a restart and holds nobody up. A moment
    that has passed already means at once.
    On failure: a moment that is missing or cannot be read is the work item `not-a-moment`.
    """

    reaches = reaching("state")

    class Config(Options):
        for_: Duration | None = Field(None, alias="for", description="how long", examples=["15m"])
        until: Expression | None = Field(None, description="until when: a date-time with an offset, or a date")

    def __init__(self, config: Config, build: Build) -> None:
        if (config.for_ is None) == (config.until is None):
            build.finding("TF1169", "a delay has exactly one of `for` and `until`")
        self._for = config.for_ or 0.0
        self._until = config.until

    def keep(self, frame: Frame) -> Kept:
        seconds = self._for
        if self._until is not None:
            seconds = _moment(self._until(frame.data, frame.env), self._until.text) - frame.env.now() / 1_000_000
        return Kept(
            step="",
            kind="timer",
            key=frame.event.id,
            body=written({"data": frame.data, "schema": frame.schema}),
            due=max(SOON, seconds),
            amount=frame.event.amount,
            output_key=frame.output_key,
        )

    def resume(self, bodies: Sequence[bytes]) -> tuple[Any, str]:
        kept = decode(bodies[0])
        return kept["data"], kept["schema"]


def _moment(value: Any, text: str) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Permanent(
            "not-a-moment", f"`{short(text)}` gives {short(repr(value))}; a date-time or date is needed"
        ) from None
    if moment.tzinfo is None:
        if len(value) > len("2026-03-14"):
            raise Permanent(
                "not-a-moment", f"`{short(text)}` gives {short(repr(value))}, a time without its offset from UTC"
            )
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
