"""What live processes of a cell know of each other: a row each, written every few seconds, read by all.

So limits are divided among those that are live, and what one learns of a system that does not answer, or of an event
that kills, holds for all. A process that ends says so; one that died is missed once its row is too old. The clocks of
all hosts must agree to a second or two: rows and leases are compared with them.

While the Store is down nobody joins or leaves as far as anybody knows, and everything stays as it was.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

from engine.core.errors import StoreDown
from engine.core.jsonx import decode, encode
from engine.ports.store.workers import WorkerBeat, WorkerGone, WorkerRow, WorkersSince
from engine.runtime.cell import Cell
from engine.runtime.delivery.limits import until
from engine.runtime.delivery.pool import Pool
from engine.runtime.watch import NEWS, Watch

EVERY = 2.0  # seconds
LIVE = 10.0  # seconds after its last beat a process is counted out
SETTLING = 1.5 * EVERY  # seconds until all others have seen a new one, and made room

Facts = Callable[[], dict[str, Any]]


class Heartbeat:
    """That of one process. `begin` before work begins, `run` until cancelled, `end` when all is done.

    facts   what else a row tells, for people
    """

    def __init__(self, cell: Cell, pool: Pool, facts: Facts, watch: Watch | None = None) -> None:
        self._cell = cell
        self._pool = pool
        self._watch = watch or Watch()
        self._facts = facts
        self._since = cell.clock.now()
        self._others: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        pool.share.news = self._changed.set

    async def begin(self) -> None:
        """Join the others. Raises StoreDown."""
        if self._cell.shared:
            self._since = self._cell.clock.now()
            self._watch.pause = NEWS
            await self._beat(joining=True)

    async def run(self) -> None:
        """Beat, and at once when a breaker of this process opened or closed."""
        if not self._cell.shared:
            return
        while True:
            self._changed.clear()
            await until(self._changed, EVERY)
            try:
                await self._beat()
            except StoreDown:
                self._stay()

    async def end(self) -> None:
        """Leave: the others have all of it again at their next beat."""
        if not self._cell.shared:
            return
        try:
            await self._cell.store.apply(WorkerGone(self._cell.worker))
        except StoreDown:
            return  # they miss it in a moment

    async def _beat(self, *, joining: bool = False) -> None:
        now, store = self._cell.clock.now(), self._cell.store
        breakers = {gate.planned.name: [gate.breaker.changed, gate.breaker.open] for gate in self._pool.gates()}
        facts = {"host": socket.gethostname(), "pid": os.getpid(), **self._facts(), "breakers": breakers}
        facts["deaths"] = self._watch.told()
        row = WorkerRow(self._cell.worker, self._since, now, encode(facts).decode())
        await store.apply(WorkerBeat(row))
        rows = await store.apply(WorkersSince(now - round(LIVE * 1_000_000)))
        self._take_place([live.name for live in rows], joining=joining)
        for live in rows:
            if live.name != self._cell.worker:
                known = decode(live.facts.encode())
                self._learn(known.get("breakers", {}))
                self._watch.hear(known.get("deaths", {}))

    def _take_place(self, live: list[str], *, joining: bool) -> None:
        names = sorted({*live, self._cell.worker})
        others = frozenset(names) - {self._cell.worker}
        share = self._pool.share
        was = share.place, share.of, share.held
        wait = SETTLING if others and (joining or share.lapsed) else 0.0
        share.set(names.index(self._cell.worker), len(names), wait=wait, lasts=LIVE)
        if others != self._others:
            self._others = others
            self._cell.log("live processes of this cell", {"count": len(names), "others": " ".join(sorted(others))})
        if was != (share.place, share.of, share.held):
            self._tell()

    def _stay(self) -> None:
        share = self._pool.share
        if not share.lapsed:
            share.set(share.place, share.of, wait=0.0, lasts=LIVE)

    def _learn(self, breakers: dict[str, tuple[int, bool]]) -> None:
        gates = {gate.planned.name: gate for gate in self._pool.gates()}
        for name, (changed, is_open) in breakers.items():
            gate = gates.get(name)
            if gate is not None and gate.breaker.adopt(is_open, changed):
                gate.tell()

    def _tell(self) -> None:
        for gate in self._pool.gates():
            gate.tell()
