"""Completeness: received = applied + not selected + filtered + discarded + superseded + work items + in flight.

Counted from rows in distinct event ids; `in flight` too, never as the remainder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from engine.ports.store.base import Op


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one route, or of one of its sinks. Amounts are sums by currency of the received events' amounts."""

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


@dataclass(frozen=True)
class FiguresOf(Op[list[Figures]]):
    """Figures of every route and sink with inbox rows, for business days in [since, until] (empty = open end)."""

    route: str = ""
    since: str = ""
    until: str = ""
    reads = True


@dataclass(frozen=True)
class Overdue(Op[list[tuple[str, str, str]]]):
    """(route, day, event id) of inbox rows older than `before` with a planned delivery that has no final ledger row."""

    before: int
    reads = True
