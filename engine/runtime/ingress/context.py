"""What a running Source reaches: its cursor, what it has seen, the journal and the log, all under its route's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.core.errors import Fenced
from engine.core.masking import mask_pan_text
from engine.plugins.contracts import SourceContext
from engine.ports.store.journal import JournalAppend
from engine.ports.store.leases import CursorGet, CursorSet, SeenAdd, SeenGet
from engine.runtime.cell import Cell
from engine.runtime.ingress.intake import document_id
from engine.runtime.people.journal import document_entry


def lease_name(route: str) -> str:
    """One name for the lease and the cursor of a source: the lease's token fences the cursor."""
    return f"source/{route}"


class StoredContext(SourceContext):
    """See plugins.contracts.SourceContext. What a source remembers are rows of the Store under its route's name."""

    def __init__(
        self,
        cell: Cell,
        route: str,
        token: int,
        ready: Callable[[], None] = lambda: None,
        revision: Callable[[], str] = lambda: "",
        refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.clock = cell.clock
        self.route = route
        self.beside = cell.beside
        self.ready = ready  # type: ignore[method-assign]
        self._refused = refused
        self._cell = cell
        self._name = lease_name(route)
        self._token = token
        self._revision = revision

    async def cursor(self) -> str:
        return await self._cell.store.apply(CursorGet(self._name))

    async def advance(self, value: str) -> None:
        if not await self._cell.store.apply(CursorSet(self._name, value, self._token)):
            raise Fenced(f"the source of route {self.route} runs in another process now")

    async def seen(self, key: str) -> str | None:
        return await self._cell.store.apply(SeenGet(self.route, key))

    async def remember(self, key: str, note: str = "") -> None:
        await self._cell.store.apply(SeenAdd(self.route, key, self.clock.now(), mask_pan_text(note)))

    async def journal(self, key: str, file: str, what: str, detail: str) -> None:
        line = document_entry(
            document_id(self.route, key),
            self.route,
            what,
            self.clock.now(),
            file=mask_pan_text(file),
            detail=mask_pan_text(detail),
            revision=self._revision(),
        )
        await self._cell.store.apply(JournalAppend([line]))

    def refused(self, reason: str) -> None:
        self._refused(reason)

    def log(self, text: str, facts: Mapping[str, Any] | None = None) -> None:
        self._cell.log(text, {"route": self.route, **(facts or {})})
