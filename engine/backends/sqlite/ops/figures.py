"""Operations of ports.store.figures: counted in SQL, amounts summed here because SQLite would sum them as floats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers
from engine.core.numbers import EXACT
from engine.ports.store.figures import Figures, FiguresOf, Overdue

_FIGURES = files(__package__).joinpath("figures.sql").read_text("utf-8")
_RANKS = {
    5: "work_items",
    4: "in_flight",
    3: "discarded",
    2: "superseded",
    1: "applied",
    0: "filtered",
    -1: "not_selected",
}
_OVERDUE = """
SELECT route, day, id FROM inbox AS i
WHERE at >= ? AND at < ? AND kind = 'deliveries'
  AND NOT EXISTS (SELECT 1 FROM work_item AS w WHERE w.event_id = i.id AND w.route = i.route AND w.state = 'open')
  AND EXISTS (
    SELECT 1 FROM json_each(i.planned) AS d
    LEFT JOIN ledger AS l ON l.day = json_extract(d.value, '$[1]') AND l.id = json_extract(d.value, '$[2]')
    WHERE CASE json_extract(d.value, '$[3]') WHEN 'bus' THEN i.state <> 'routed'
      ELSE coalesce(l.state, '') NOT IN ('applied', 'work_item', 'discarded', 'superseded') END)
ORDER BY at, route, day, id
"""


@dataclass
class _Sums:
    """One place's figures while they are added up."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    filtered_by: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    received: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    applied: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, rank: int, reason: str, amount: str, currency: str, count: int) -> None:
        self.counts["received"] += count
        self.counts[_RANKS[rank]] += count
        if rank == 0:
            self.filtered_by[reason] += count
        if amount:
            total = EXACT.multiply(Decimal(amount), Decimal(count))
            self.received[currency] = EXACT.add(self.received[currency], total)
            if rank == 1:
                self.applied[currency] = EXACT.add(self.applied[currency], total)

    def figures(self, route: str, sink: str) -> Figures:
        return Figures(
            route,
            sink,
            **self.counts,
            filtered_by=dict(self.filtered_by),
            received_amount=dict(self.received),
            applied_amount=dict(self.applied),
        )


def figures(connection: Connection, op: FiguresOf) -> list[Figures]:
    """Each route, followed by its sinks."""
    parameters = {"route": op.route, "since": op.since, "until": op.until}
    return _added(connection.execute(_FIGURES, parameters))


def _added(rows: Iterable[tuple[str, str, int, str, str, str, int, int]]) -> list[Figures]:
    places: dict[tuple[str, str], _Sums] = {}
    for route, sink, rank, reason, amount, currency, count, duplicates in rows:
        sums = places.setdefault((route, sink), _Sums())
        sums.add(rank, reason, amount, currency, count)
        if not sink:
            sums.counts["duplicates"] += duplicates
    return [sums.figures(*place) for place, sums in places.items()]


def overdue(connection: Connection, op: Overdue) -> list[tuple[str, str, str]]:
    return connection.execute(_OVERDUE, (op.since, op.before)).fetchall()


HANDLERS: Handlers = {FiguresOf: figures, Overdue: overdue}
