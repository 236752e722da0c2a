"""What the contracts are run with: a clock that does not wait, a context without an engine, a tiny ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.core.errors import Failure, Fenced
from engine.plugins.contracts import ConnectorContext, Sent, Sink, SinkItem, SinkResult, SourceContext
from engine.runtime.attempt import classified

MOST_TRIES = 6


class InstantClock:
    """A clock whose `sleep` returns at once and moves time on. For real sockets and files without waiting."""

    def __init__(self, start: int = 1_773_480_000_000_000) -> None:
        self._now = start
        self._begin = start

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._begin) / 1_000_000

    def advance(self, seconds: float) -> None:
        """Move time on."""
        self._now += round(seconds * 1_000_000)

    async def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


def context(sent: Sent | None = None, timeout: float = 5.0, clock: InstantClock | None = None) -> ConnectorContext:
    """A ConnectorContext without an engine."""
    return ConnectorContext(clock or InstantClock(), lambda text, facts: None, sent or Sent(), timeout)


class MemorySourceContext(SourceContext):
    """A SourceContext that keeps its cursor and notes in memory; hand it to a second source to act out a restart."""

    def __init__(self, route: str = "contract", clock: InstantClock | None = None) -> None:
        self.clock = clock or InstantClock()
        self.route = route
        self.notes: dict[str, str] = {}
        self.logged: list[tuple[str, Mapping[str, Any]]] = []
        self._cursor = ""

    async def cursor(self) -> str:
        return self._cursor

    async def advance(self, value: str) -> None:
        self._cursor = value

    async def seen(self, key: str) -> str | None:
        return self.notes.get(key)

    async def remember(self, key: str, note: str = "") -> None:
        self.notes[key] = note

    def log(self, text: str, facts: Mapping[str, Any] | None = None) -> None:
        self.logged.append((text, facts or {}))


@dataclass
class Ending:
    """How one delivery ended: `applied`, `work_item` (with the failure), and how often the sink was called."""

    state: str
    failure: Failure | None = None
    result: Any = None
    tries: int = 0


@dataclass
class TinyLedger:
    """The rules of delivery in small: what follows an answer, a failure, or no answer.

    Every try that did not end it is followed by another, without waiting; `verify` asks first.
    """

    sink: Sink
    timeout: float = 5.0
    endings: dict[str, Ending] = field(default_factory=dict)

    async def deliver(self, item: SinkItem) -> Ending:
        """Until it is applied or a person must look."""
        if item.key in self.endings:
            return self.endings[item.key]
        maybe, failure = False, None
        for attempt in range(1, MOST_TRIES + 1):
            item = SinkItem(item.key, item.request, item.action, item.event_id, attempt, maybe, item.headers)
            guarantee = self.sink.actions[item.action].guarantee
            if maybe and guarantee == "at_most_once":
                return self._end(item, Ending("work_item", failure, tries=attempt - 1))
            if maybe and guarantee == "verify" and await self.sink.verify(item, context(timeout=self.timeout)):
                return self._end(item, Ending("applied", tries=attempt - 1))
            answer = await self._try(item)
            failure = answer.failure
            if failure is None:
                return self._end(item, Ending("applied", result=answer.result, tries=attempt))
            if failure.kind == "permanent":
                return self._end(item, Ending("work_item", failure, tries=attempt))
            maybe = maybe or failure.kind == "unknown_outcome"
        return self._end(item, Ending("work_item", failure, tries=MOST_TRIES))

    async def _try(self, item: SinkItem) -> SinkResult:
        sent = Sent()
        try:
            async with asyncio.timeout(self.timeout):
                (answer,) = await self.sink.deliver([item], context(sent, self.timeout))
            return answer
        except Exception as error:
            return SinkResult.failed(classified(error, sent.left))

    def _end(self, item: SinkItem, ending: Ending) -> Ending:
        self.endings[item.key] = ending
        return ending


def lease_is_over() -> None:
    """A check for `Sent` that refuses."""
    raise Fenced("the lease is over; nothing was sent")


def no_floats(value: Any, at: str = "value") -> None:
    """Raises AssertionError that names the place of a float."""
    assert not isinstance(value, float), f"{at} is the float {value!r}; numbers are int or Decimal"
    if isinstance(value, Mapping):
        for key, item in value.items():
            no_floats(item, f"{at}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            no_floats(item, f"{at}[{index}]")
