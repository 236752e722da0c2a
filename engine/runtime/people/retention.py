"""Once a day, what is older than a route's `keep` is forgotten: rows by business day, journal lines, old revisions.

Only what is over goes (see ports.store.retention); a work item that is still open keeps its whole day. What belongs to
a route that is gone is kept as long as the longest of all routes says. One process does it, under a lease.

A blob goes when no row names it and nobody has put it for the longest `keep`. Queues cannot be searched: as long as the
oldest entry of any queue waits, so much longer are blobs kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.clock import day_of
from engine.core.errors import StoreDown
from engine.ports.store.inbox import InboxPlansInUse
from engine.ports.store.journal import JournalPrune
from engine.ports.store.leases import CursorGet, CursorSet, LeaseDrop, LeaseTake
from engine.ports.store.retention import BlobsNamed, DayForget, DaysKept, RouteForget
from engine.ports.store.revisions import RevisionList, RevisionPrune
from engine.runtime.cell import Cell
from engine.runtime.plans import Plans

NAME = "retention"  # of its lease, and of the cursor that says on which day it was done
FIRST_LOOK = 60.0  # seconds after the start: a start has more urgent things to do
LOOK_EVERY = 3600.0  # seconds between looks at whether today's is done
LEASE = 900.0
PAUSE = 0.01  # seconds between two pieces of a day: work goes first
REVISIONS = 200  # kept with their files, whatever refers to them


class Retention:
    """Forgets, once a day. `run` until cancelled."""

    def __init__(self, cell: Cell, plans: Plans) -> None:
        self._cell = cell
        self._plans = plans

    async def run(self) -> None:
        await self._cell.clock.sleep(FIRST_LOOK)
        while True:
            try:
                await self.look()
            except StoreDown as down:
                self._cell.log("the store is down; nothing is forgotten now", {"reason": str(down)})
            await self._cell.clock.sleep(LOOK_EVERY)

    async def look(self) -> int:
        """Do it if nobody did today. Answers how many rows of events went. Raises StoreDown."""
        store, clock, worker = self._cell.store, self._cell.clock, self._cell.worker
        keeps = {plan.route: plan.keep for plan in self._plans.all()}
        today = day_of(clock.now())
        if not keeps or await store.apply(CursorGet(NAME)) == today:
            return 0
        token = await store.apply(LeaseTake(NAME, worker, clock.now(), LEASE))
        if not token:
            return 0
        gone = await self._forget_events(keeps)
        lines = await self._forget_lines(max(keeps.values()))
        revisions = await self._forget_revisions()
        blobs = await self._forget_blobs(max(keeps.values()))
        await store.apply(CursorSet(NAME, today, token))
        await store.apply(LeaseDrop(NAME, worker))
        if gone or lines or revisions or blobs:
            facts = {"rows": gone, "lines": lines, "revisions": revisions, "blobs": blobs}
            self._cell.log("forgot what is older than `keep`", facts)
        return gone

    async def _forget_events(self, keeps: Mapping[str, float]) -> int:
        """`keeps` in seconds by route."""
        store, longest, gone = self._cell.store, max(keeps.values()), 0
        for route, day in await store.apply(DaysKept(day_of(self._before(min(keeps.values()))))):
            before = self._before(keeps.get(route, longest))
            if day < day_of(before):
                while some := await store.apply(DayForget(route, day, before)):
                    gone += some
                    await self._cell.clock.sleep(PAUSE)
        for route, keep in keeps.items():
            gone += await store.apply(RouteForget(route, self._before(keep)))
        return gone

    async def _forget_lines(self, keep: float) -> int:
        gone, before = 0, self._before(keep)
        while some := await self._cell.store.apply(JournalPrune(before)):
            gone += some
            await self._cell.clock.sleep(PAUSE)
        return gone

    async def _forget_revisions(self) -> int:
        store = self._cell.store
        newest = await store.apply(RevisionList(REVISIONS + 1))
        if len(newest) <= REVISIONS:
            return 0
        needed = await store.apply(InboxPlansInUse())
        return await store.apply(RevisionPrune(REVISIONS, sorted(needed)))

    async def _forget_blobs(self, keep: float) -> int:
        depths = await self._cell.transport.depths()
        before = self._before(keep + max((depth.oldest for depth in depths.values()), default=0.0))
        old = await self._cell.blobs.old(before)
        if not old:
            return 0
        named = await self._cell.store.apply(BlobsNamed())
        return sum([await self._cell.blobs.remove(digest, before) for digest in old if digest not in named])

    def _before(self, keep: float) -> int:
        """The moment before which everything kept so long is old (UTC microseconds)."""
        return self._cell.clock.now() - round(keep * 1_000_000)
