"""Routes that are gone: what is left of them is finished on their last Plan, then their queues are deleted.

Left are events in the queue, retries, held deliveries and groups. Deliveries stand in lanes others may share, so a lane
counts as done once its oldest entry is younger than the route's end.
"""

from __future__ import annotations

import asyncio

from engine.compile.plan import Plan
from engine.core.errors import StoreDown
from engine.ports.store.figures import FiguresOf
from engine.ports.store.steps import GroupsOpen
from engine.ports.transport import Address, Depth
from engine.runtime.cell import Cell
from engine.runtime.delivery.lanes import Lanes, lanes_of
from engine.runtime.plans import Plans
from engine.runtime.running import Running

EVERY = 2.0  # seconds between looks
SELDOM = 30.0  # the same, while nothing is known to be left
SETTLED = 10.0  # seconds after which no other process works on what was before
SLACK = 1.0  # seconds by which clocks and counts may be late
PATIENCE = 5.0


class Retiring:
    """`run` until cancelled."""

    def __init__(self, cell: Cell, plans: Plans, lanes: Lanes, running: Running) -> None:
        self._cell = cell
        self._plans = plans
        self._lanes = lanes
        self._running = running
        self._empty: dict[str, float] = {}  # route -> since when its queue is seen empty

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await self._pause()
            try:
                await self.look()
            except StoreDown:
                continue  # told once for all, see `reachable`; what retires waits for the next look

    async def _pause(self) -> None:
        """Until the next look; a short one from when something retires."""
        leaving = asyncio.create_task(self._plans.leaving.wait())
        sleeping = asyncio.create_task(self._cell.clock.sleep(SELDOM))
        try:
            await asyncio.wait((leaving, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sleeping.cancel()
        if self._plans.leaving.is_set():
            await self._cell.clock.sleep(EVERY)

    async def look(self) -> list[str]:
        """Let go of what is done. Answers the routes. Raises StoreDown."""
        depths = await self._cell.transport.depths()
        for address, depth in depths.items():
            if address.kind == "route" and _holds(depth):  # something turned up when it was finished already
                self._plans.recall(address.name)
        done = [plan.route for plan in self._plans.retiring() if await self._look_at(plan, depths)]
        wanted = lanes_of(self._plans.every())
        for lane, depth in sorted(depths.items()):
            if lane.kind == "lane" and lane not in wanted and not _holds(depth):
                await self._lanes.drop(lane)
        return done

    async def _look_at(self, plan: Plan, depths: dict[Address, Depth]) -> bool:
        """True when nothing of it is left, its queue neither. A queue is deleted when no process consumes it any more."""
        address = Address("route", plan.route)
        if address in depths:
            if not await self._is_done(plan, depths):
                await self._carry_on(plan)
                return False
            await self._running.stop_router(plan.route, PATIENCE)
            if not await self._cell.transport.remove(address):
                return False
        await self._running.stop_router(plan.route, PATIENCE)
        self._plans.forget(plan.route)
        self._empty.pop(plan.route, None)
        self._cell.log("a route that is gone is finished; its queue is deleted", {"route": plan.route})
        return True

    async def _carry_on(self, plan: Plan) -> None:
        """Consume its queue. Where that was over already, the lanes it delivers through may be deleted too."""
        if plan.route not in self._running.routers:
            await self._lanes.prepare([plan])
            await self._lanes.follow()
            self._running.start_router(plan)

    async def _is_done(self, plan: Plan, depths: dict[Address, Depth]) -> bool:
        now = self._cell.clock.monotonic()
        address = Address("route", plan.route)
        depth = depths.get(address, Depth())
        if _holds(depth):
            self._empty.pop(plan.route, None)
            return False
        since = now - self._empty.setdefault(plan.route, now)
        lanes = [depths.get(lane, Depth()) for lane in lanes_of([plan])]
        waiting = any(lane.oldest + SLACK >= since for lane in lanes if _holds(lane))
        if waiting or since < (SETTLED if self._cell.shared else SLACK):
            return False
        groups = await self._cell.store.apply(GroupsOpen(plan.route))
        if groups:
            return False
        figures = await self._cell.store.apply(FiguresOf(plan.route, "", ""))
        return not any(one.in_flight for one in figures)


def _holds(depth: Depth) -> bool:
    return bool(depth.ready or depth.delayed or depth.unacked)
