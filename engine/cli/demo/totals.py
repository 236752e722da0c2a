"""The demo's reckoning: every source record counts once, and the amounts of each store agree to the cent.

It is taken from three sides that know nothing of each other: the receipts that were made up, the engine's own rows,
and what stands in the databases and services at the end.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

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
    duplicates: int

    @property
    def agree(self) -> bool:
        return self.received == self.applied + self.filtered + self.work_items and all(s.agrees for s in self.stores)


def reckon(state: Path) -> Totals:
    """Count from the rows of the Store at the end of the day."""
    with closing(sqlite3.connect(f"file:{state / 'tillflow.db'}?mode=ro", uri=True)) as database:
        return _Reckoning(database).totals()


class _Reckoning:
    """Follows each source record to where it ended. Copies of one receipt, in whatever format, are one record."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._inbox = [_Row(*row) for row in database.execute(_INBOX)]
        self._work = list(database.execute(_WORK))
        self._roots = {root for root, _, _ in self._work}
        self._stores = {event: store for event, store in database.execute(_STORES) if store}
        self._routed: dict[str, list[_Row]] = {}
        for row in self._inbox:
            if row.route not in INGEST:
                self._routed.setdefault(row.event, []).append(row)

    def totals(self) -> Totals:
        ends = self._ends()
        counts = {name: sum(end == name for end in ends.values()) for name in ENDS}
        stores: dict[str, Store] = {}
        for record, end in ends.items():
            main = next((row for row in self._routed.get(record, []) if row.amount), None)
            if main is not None:
                entry = stores.setdefault(self._stores[record], Store(self._stores[record], main.currency))
                entry.received += Decimal(main.amount)
                setattr(entry, end, getattr(entry, end) + Decimal(main.amount))
        return Totals(len(ends), **counts, stores=[stores[name] for name in sorted(stores)], duplicates=self._copies())

    def _ends(self) -> dict[str, str]:
        """Record (its business event, or itself where it has none) -> how it ended."""
        ends = {subject: "work_items" for _, subject, level in self._work if level == "record"}
        for row in self._inbox:
            if row.route not in INGEST:
                continue
            for record in row.published or [row.event]:
                waits = row.event in self._roots or ends.get(record) == "work_items"
                ends[record] = "work_items" if waits else self._settled(record, row)
        return ends

    def _settled(self, record: str, row: _Row) -> str:
        kinds = [row.kind] if not row.published else [one.kind for one in self._routed.get(record, [])]
        return "filtered" if kinds and all(kind == "filtered" for kind in kinds) else "applied"

    def _copies(self) -> int:
        """Copies in another file or format: records beyond the first that published the same business event."""
        published = [record for row in self._inbox if row.route in INGEST for record in row.published]
        return len(published) - len(set(published))


class _Row(NamedTuple):
    route: str
    event: str
    kind: str
    planned: str
    amount: str
    currency: str

    @property
    def published(self) -> list[str]:
        """Events the router published for it."""
        return [id for _, _, id, via in decode(self.planned) if via == "bus"]


ENDS = ("applied", "filtered", "work_items")
_INBOX = "select route, id, kind, planned, amount, currency from inbox"
_WORK = "select root, subject, level from work_item where state = 'open'"
_STORES = "select event_id, json_extract(keys, '$.store') from journal where keys <> '{}'"
