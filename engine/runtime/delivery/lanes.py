"""Which lanes run: one worker for each lane that a Plan uses or that is left of a former one, and quarantine."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from random import Random

from msgspec import Struct

from engine.compile.plan import Plan, PlannedConnection
from engine.core.errors import StoreDown
from engine.ports.transport import Address, Topology
from engine.runtime.cell import Cell
from engine.runtime.delivery import order
from engine.runtime.delivery.delivery import Worker
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.pool import Pool
from engine.runtime.duty import Duty
from engine.runtime.people import figures
from engine.runtime.people.journal import Journal
from engine.runtime.people.recovery import recover_replays
from engine.runtime.plans import Plans
from engine.runtime.watch import Watch

QUARANTINE = Address("quarantine", "")
LOOK_EVERY = 30.0  # seconds between looks at gaps and overdue deliveries
RESTART_PAUSE = 1.0
DROP_PATIENCE = 5.0


def lanes_of(plans: Iterable[Plan], connections: Collection[str] | None = None) -> set[Address]:
    """Lanes these Plans deliver through, all of them or those to some connections."""
    sinks = (sink for plan in plans for sink in plan.sinks if not sink.by_router)
    return {
        Address("lane", sink.lane)
        for sink in sinks
        if connections is None or (sink.call is not None and sink.call.connection in connections)
    }


class LaneState(Struct, frozen=True):
    """What a lane does, for `status` and readiness."""

    lane: str
    consuming: bool
    problem: str = ""


class Lanes:
    """The delivery stage of one process. `start` before the first event is taken in: it makes the fences."""

    def __init__(
        self,
        cell: Cell,
        plans: Plans,
        pool: Pool,
        journal: Journal,
        watch: Watch | None = None,
        rng: Random | None = None,
    ) -> None:
        self._cell = cell
        self._plans = plans
        self._desk = Desk(cell, plans, pool, journal, watch or Watch(), rng or Random())
        self._workers: dict[Address, Worker] = {}
        self._tasks: dict[Address, asyncio.Task[None]] = {}
        self._problems: dict[Address, str] = {}
        self._duty = Duty(cell, "looks")
        self._looking: asyncio.Task[None] | None = None

    def wanted(self) -> set[Address]:
        """Lanes the current Plans deliver through."""
        return lanes_of(self._plans.every())

    async def start(self) -> None:
        """Make queues and fences exist, hand over what a crash left in between, and begin to deliver."""
        await self.prepare(self._plans.every())
        await order.recover(self._cell)
        await recover_replays(self._cell, self._plans)
        await self.follow()
        await self._run_all()
        self._looking = asyncio.create_task(self._look())

    async def prepare(self, plans: Sequence[Plan]) -> None:
        """Make queues and fences of Plans exist before these decide anything. Raises StoreDown, SettingsError."""
        await self._cell.transport.declare(Topology((*sorted(lanes_of(plans)), QUARANTINE)))
        await order.open_fences(self._cell, plans)

    async def follow(self, changed: Collection[str] = ()) -> None:
        """Run a worker for every lane of the Plans that are current now, which were prepared before.

        changed   names of connections that are configured otherwise now: what waits for them is taken in hand anew
        """
        await self._desk.pool.keep(self._connections())
        for address in sorted(lanes_of(self._plans.every())):
            self._run(address)
        for address in lanes_of(self._plans.every(), changed) & self._workers.keys():
            self._workers[address].renew()

    async def drop(self, lane: Address) -> bool:
        """End a lane that no Plan uses any more, and delete its queue. False when it is used, something came, or another
        process did not let go of it yet.
        """
        if lane in lanes_of(self._plans.every()):
            return False
        await self._end(lane)
        return await self._cell.transport.remove(lane)

    async def _end(self, lane: Address) -> None:
        worker, task = self._workers.pop(lane, None), self._tasks.pop(lane, None)
        self._problems.pop(lane, None)
        if worker is not None and task is not None:
            worker.stop()
            await asyncio.wait([task], timeout=DROP_PATIENCE)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run_all(self) -> None:
        """Lanes of former Plans too: what is still on its way to one, held or waiting, must find somebody there."""
        there = {
            address: depth for address, depth in (await self._cell.transport.depths()).items() if address.kind == "lane"
        }
        for address in self._tasks.keys() - there.keys() - {QUARANTINE}:
            await self._end(address)  # another process deleted its queue
        wanted = lanes_of(self._plans.every()) & there.keys()
        left = {address for address, depth in there.items() if depth.ready or depth.delayed or depth.unacked}
        for address in sorted(wanted | left | {QUARANTINE}):
            self._run(address)

    def _run(self, address: Address) -> None:
        if address not in self._tasks:
            worker = self._workers[address] = Worker(self._desk, address, alone=address == QUARANTINE)
            self._tasks[address] = asyncio.create_task(self._keep_running(address, worker))

    async def stop(self, patience: float = 30.0) -> None:
        """Take nothing new, finish what was claimed, at most `patience` seconds; the rest comes back after a start."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            await self._duty.drop()
        for worker in self._workers.values():
            worker.stop()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=patience)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
        self._workers.clear()

    def states(self) -> list[LaneState]:
        """Every lane by name."""
        return [
            LaneState(address.name or address.kind, worker.consuming, self._problems.get(address, ""))
            for address, worker in sorted(self._workers.items())
        ]

    def _connections(self) -> list[PlannedConnection]:
        named = {name for plan in self._plans.every() for name in plan.connections}
        return [found for name in sorted(named) if (found := self._plans.connection(name)) is not None]

    async def _keep_running(self, address: Address, worker: Worker) -> None:
        while True:
            try:
                await worker.run()
                return
            except Exception as error:
                self._problems[address] = f"{type(error).__name__}: {error}"
                self._cell.log("a lane failed; starting it again", {"lane": address.name, "why": str(error)})
            await self._cell.clock.sleep(RESTART_PAUSE)
            self._problems.pop(address, None)

    async def _look(self) -> None:
        """Now and then: new lanes, holes in front of fences, and deliveries nobody has heard of for too long."""
        while True:
            await self._cell.clock.sleep(LOOK_EVERY)
            try:
                await self._run_all()
                if not await self._duty.mine():
                    continue
                await figures.note_gaps(self._cell, self._plans)
                await figures.note_missing(self._cell, self._plans)
            except StoreDown:
                continue  # told once for all, see `reachable`; what is late is still late at the next look
            except Exception as error:
                self._cell.log("looking for gaps failed", {"why": f"{type(error).__name__}: {error}"})
