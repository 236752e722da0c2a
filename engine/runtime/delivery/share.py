"""The part of one process in what all processes of a cell may do together: limits are divided among the live ones."""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.core.clock import Clock


class Share:
    """Alone until `set` says otherwise: everything is ours.

    place, of   this process among the live ones, from 0
    news        called when this process learnt something that the others want to know at once
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._alone = True
        self._from = -math.inf
        self._until = math.inf
        self.place = 0
        self.of = 1
        self.news: Callable[[], None] = lambda: None

    def set(self, place: int, of: int, *, wait: float, lasts: float) -> None:
        """Our place now. Nothing is ours for `wait` seconds, and nothing any more when that was said `lasts` ago."""
        now = self._clock.monotonic()
        self._alone = False
        self.place, self.of = place, of
        if wait:
            self._from = now + wait
        self._until = now + lasts

    @property
    def lapsed(self) -> bool:
        """We have not looked for so long that the others count us out."""
        return self._clock.monotonic() > self._until

    @property
    def held(self) -> bool:
        """Nothing is ours now: we have just joined, or have lapsed."""
        return self._clock.monotonic() < self._from or self.lapsed

    @property
    def leads(self) -> bool:
        """One of all does it, and that is this one."""
        return self._alone or (self.place == 0 and not self.held)

    def part(self, total: int) -> int:
        """Our part of a whole number; the parts of all add up to it. With more processes than that some have none."""
        if self._alone:
            return total
        if self.held:
            return 0
        return total // self.of + (self.place < total % self.of)
