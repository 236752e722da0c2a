"""What all lanes of a process share."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from engine.compile.plan import PlannedSink
from engine.ports.store.journal import Entry
from engine.runtime.carrying.codec import Delivery
from engine.runtime.cell import Cell
from engine.runtime.delivery.limits import TokenBucket
from engine.runtime.delivery.pool import Pool
from engine.runtime.people.journal import Journal, entry
from engine.runtime.plans import Plans
from engine.runtime.watch import Watch


@dataclass
class Desk:
    """Handed to every lane. `rng` gives the jitter of retries; `watch` knows which deliveries are suspects."""

    cell: Cell
    plans: Plans
    pool: Pool
    journal: Journal
    watch: Watch
    rng: Random = field(default_factory=Random)
    _buckets: dict[tuple[str, str], tuple[PlannedSink, TokenBucket]] = field(default_factory=dict)

    def now(self) -> int:
        return self.cell.clock.now()

    def bucket(self, route: str, sink: PlannedSink) -> TokenBucket | None:
        """The rate of one sink; None where it has none."""
        if sink.rate is None:
            return None
        known = self._buckets.get((route, sink.id))
        if known is None or known[0].rate != sink.rate:
            known = self._buckets[route, sink.id] = (sink, TokenBucket(sink.rate, self.cell.clock, self.pool.share))
        return known[1]

    def entry(self, delivery: Delivery, what: str, detail: str = "") -> Entry:
        """A line of the journal about one delivery."""
        return entry(
            delivery.event,
            delivery.route,
            what,
            self.now(),
            sink=delivery.sink,
            attempt=delivery.attempt,
            detail=": ".join(part for part in (delivery.output_key, detail) if part),
            revision=self.plans.revision,
        )
