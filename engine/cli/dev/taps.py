"""Looking at what passes between the engine and its transport and store, without changing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from engine.cli.dev.screen import Screen
from engine.ports.store import Op, Store
from engine.ports.store.journal import JournalAppend
from engine.ports.store.work import WorkCreate
from engine.ports.transport import Confirm, Outgoing, Transport
from engine.runtime.carrying.codec import Delivery


class _TransportTap:
    def __init__(self, inner: Transport, screen: Screen) -> None:
        self._inner = inner
        self._screen = screen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        for outgoing in batch:
            if outgoing.to.kind == "lane":
                self._screen.on_its_way(Delivery.read(outgoing.headers, outgoing.body))
        return await self._inner.publish(batch)


class _StoreTap:
    def __init__(self, inner: Store, screen: Screen) -> None:
        self._inner = inner
        self._screen = screen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def apply(self, op: Op[Any]) -> Any:
        answer = await self._inner.apply(op)
        self._note(op)
        return answer

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        answers = await self._inner.apply_all(*ops)
        for op in ops:
            self._note(op)
        return answers

    def _note(self, op: Op[Any]) -> None:
        if isinstance(op, JournalAppend):
            self._screen.entries(op.entries)
        elif isinstance(op, WorkCreate):
            self._screen.work(op.items)


def tapped_transport(inner: Transport, screen: Screen) -> Transport:
    """One that shows where deliveries go."""
    return cast(Transport, _TransportTap(inner, screen))


def tapped_store(inner: Store, screen: Screen) -> Store:
    """One that shows what is written into the journal, and work items."""
    return cast(Store, _StoreTap(inner, screen))
