"""The demo's reckoning: every source record counts once, and the amounts of each store agree to the cent.

It is taken from three sides that know nothing of each other: the receipts that were made up, the engine's own rows,
and what stands in the databases and services at the end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from engine.core.jsonx import decode

INGEST = ("pos-ingest", "till-csv-ingest")


@dataclass
class Store:
    """Amounts of one store: what its receipts say, and what became of them."""

    id: str
    currency: str = ""
    received: Decimal = Decimal(0)
    applied: Decimal = Decimal(0)
    filtered: Decimal = Decimal(0)
    work_items: Decimal = Decimal(0)

    @property
    def agrees(self) -> bool:
        return self.received == self.applied + self.filtered + self.work_items


@dataclass
class Totals:
    """Counts of distinct source records, and amounts by store."""

    received: int
    applied: int
    filtered: int
    work_items: int
    stores: list[Store]

    @property
    def agree(self) -> bool:
        return self.received == self.applied + self.filtered + self.work_items and all(s.agrees for s in self.stores)


def reckon(state: Path) -> Totals:
    """Count from the rows of the Store at the end of the day."""
    with closing(sqlite3.connect(f"file:{state / 'tillflow.db'}?mode=ro", uri=True)) as database:
        return _Reckoning(database).totals()


class _Reckoning:
    """Follows each source record to where it ended."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._rows = {(r[0], r[1]): r for r in database.execute(_INBOX)}
        self._work = list(database.execute(_WORK))
        self._waiting = {(route, event) for route, event, _, _ in self._work if event}
        self._routes_of: dict[str, list[str]] = {}
        for route, event in self._rows:
            self._routes_of.setdefault(event, []).append(route)

    def totals(self) -> Totals:
        ended = dict(self._records())
        counts = {name: sum(end == name for end, _, _, _ in ended.values()) for name in ("applied", "filtered", "work_items")}
        stores: dict[str, Store] = {}
        for end, store, amount, currency in ended.values():
            if store:
                entry = stores.setdefault(store, Store(store, currency))
                entry.received += amount
                setattr(entry, end, getattr(entry, end) + amount)
        return Totals(len(ended), **counts, stores=[stores[name] for name in sorted(stores)])

    def _records(self) -> Iterator[tuple[str, tuple[str, str, Decimal, str]]]:
        """Identity of a record -> how it ended, its store, its amount and currency. A copy gives the same identity."""
        for (route, event), row in self._rows.items():
            if route not in INGEST:
                continue
            published = [item[2] for item in decode(row[4]) if item[3] == "bus"]
            if (route, event) in self._waiting:
                yield event, ("work_items", "", Decimal(0), "")
            elif not published:
                yield event, ("filtered" if row[2] == "filtered" else "applied", "", Decimal(0), "")
            for child in published:
                yield child, self._child(child)
        for _, event, subject, level in self._work:
            if level == "record":
                yield subject, ("work_items", "", Decimal(0), "")

    def _child(self, event: str) -> tuple[str, str, Decimal, str]:
        rows = [self._rows[route, event] for route in self._routes_of.get(event, [])]
        main = next((row for row in rows if row[5]), None)
        amount, currency, subject = (Decimal(main[5]), main[6], main[7]) if main is not None else (Decimal(0), "", "")
        routes = self._routes_of.get(event, [])
        if any((route, event) in self._waiting for route in routes) or self._descends(event):
            end = "work_items"
        elif rows and all(row[2] == "filtered" for row in rows):
            end = "filtered"
        else:
            end = "applied"
        return end, subject, amount, currency

    def _descends(self, event: str) -> bool:
        return any(waiting == event for _, waiting in self._waiting)


_INBOX = "select route, event_id, kind, state, planned, amount, currency, body from inbox"
_WORK = "select route, event_id, subject, level from work_items where state = 'open'"
