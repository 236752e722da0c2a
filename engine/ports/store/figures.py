"""Completeness: received = applied + not selected + filtered + discarded + superseded + work items + in flight.

Counted from rows in distinct event ids; `in flight` too, never as the remainder. Each event of a route counts once, in
the first of these that fits:

  work items   an open work item of this route names the event (event_id, or subject: the id of the inbox row), the
               row's kind is `work_item`, or a delivery is one; not an item about another record under the event's
               key (`WorkItem.of_another_record`), which takes nothing from the event
  in flight    the outcome is not decided (replay asked for); or a delivery is not final: no ledger row, inflight,
               waiting, held, or to be published by the router itself and not yet routed; or the event is kept by a
               cut and not yet continued
  discarded    a delivery, or the work item with the row's id as subject (level `event`), was discarded
  superseded   a delivery was superseded
  applied      every delivery is applied (one by the router itself: once the row is routed), or the event's work item
               was resolved elsewhere
  filtered     the route decided so
  not selected no sink wanted it

The same for one sink, looking at its deliveries only: a `deliveries` row without one for the sink is `not selected`,
and a work item counts where it names the sink (the kind `work_item` counts for every sink).

An event kept by a cut (kind `step_state`) counts as its continuations do: their rows carry a `segment`, their ids are
`continuation_id(route, step, group, generation)` of the groups it is a member of, or the ids of the `delay` timers set
for it (key = event id). They are not received themselves, so a group's amount is the sum of its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, field

from engine.ports.store.base import Op


class Figures(Struct, frozen=True):
    """Figures of one route, or of one of its sinks. Amounts are sums by currency of the received events' amounts.

    duplicates   copies of events that were absorbed; told for the route only
    """

    route: str
    sink: str = ""
    received: int = 0
    applied: int = 0
    not_selected: int = 0
    filtered: int = 0
    discarded: int = 0
    superseded: int = 0
    work_items: int = 0
    in_flight: int = 0
    duplicates: int = 0
    filtered_by: Mapping[str, int] = field(default_factory=dict)
    received_amount: Mapping[str, Decimal] = field(default_factory=dict)
    applied_amount: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """True when nothing is unaccounted for."""
        settled = self.applied + self.not_selected + self.filtered + self.discarded + self.superseded
        return self.received == settled + self.work_items + self.in_flight


class FiguresOf(Op[list[Figures]], frozen=True):
    """Figures of every route and sink with inbox rows, for business days in [since, until] (empty = open end)."""

    route: str = ""
    since: str = ""
    until: str = ""
    reads = True


class Overdue(Op[list[tuple[str, str, str]]], frozen=True):
    """(route, day, event id) of inbox rows older than `before` with a planned delivery that has no final ledger row.

    `since` (UTC microseconds) leaves out rows older than that; so do rows whose event has an open work
    item, unless that is about another record under its key.
    Published by the router itself: final once the row is routed.
    """

    before: int
    since: int = 0
    reads = True


class TakenIn(Struct, frozen=True):
    """How many events the journal says a route took in for one day, and of how many of them nothing else is known."""

    route: str
    day: str
    taken_in: int
    undecided: int


class Undecided(Op[list[TakenIn]], frozen=True):
    """What was taken in from `since` until before `before` (UTC microseconds), by route and day, in distinct events.

    Undecided: no inbox row of the route and no work item of it, in whatever state, names the event.
    """

    since: int
    before: int
    reads = True


class UndecidedOf(Op[list[tuple[str, str]]], frozen=True):
    """The undecided events of one route and day, and where each came from; the oldest `limit` of them."""

    route: str
    day: str
    since: int
    before: int
    limit: int
    reads = True


class Lately(Op[tuple[int, list[int]]], frozen=True):
    """What a route with inbox rows did since `since` (UTC microseconds): how many events it took in, and how long each
    of their applied deliveries took from the decision of the route to the ledger (microseconds, the newest `most`).
    """

    route: str
    since: int
    most: int = 10_000
    reads = True
