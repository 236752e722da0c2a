"""Operations of ports.store.figures: counted and summed in SQL, where numeric sums are exact."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files

from engine.backends.conditions import OF_ANOTHER_RECORD, with_conditions
from engine.backends.postgres.draft import Connection
from engine.backends.postgres.ops.topic import Directs
from engine.backends.postgres.text import plain, stored
from engine.core.numbers import EXACT
from engine.ports.store.figures import Figures, FiguresOf, Lately, Overdue, TakenIn, Undecided, UndecidedOf

_FIGURES = with_conditions(files(__package__).joinpath("figures.sql").read_text("utf-8"))
_FATES = {
    5: "work_items",
    4: "in_flight",
    3: "discarded",
    2: "superseded",
    1: "applied",
    0: "filtered",
    -1: "not_selected",
}
_OVERDUE = f"""
SELECT route, day, id FROM inbox AS i
WHERE at >= $1 AND at < $2 AND kind = 'deliveries'
  AND NOT EXISTS (
    SELECT 1 FROM work_item AS w WHERE w.event_id = i.id AND w.route = i.route AND w.state = 'open'
      AND NOT {OF_ANOTHER_RECORD})
  AND NOT EXISTS (
    SELECT 1 FROM work_item AS w WHERE w.subject = i.id AND w.route = i.route AND w.state = 'open')
  AND EXISTS (
    SELECT 1 FROM json_array_elements(i.planned) AS d (planned)
    LEFT JOIN ledger AS l ON l.day = d.planned ->> 1 AND l.id = d.planned ->> 2
    WHERE CASE d.planned ->> 3 WHEN 'bus' THEN i.state <> 'routed'
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
    duplicates: int = 0

    def add(self, rank: int, reason: str, currency: str, events: int, amount: Decimal | None, duplicates: int) -> None:
        self.counts["received"] += events
        self.counts[_FATES[rank]] += events
        self.duplicates += duplicates
        if rank == 0:
            self.filtered_by[reason] += events
        if amount is not None:
            self.received[currency] = EXACT.add(self.received[currency], amount)
            if rank == 1:
                self.applied[currency] = EXACT.add(self.applied[currency], amount)

    def figures(self, route: str, sink: str) -> Figures:
        return Figures(
            route,
            sink,
            **self.counts,
            duplicates=0 if sink else self.duplicates,
            filtered_by=dict(self.filtered_by),
            received_amount=dict(self.received),
            applied_amount=dict(self.applied),
        )


_TAKEN_IN = "SELECT count(*) FROM inbox WHERE route = $1 AND at >= $2 AND segment = ''"
_TOOK = """
SELECT l.at - i.at FROM inbox AS i JOIN ledger AS l ON l.event_id = i.id AND l.route = i.route
WHERE i.route = $1 AND i.at >= $2 AND l.state = 'applied' ORDER BY l.at DESC LIMIT $3
"""


async def figures(connection: Connection, op: FiguresOf) -> list[Figures]:
    """Each route, followed by its sinks."""
    places: dict[tuple[str, str], _Sums] = defaultdict(_Sums)
    window = [stored(text) for text in (op.route, op.since, op.until)]
    for route, sink, *sums in plain(await connection.fetch(_FIGURES, *window)):
        places[route, sink].add(*sums)
    return [places[place].figures(*place) for place in sorted(places)]


async def overdue(connection: Connection, op: Overdue) -> list[tuple[str, str, str]]:
    found = plain(await connection.fetch(_OVERDUE, op.since, op.before))
    return [(route, day, event_id) for route, day, event_id in found]


async def lately(connection: Connection, op: Lately) -> tuple[int, list[int]]:
    events: int = await connection.fetchval(_TAKEN_IN, stored(op.route), op.since)
    return events, [row[0] for row in await connection.fetch(_TOOK, stored(op.route), op.since, op.most)]


_HEARD = """
(EXISTS (SELECT 1 FROM inbox AS i WHERE i.route = j.route AND i.day = j.day AND i.id = j.event_id)
 OR EXISTS (SELECT 1 FROM work_item AS w WHERE w.event_id = j.event_id AND w.route = j.route)
 OR EXISTS (SELECT 1 FROM work_item AS w WHERE w.subject = j.event_id AND w.route = j.route))
"""
_TAKEN = f"""
SELECT route, day, count(*), count(*) FILTER (WHERE NOT heard) FROM (
  SELECT DISTINCT route, day, event_id, {_HEARD} AS heard FROM journal AS j
  WHERE what = 'received' AND at >= $1 AND at < $2) AS taken
GROUP BY route, day ORDER BY route, day
"""
_UNHEARD = f"""
SELECT event_id, max(detail) FROM journal AS j
WHERE what = 'received' AND route = $1 AND day = $2 AND at >= $3 AND at < $4 AND NOT {_HEARD}
GROUP BY event_id ORDER BY min(at), event_id LIMIT $5
"""


async def undecided(connection: Connection, op: Undecided) -> list[TakenIn]:
    return [TakenIn(*row) for row in plain(await connection.fetch(_TAKEN, op.since, op.before))]


async def undecided_of(connection: Connection, op: UndecidedOf) -> list[tuple[str, str]]:
    facts = (stored(op.route), stored(op.day), op.since, op.before, op.limit)
    return [(event, place) for event, place in plain(await connection.fetch(_UNHEARD, *facts))]


READS: Directs = {
    FiguresOf: figures,
    Overdue: overdue,
    Lately: lately,
    Undecided: undecided,
    UndecidedOf: undecided_of,
}
