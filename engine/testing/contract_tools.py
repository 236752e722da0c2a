"""What the contracts are run with: a clock that does not wait, and contexts without an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from engine.core.errors import Fenced
from engine.plugins.contracts import ConnectorContext, Sent, SourceContext


class InstantClock:
    """A clock whose `sleep` returns at once and moves time on. For real sockets and files without waiting."""

    def __init__(self, start: int = 1_773_480_000_000_000) -> None:
        self._now = start
        self._begin = start

    def now(self) -> int:
        """UTC microseconds."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since it was made."""
        return (self._now - self._begin) / 1_000_000

    def advance(self, seconds: float) -> None:
        """Move time on."""
        self._now += round(seconds * 1_000_000)

    async def sleep(self, seconds: float) -> None:
        """Moves time on by so many seconds and lets other tasks run once."""
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
        self.journaled: list[tuple[str, str, str]] = []  # file, what, detail
        self.turned_away: list[str] = []  # reasons
        self._cursor = ""

    async def cursor(self) -> str:
        """What was advanced to last; empty at the beginning."""
        return self._cursor

    async def advance(self, value: str) -> None:
        """Keep the cursor."""
        self._cursor = value

    async def seen(self, key: str) -> str | None:
        """The note of this key; None where nothing was remembered."""
        return self.notes.get(key)

    async def remember(self, key: str, note: str = "") -> None:
        """Keep it in `notes`."""
        self.notes[key] = note

    async def journal(self, key: str, file: str, what: str, detail: str) -> None:
        """Keep it in `journaled`."""
        self.journaled.append((file, what, detail))

    def refused(self, reason: str) -> None:
        """Keep it in `turned_away`."""
        self.turned_away.append(reason)

    def log(self, text: str, facts: Mapping[str, Any] | None = None) -> None:
        """Keep it in `logged`."""
        self.logged.append((text, facts or {}))


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
