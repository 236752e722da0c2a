"""Time as a port: everything that reads or waits for time is handed a Clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time in UTC microseconds, monotonic time in seconds, and waiting."""

    def now(self) -> int:
        """UTC microseconds since 1970. May jump; never use it for an interval."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow. For leases, timeouts and rates."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long on this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """UTC microseconds since 1970, of the machine."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds; at once for zero and less."""
        await asyncio.sleep(max(0.0, seconds))


def iso(micros: int) -> str:
    """UTC microseconds as RFC 3339 text, e.g. `2026-03-14T09:15:42.000000Z`."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def day_of(micros: int) -> str:
    """The UTC calendar day of a moment, e.g. `2026-03-14`."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC).date().isoformat()
