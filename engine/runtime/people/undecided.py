"""Events that were taken in and of which nothing was heard since: they lay in a queue that somebody deleted.

The journal says what was taken in, the inbox what was decided. What is neither decided nor waits in the route's queue is
missing; of several undecided ones those that wait are taken to be the newest. It is told for routes with an inbox and a
source of their own. Of a plain route nothing is written down but the journal, which is best effort there: what was lost
with its queue is found by comparing with the source. What a route takes from the bus is told by the figures of the
route that publishes it, beside what this one received.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.compile.plan import Plan
from engine.ports.store.figures import TakenIn, Undecided, UndecidedOf
from engine.ports.transport import Address
from engine.runtime.cell import Cell
from engine.runtime.plans import Plans

YOUNG = 120.0  # seconds: what was taken in so lately may be in somebody's hand
BACK = 2 * 86400.0  # seconds that are looked back
NAMED = 10  # events of one day that are named


@dataclass
class _Day:
    """One day of one route. `waiting`: as many of its undecided ones as wait in the queue."""

    taken: TakenIn
    waiting: int

    @property
    def missing(self) -> int:
        return self.taken.undecided - self.waiting


async def missing(cell: Cell, plans: Plans, route: str = "") -> list[dict[str, Any]]:
    """Route by route and day by day, with the first events by name. Raises StoreDown.

    Nothing is told of a route whose queue cannot be looked at.
    """
    before = cell.clock.now() - round(YOUNG * 1_000_000)
    since = before - round(BACK * 1_000_000)
    taken: dict[str, list[TakenIn]] = {}
    for row in await cell.store.apply(Undecided(since, before)):
        taken.setdefault(row.route, []).append(row)
    found = []
    for plan in [plan for plan in plans.all() if plan.has_inbox and route in ("", plan.route)]:
        days = taken.get(plan.route, [])
        if not any(day.undecided for day in days):
            continue
        depth = (await cell.transport.depths()).get(Address("route", plan.route))
        if depth is not None:
            spread = _spread(days, depth.ready + depth.delayed + depth.unacked)
            found += [await _told(cell, plan, day, since, before) for day in spread if day.missing > 0]
    return found


def _spread(days: list[TakenIn], waiting: int) -> list[_Day]:
    """What waits, put down to the newest days first."""
    spread = []
    for taken in sorted(days, key=lambda one: one.day, reverse=True):
        some = min(waiting, taken.undecided)
        waiting -= some
        spread.append(_Day(taken, some))
    return spread[::-1]


async def _told(cell: Cell, plan: Plan, day: _Day, since: int, before: int) -> dict[str, Any]:
    events = await cell.store.apply(UndecidedOf(plan.route, day.taken.day, since, before, NAMED))
    return {
        "route": plan.route,
        "day": day.taken.day,
        "taken_in": day.taken.taken_in,
        "decided": day.taken.taken_in - day.taken.undecided,
        "waiting": day.waiting,
        "missing": day.missing,
        "events": [{"event": event, "place": place} for event, place in events],
        "help": _help(plan),
    }


def _help(plan: Plan) -> str:
    again = (
        "offer these records again: a request as it was, records of a file in a new file (one with the very same bytes "
        "counts as known); `tillflow trace <event>` says where each came from"
    )
    if plan.source.accepts is None:
        return f"{again}. Offer these only: records of this route have no key, so others would be new events"
    return f"{again}. What was decided already is absorbed by its key"
