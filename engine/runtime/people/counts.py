"""What a process counts as it works, for its metrics: what became of events, and how long requests took.

Counted is what is written down: every line of the journal that the Store took is one. Labels are names of the project's
own routes, sinks and connections, and outcomes; never an id, a key or a text of an event.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from engine.core.errors import Failure
from engine.ports.store import Op, Store
from engine.ports.store.journal import JournalAppend
from engine.runtime.cell import Cell

BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds, upper bounds

R = TypeVar("R")


@dataclass
class Histogram:
    """Durations in seconds: `counts` by the buckets above and one for all that are longer, with their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Counts:
    """events: (route, sink, outcome) -> how many; requests: (connection, outcome) -> how long they took.

    The outcome of an event is what its journal line says; that of a request is `ok` or the class of its failure.
    """

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str, str]] = Counter()
        self.requests: dict[tuple[str, str], Histogram] = {}

    def written(self, ops: Sequence[Op[Any]]) -> None:
        """The Store took these."""
        for op in ops:
            if type(op) is JournalAppend:
                self.events.update((line.route, line.sink, line.what) for line in op.entries)

    def requested(self, connection: str, seconds: float, failure: Failure | None) -> None:
        """One request ended."""
        key = (connection, failure.kind if failure is not None else "ok")
        histogram = self.requests.get(key)
        if histogram is None:
            histogram = self.requests[key] = Histogram()
        histogram.observe(seconds)


class CountingStore:
    """A Store that counts what it is given. See ports.store.Store."""

    def __init__(self, real: Store, counts: Counts) -> None:
        self._real = real
        self._counts = counts

    async def open(self) -> None:
        await self._real.open()

    async def close(self) -> None:
        await self._real.close()

    async def apply(self, op: Op[R]) -> R:
        answer = await self._real.apply(op)
        self._counts.written((op,))
        return answer

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        answers = await self._real.apply_all(*ops)
        self._counts.written(ops)
        return answers


def counting(cell: Cell, counts: Counts) -> Cell:
    """The cell with a Store that counts."""
    return replace(cell, store=CountingStore(cell.store, counts))
