"""A circuit breaker: after enough failures within a window nothing is started but one probe now and then.

Processes of one cell share what they know of a system: the newest change of any of them holds for all (`adopt`), and
one of them probes.
"""

from __future__ import annotations

import math
from collections import deque

from engine.core.clock import Clock
from engine.runtime.delivery.share import Share

LOOK = 2.0  # seconds until one that does not probe looks again


class Breaker:
    """closed -> open after `failures` within `within` seconds, unless more succeeded between the first and the last of
    them: a system that fails now and then is not away. Every `probe_every` seconds one probe may go.

    A probe that succeeds closes it, one that fails leaves it open for another `probe_every`.
    """

    def __init__(
        self, failures: int, within: float, probe_every: float, clock: Clock, share: Share | None = None
    ) -> None:
        self._limit = max(1, failures)
        self._within = within
        self._every = probe_every
        self._clock = clock
        self._share = share or Share(clock)
        self._failed: deque[tuple[float, int]] = deque(maxlen=self._limit)  # when, and how many had succeeded by then
        self._succeeded = 0
        self._next_probe = 0.0
        self._open = False
        self._probing = False
        self.changed = 0  # UTC microseconds

    @property
    def open(self) -> bool:
        return self._open

    def wait(self) -> float:
        """Seconds until something may start: 0 now, infinity while a probe is out. Another process may be probing."""
        if not self._open:
            return 0.0
        if self._probing:
            return math.inf
        if not self._share.leads:
            return LOOK
        return max(0.0, self._next_probe - self._clock.monotonic())

    def retry_after(self) -> float:
        """Seconds after which asking again makes sense, for those who wait elsewhere."""
        wait = self.wait()
        return self._every if math.isinf(wait) or not self._share.leads else wait

    def start(self) -> bool:
        """Something starts; True when it is the probe. Only when `wait()` is 0."""
        self._probing = self._open
        return self._open

    def succeeded(self, probe: bool) -> None:
        """It answered, whatever it said. Late answers of what started before it opened change nothing."""
        self._succeeded += 1
        if probe:
            self._probing = False
            self._set(False, self._clock.now())
            self._share.news()

    def failed(self, probe: bool) -> None:
        """It did not answer."""
        now = self._clock.monotonic()
        if probe:
            self._probing = False
            self._next_probe = now + self._every
            return
        self._failed.append((now, self._succeeded))
        if not self._open and self._is_away(now):
            self._set(True, self._clock.now())
            self._share.news()

    def _is_away(self, now: float) -> bool:
        if len(self._failed) < self._limit:
            return False
        since, before = self._failed[0]
        return now - since <= self._within and self._succeeded - before <= self._limit

    def adopt(self, is_open: bool, changed: int) -> bool:
        """What another process knows; True when it is news. `changed` in UTC microseconds."""
        if changed <= self.changed:
            return False
        self._set(is_open, changed)
        return True

    def _set(self, is_open: bool, changed: int) -> None:
        self._open, self.changed = is_open, changed
        self._failed.clear()
        if is_open:
            self._next_probe = self._clock.monotonic() + self._every

    def dropped(self, probe: bool) -> None:
        """What started was not carried out after all; the next one may probe."""
        if probe:
            self._probing = False
