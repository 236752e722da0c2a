"""Virtual time: an asyncio loop that jumps to its next timer instead of waiting for it.

Everything that waits through asyncio (sleep, timeouts, call_later) runs on it unchanged and in order; two hours of
retries take milliseconds and come out the same each time. It is for work without threads or sockets: whatever waits
for those would see time jump past its timeout.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
START = 1_773_480_000_000_000  # 2026-03-14T09:20:00Z


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: what would be waited for is handed to the loop as a jump."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            # Nothing is scheduled and nothing can become ready by itself: only another thread could wake us.
            return super().select(0.05)
        if not ready and timeout:
            self.loop.jump(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose `time()` is virtual."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        self._elapsed = 0.0
        super().__init__(selector)
        # A timer is due when it lies before time + resolution. The default of a nanosecond is lost in the rounding of a
        # float that counts months, and a timer that is due exactly now would never be.
        self._clock_resolution = 1e-6
        selector.loop = self

    def time(self) -> float:
        return self._elapsed

    def jump(self, seconds: float) -> None:
        """Move time forward."""
        self._elapsed += seconds


class VirtualClock:
    """A Clock on a VirtualLoop; `start` is UTC microseconds at loop time 0."""

    def __init__(self, loop: VirtualLoop, start: int = START) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> int:
        return self._start + round(self._loop.time() * 1_000_000)

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def run_virtual(main: Coroutine[Any, Any, T], loop: VirtualLoop | None = None) -> T:
    """Run a coroutine on a virtual loop to its end."""
    with asyncio.Runner(loop_factory=lambda: loop or VirtualLoop()) as runner:
        return runner.run(main)


def current_clock(start: int = START) -> VirtualClock:
    """A clock on the running virtual loop. Raises TypeError on an ordinary loop."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError("this needs a VirtualLoop: use run_virtual(...)")
    return VirtualClock(loop, start)
