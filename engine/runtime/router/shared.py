"""What the routers and intakes of a process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from engine.runtime.cell import Cell
from engine.runtime.people.journal import Journal
from engine.runtime.plans import Plans
from engine.runtime.router.env import Surroundings
from engine.runtime.watch import Watch


@dataclass
class Shared:
    """What is handed to each of them.

    wake   called when a group was closed or a timer set: somebody should look at them
    """

    cell: Cell
    plans: Plans
    around: Surroundings
    journal: Journal
    watch: Watch = field(default_factory=Watch)
    rng: Random = field(default_factory=Random)
    wake: Callable[[], None] = lambda: None

    def now(self) -> int:
        return self.cell.clock.now()
