"""An edit that waits for what is outside: tried again by itself, after pauses that grow, until it runs or is replaced.

One that waits for nothing but processes that were too slow is offered so often and no more: each time all the others get
ready for it, and it is written down.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.clock import Clock, iso
from engine.ports.store.revisions import Report
from engine.runtime.reload.wanted import Wanted

FIRST = 2.0  # seconds until the second try
LONGEST = 60.0
LATE = "not ready within"  # how a leader begins what it says of a process that was too slow
MOST_LATE = 10  # offers in a row that end with that: ten minutes


@dataclass
class Waiting:
    """One edit.

    beside   the revision that ran when it began to wait: when another one runs, somebody decided otherwise
    """

    clock: Clock
    wanted: Wanted
    beside: str
    tries: int = 0
    late: int = 0  # of these in a row, those that ended with a process that was too slow
    due: float = 0.0  # on the monotonic clock

    def tried(self, *, late: bool) -> None:
        """Once more in vain. `late`: because of nothing but slow processes."""
        self.late = self.late + 1 if late else 0
        self.due = self.clock.monotonic() + min(FIRST * 2**self.tries, LONGEST)
        self.tries = min(self.tries + 1, 20)

    @property
    def is_over(self) -> bool:
        """It is not offered again by itself."""
        return self.late >= MOST_LATE

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


def only_late(reports: list[Report]) -> bool:
    """Whether nothing stood against it but that processes were too slow."""
    return only_waits(reports) and all(one.problem.startswith(LATE) for one in reports if one.stage == "waits")
