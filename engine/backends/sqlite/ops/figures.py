"""Operations of ports.store.figures: counted in SQL, amounts summed here because SQLite would sum them as floats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from sqlite3 import Connection
from typing import NamedTuple

from msgspec.structs import replace

from engine.backends.conditions import OF_ANOTHER_RECORD, with_conditions
from engine.backends.sqlite.ops.rows import Handlers
from engine.core.jsonx import decode
from engine.core.numbers import EXACT
from engine.ports.store.figures import Figures, FiguresOf, Lately, Overdue, TakenIn, Undecided, UndecidedOf

_FIGURES = with_conditions(files(__package__).joinpath("figures.sql").read_text("utf-8"))
_RANKS = {
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
WHERE at >= ? AND at < ? AND kind = 'deliveries'
  AND NOT EXISTS (
    SELECT 1 FROM work_item AS w
    WHERE (w.event_id = i.id OR w.subject = i.id) AND w.route = i.route AND w.state = 'open'
      AND NOT {OF_ANOTHER_RECORD})
  AND EXISTS (
    SELECT 1 FROM json_each(i.planned) AS d
    LEFT JOIN ledger AS l ON l.day = json_extract(d.value, '$[1]') AND l.id = json_extract(d.value, '$[2]')
    WHERE CASE json_extract(d.value, '$[3]') WHEN 'bus' THEN i.state <> 'routed'
      ELSE coalesce(l.state, '') NOT IN ('applied', 'work_item', 'discarded', 'superseded') END)
ORDER BY at, route, day, id
"""


class _Part(NamedTuple):
    """What one inbox row says of an event: rank of its outcome, deliveries (sink, rank), sinks of open work items."""

    rank: int
    reason: str
    deliveries: list[tuple[str, int]]
    waiting: list[str]

    def rank_at(self, sink: str) -> int:
        """How it counts in one sink, or (empty) in the route."""
        ranks = [rank for name, rank in self.deliveries if sink in ("", name)]
        waits = any(sink in ("", name) for name in self.waiting)
        return max(self.rank, *ranks, 5 if waits else -1, -1)


class _Story(NamedTuple):
    """Events with the same amount of which the rows say the same."""

    parts: list[_Part]
    amount: str
    currency: str
    events: int
    duplicates: int

    def rank_at(self, sink: str) -> int:
        return max(part.rank_at(sink) for part in self.parts)

    def reason(self) -> str:
        return max(part.reason for part in self.parts)


@dataclass
class _Sums:
    """One place's figures while they are added up."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    filtered_by: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    received: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    applied: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, story: _Story, rank: int) -> None:
        self.counts["received"] += story.events
        self.counts[_RANKS[rank]] += story.events
        if rank == 0:
            self.filtered_by[story.reason()] += story.events
        if story.amount:
            total = EXACT.multiply(Decimal(story.amount), Decimal(story.events))
            self.received[story.currency] = EXACT.add(self.received[story.currency], total)
            if rank == 1:
                self.applied[story.currency] = EXACT.add(self.applied[story.currency], total)

    def figures(self, route: str, sink: str) -> Figures:
        return Figures(
            route,
            sink,
            **self.counts,
            filtered_by=dict(self.filtered_by),
            received_amount=dict(self.received),
            applied_amount=dict(self.applied),
        )


_TAKEN_IN = "SELECT count(*) FROM inbox WHERE route = ? AND at >= ? AND segment = ''"
_TOOK = (
    "SELECT l.at - i.at FROM inbox AS i JOIN ledger AS l ON l.event_id = i.id AND l.route = i.route "
    "WHERE i.route = ? AND i.at >= ? AND l.state = 'applied' ORDER BY l.at DESC LIMIT ?"
)


def figures(connection: Connection, op: FiguresOf) -> list[Figures]:
    """Each route, followed by its sinks."""
    rows = connection.execute(_FIGURES, {"route": op.route, "since": op.since, "until": op.until})
    found: list[Figures] = []
    for route, group in groupby(rows, key=itemgetter(0)):
        stories = [_story(*row) for row in group]
        sinks = {sink for story in stories for part in story.parts for sink, _ in part.deliveries}
        found.append(replace(_added(route, "", stories), duplicates=sum(story.duplicates for story in stories)))
        found.extend(_added(route, sink, stories) for sink in sorted(sinks))
    return found


def _story(_: str, text: str, amount: str, currency: str, events: int, duplicates: int) -> _Story:
    parts = [_Part(*part) for part in decode(text)]
    return _Story(parts, amount, currency, events, duplicates)


def _added(route: str, sink: str, stories: Iterable[_Story]) -> Figures:
    sums = _Sums()
    for story in stories:
        sums.add(story, story.rank_at(sink))
    return sums.figures(route, sink)


def overdue(connection: Connection, op: Overdue) -> list[tuple[str, str, str]]:
    return connection.execute(_OVERDUE, (op.since, op.before)).fetchall()


def lately(connection: Connection, op: Lately) -> tuple[int, list[int]]:
    events = connection.execute(_TAKEN_IN, (op.route, op.since)).fetchone()[0]
    return events, [took for (took,) in connection.execute(_TOOK, (op.route, op.since, op.most))]


_HEARD = (
    "(EXISTS (SELECT 1 FROM inbox AS i WHERE i.route = j.route AND i.day = j.day AND i.id = j.event_id) "
    "OR EXISTS (SELECT 1 FROM work_item AS w WHERE w.event_id = j.event_id AND w.route = j.route) "
    "OR EXISTS (SELECT 1 FROM work_item AS w WHERE w.subject = j.event_id AND w.route = j.route))"
)
_TAKEN = (
    "SELECT route, day, count(*), sum(heard = 0) FROM ("
    f"SELECT DISTINCT route, day, event_id, {_HEARD} AS heard FROM journal AS j "
    "WHERE what = 'received' AND at >= ? AND at < ?) GROUP BY route, day ORDER BY route, day"
)
_UNHEARD = (
    "SELECT event_id, max(detail) FROM journal AS j WHERE what = 'received' AND route = ? AND day = ? AND at >= ? "
    f"AND at < ? AND NOT {_HEARD} GROUP BY event_id ORDER BY min(at), event_id LIMIT ?"
)


def undecided(connection: Connection, op: Undecided) -> list[TakenIn]:
    return [TakenIn(*row) for row in connection.execute(_TAKEN, (op.since, op.before))]


def undecided_of(connection: Connection, op: UndecidedOf) -> list[tuple[str, str]]:
    facts = (op.route, op.day, op.since, op.before, op.limit)
    return connection.execute(_UNHEARD, facts).fetchall()


HANDLERS: Handlers = {
    FiguresOf: figures,
    Overdue: overdue,
    Lately: lately,
    Undecided: undecided,
    UndecidedOf: undecided_of,
}
