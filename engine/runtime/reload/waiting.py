"""An edit that waits for what is outside: tried again by itself, after pauses that grow, until it runs or is replaced."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.clock import Clock, iso
from engine.ports.store.revisions import Report
from engine.runtime.reload.wanted import Wanted

FIRST = 2.0  # seconds until the second try
LONGEST = 60.0


@dataclass
class Waiting:
    """One edit.

    beside   the revision that ran when it began to wait: when another one runs, somebody decided otherwise
    """

    clock: Clock
    wanted: Wanted
    beside: str
    tries: int = 0
    due: float = 0.0  # on the monotonic clock

    def tried(self) -> None:
        """Once more in vain."""
        self.due = self.clock.monotonic() + min(FIRST * 2**self.tries, LONGEST)
        self.tries = min(self.tries + 1, 20)

    @property
    def is_due(self) -> bool:
        return self.clock.monotonic() >= self.due

    @property
    def next_try(self) -> str:
        """When, as people read it."""
        return iso(self.clock.now() + round(max(0.0, self.due - self.clock.monotonic()) * 1_000_000))


def only_waits(reports: list[Report]) -> bool:
    """Whether all that processes reported against a revision may pass by itself."""
    stages = {one.stage for one in reports}
    return "waits" in stages and stages <= {"waits", "ready"}
