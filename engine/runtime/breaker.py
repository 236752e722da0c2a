"""A circuit breaker: after enough failures within a window nothing is started but one probe now and then."""

from __future__ import annotations

import math
from collections import deque

from engine.core.clock import Clock


class Breaker:
    """closed -> open after `failures` within `within` seconds; every `probe_every` seconds one probe may go.

    A probe that succeeds closes it, one that fails leaves it open for another `probe_every`.
    """

    def __init__(self, failures: int, within: float, probe_every: float, clock: Clock) -> None:
        self._limit = max(1, failures)
        self._within = within
        self._every = probe_every
        self._clock = clock
        self._failed: deque[float] = deque(maxlen=self._limit)
        self._next_probe = 0.0
        self._open = False
        self._probing = False

    @property
    def open(self) -> bool:
        return self._open

    def wait(self) -> float:
        """Seconds until something may start: 0 now, infinity while a probe is out."""
        if not self._open:
            return 0.0
        if self._probing:
            return math.inf
        return max(0.0, self._next_probe - self._clock.monotonic())

    def retry_after(self) -> float:
        """Seconds after which asking again makes sense, for those who wait elsewhere."""
        wait = self.wait()
        return self._every if math.isinf(wait) else wait

    def start(self) -> bool:
        """Something starts; True when it is the probe. Only when `wait()` is 0."""
        self._probing = self._open
        return self._open

    def succeeded(self, probe: bool) -> None:
        """It answered, whatever it said. Late answers of what started before it opened change nothing."""
        if probe:
            self._open = self._probing = False
            self._failed.clear()

    def failed(self, probe: bool) -> None:
        """It did not answer."""
        now = self._clock.monotonic()
        if probe:
            self._probing = False
            self._next_probe = now + self._every
            return
        self._failed.append(now)
        if not self._open and len(self._failed) == self._limit and now - self._failed[0] <= self._within:
            self._open = True
            self._next_probe = now + self._every

    def dropped(self, probe: bool) -> None:
        """What started was not carried out after all; the next one may probe."""
        if probe:
            self._probing = False
