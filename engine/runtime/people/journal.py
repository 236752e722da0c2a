"""The journal of a process: lines are collected, written in groups, and dropped (and counted) rather than held up.

Best effort is for plain routes. A financial route makes its lines with `entry` and commits them with its inbox rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from engine.core.clock import day_of
from engine.core.errors import StoreDown
from engine.core.event import Event
from engine.core.masking import mask_pan_text
from engine.core.quoting import excerpt
from engine.ports.store.journal import Entry, JournalAppend
from engine.runtime.cell import Cell

FILE, PATH, SENDER_ID = "file", "path", "sender_id"
CARRIED = (FILE, PATH, SENDER_ID)  # keys of whatever came in, named by no type
MOST = 20_000  # lines kept while the Store is away
GROUP = 500
PAUSE = 0.2  # seconds lines wait for others


def entry(event: Event, route: str, what: str, at: int, *, sink: str = "", attempt: int = 0, detail: str = "",
          revision: str = "", keys: Mapping[str, str] | None = None) -> Entry:  # fmt: skip
    """One line about an event. `at` in UTC microseconds; of a long `detail` an excerpt."""
    return Entry(
        at=at,
        day=event.day,
        event_id=event.id,
        trace=event.trace or event.id,
        route=route,
        what=what,
        sink=sink,
        attempt=attempt,
        detail=excerpt(detail),
        revision=revision,
        event_type=event.type,
        keys=keys or {},
    )


def document_entry(document: str, route: str, what: str, at: int, *, file: str, detail: str, kind: str = "",
                   revision: str = "", keys: Mapping[str, str] | None = None) -> Entry:  # fmt: skip
    """One line about a whole document, for one that brought no event. `at` in UTC microseconds; the rest masked, and
    of a long `detail` an excerpt.

    keys   what it is found by; its file where they are not given
    """
    return Entry(
        at=at,
        day=day_of(at),
        event_id=document,
        trace=document,
        route=route,
        what=what,
        detail=excerpt(detail),
        revision=revision,
        event_type=kind,
        keys=file_key(file) if keys is None else keys,
    )


def file_key(file: str) -> dict[str, str]:
    """The key a file is found by; a request has a path in place of it."""
    return {carried_name(FILE, file): file} if file else {}


def carried_keys(headers: Mapping[str, str], own_id: str) -> dict[str, str]:
    """The keys a record or document is found by, whatever is in it: its file, or its path and the sender's id of it."""
    sent = {SENDER_ID: mask_pan_text(own_id)} if own_id and PATH in headers else {}
    return {**file_key(headers.get(FILE, "")), **sent}


def carried_name(name: str, value: str) -> str:
    """The name of the key that is meant: people also ask for a request's path as for a file."""
    return PATH if name == FILE and "/" in value else name


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
