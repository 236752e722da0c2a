"""The journal of a process: lines are collected, written in groups, and dropped (and counted) rather than held up.

Best effort is for plain routes. A financial route makes its lines with `entry` and commits them with its inbox rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from engine.core.clock import day_of
from engine.core.errors import StoreDown
from engine.core.event import Event
from engine.ports.store.journal import Entry, JournalAppend
from engine.runtime.cell import Cell

MOST = 20_000  # lines kept while the Store is away
GROUP = 500
PAUSE = 0.2  # seconds lines wait for others


def entry(event: Event, route: str, what: str, at: int, *, sink: str = "", attempt: int = 0, detail: str = "",
          revision: str = "", keys: Mapping[str, str] | None = None) -> Entry:  # fmt: skip
    """One line about an event. `at` in UTC microseconds."""
    return Entry(
        at=at,
        day=event.day,
        event_id=event.id,
        trace=event.trace or event.id,
        route=route,
        what=what,
        sink=sink,
        attempt=attempt,
        detail=detail,
        revision=revision,
        event_type=event.type,
        keys=keys or {},
    )


def document_entry(document: str, route: str, what: str, at: int, *, file: str, detail: str, kind: str = "",
                   revision: str = "") -> Entry:  # fmt: skip
    """One line about a whole document, for one that brought no event. `at` in UTC microseconds; the rest masked."""
    return Entry(
        at=at,
        day=day_of(at),
        event_id=document,
        trace=document,
        route=route,
        what=what,
        detail=detail,
        revision=revision,
        event_type=kind,
        keys=file_key(file),
    )


def file_key(file: str) -> dict[str, str]:
    """The key a file is found by; a request path is no file."""
    return {"file": file} if file and "/" not in file else {}


class Journal:
    """Collects lines and writes them in groups. `dropped` counts those that found no room."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._waiting: list[Entry] = []
        self._some = asyncio.Event()
        self.dropped = 0

    def note(self, entries: Iterable[Entry]) -> None:
        """Write these soon."""
        room = MOST - len(self._waiting)
        wanted = list(entries)
        self._waiting += wanted[:room]
        self.dropped += max(0, len(wanted) - room)
        if self._waiting:
            self._some.set()

    async def run(self) -> None:
        """Write what is noted, until cancelled."""
        while True:
            await self._some.wait()
            await self._cell.clock.sleep(PAUSE)
            try:
                await self.flush()
            except StoreDown:
                await self._cell.clock.sleep(1.0)

    async def flush(self) -> None:
        """Write everything noted so far. Raises StoreDown; the lines stay then."""
        while self._waiting:
            group = self._waiting[:GROUP]
            await self._cell.store.apply(JournalAppend(group))
            del self._waiting[: len(group)]
        self._some.clear()
