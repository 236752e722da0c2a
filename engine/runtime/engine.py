"""The engine of one process: everything that runs for one cell, started and stopped in the right order.

Start: revision, queues, tables, lanes (with their fences), routers, and the sources last. Stop: the other way round.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.compile.plan import RouteSet
from engine.core.errors import StoreDown
from engine.plugins.registry import Registry
from engine.ports.store.steps import TimerNext
from engine.runtime.carrying.largebodies import checking_in
from engine.runtime.cell import Cell
from engine.runtime.delivery.lanes import Lanes
from engine.runtime.delivery.pool import Pool
from engine.runtime.heartbeat import Heartbeat
from engine.runtime.heirs import Heirs
from engine.runtime.ingress.dead import Dead
from engine.runtime.ingress.ingress import Ingress
from engine.runtime.ingress.sources import SourceRunner
from engine.runtime.people.answers import queue_name
from engine.runtime.people.control import Control
from engine.runtime.people.counts import Counts, counting
from engine.runtime.people.journal import Journal
from engine.runtime.people.retention import Retention
from engine.runtime.plans import Load, Plans
from engine.runtime.reachable import Reachable, watching
from engine.runtime.reload.member import Member
from engine.runtime.reload.retiring import Retiring
from engine.runtime.reload.staging import Staging
from engine.runtime.reload.swap import Swap
from engine.runtime.reload.verbs import Reload
from engine.runtime.reload.wanted import Project, building
from engine.runtime.revising import left_over, record, topology, unbind
from engine.runtime.router.context import Contexts
from engine.runtime.router.continuations import Continuations
from engine.runtime.router.effects import Effects
from engine.runtime.router.env import Surroundings
from engine.runtime.router.router import Router
from engine.runtime.router.shared import Shared
from engine.runtime.running import Running
from engine.runtime.supervisor import Supervisor
from engine.runtime.tables import TableFiles, Tables
from engine.runtime.watch import Watch

State = Literal["new", "running", "store_down", "stopping", "stopped"]


@dataclass(frozen=True)
class EngineStatus:
    """What an engine does now. `problems` is empty when everything that should run does: that is readiness."""

    state: State
    revision: str
    routers: dict[str, int]
    sources: dict[str, dict[str, int]]
    tables: dict[str, int]
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return self.state == "running" and not self.problems


class Engine:
    """Runs a RouteSet on a cell. The cell is opened and closed by whoever made it.

    load    compiles the files of an older revision
    files   where CSV tables are read from
    project how the project is read again, when it changes
    """

    def __init__(
        self,
        cell: Cell,
        registry: Registry,
        routeset: RouteSet,
        load: Load,
        files: TableFiles,
        watch: Watch | None = None,
        project: Project | None = None,
    ) -> None:
        self.counts = Counts()
        self.reachable = Reachable(cell.log)
        self.cell = cell = checking_in(watching(counting(cell, self.counts), self.reachable))
        self._registry = registry
        self._load = load
        self._state: State = "new"
        self.plans = Plans(routeset, cell.store, load, cell.log)
        self.pool = Pool(registry, cell.clock, cell.log, self.counts)
        self.tables = Tables(routeset.tables, files, cell.clock, cell.log, cell.store)
        self.journal = Journal(cell)
        self._supervisor = Supervisor(cell.clock, cell.log)
        self._make_flow(watch or Watch())
        self._make_control()
        self._make_reload(project or Project())

    def _make_flow(self, watch: Watch) -> None:
        """What events go through, from a source to its sinks, and what looks after them on the way."""
        cell = self.cell
        contexts = Contexts(cell, Effects(cell, self.plans, self.pool), self.pool.share)
        around = Surroundings(self.tables, cell.secrets, cell.clock, contexts)
        self.shared = Shared(cell, self.plans, around, self.journal, watch)
        self.lanes = Lanes(cell, self.plans, self.pool, self.journal, watch, self.shared.rng)
        self.ingress = Ingress(self.shared, self._registry)
        self._running = Running(self.shared, self._registry, self.pool, self.ingress, self._supervisor)
        self._continuations = Continuations(self.shared)
        self._dead = Dead(cell, self.plans)
        self._retention = Retention(cell, self.plans)
        self._heartbeat = Heartbeat(cell, self.pool, self._facts, watch)
        self._heirs = Heirs(cell, self.plans)

    def _make_control(self) -> None:
        """What people and probes ask and decide."""
        self.control = Control(
            self.cell,
            self.plans,
            self.pool,
            self.ingress.reenter,
            self.lanes.states,
            self.problems,
            lambda: self.state,
            lambda: self.counts.events,
            self.ingress.unfit,
        )

    def _make_reload(self, project: Project) -> None:
        """What takes changes of the project, and what finishes the routes that are gone."""
        build = project.build or building(self._load)
        swap = Swap(self.cell, self.plans, self.tables, self.lanes, self._running)
        member = Member(self.cell, self.plans, build, Staging(self.cell, self.pool), swap)
        self.reload = Reload(self.cell, self.plans, project, build, member, self._handled)
        self._retiring = Retiring(self.cell, self.plans, self.lanes, self._running)

    async def start(self) -> None:
        """Begin to work. Raises StoreDown, TransportBlocked or SettingsError when cell cannot be used."""
        routeset = self.plans.routeset
        number, before = await record(self.cell, routeset)
        self.plans.numbered(routeset.digest, number)
        await self._dead.declare()
        await self.cell.transport.declare(topology(routeset))
        retiring = await unbind(self.cell, before, routeset, self._load) if before is not None else []
        known = {plan.route for plan in retiring}
        retiring += [plan for plan in await left_over(self.cell, self.plans) if plan.route not in known]
        for plan in retiring:
            self.plans.retire(plan)
        await self.tables.refresh()
        await self._heartbeat.begin()
        self._supervisor.start("reachable", lambda: self.reachable.ask(self.cell))
        self._supervisor.start("heartbeat", self._heartbeat.run)
        self._supervisor.start("heirs", self._heirs.run)
        await self.lanes.start()
        self._supervisor.start("journal", self.journal.run)
        self._supervisor.start("tables", self.tables.watch)
        self._supervisor.start("continuations", self._continuations.run)
        self._supervisor.start("dead", self._dead.run)
        self._supervisor.start("retention", self._retention.run)
        for plan in (*retiring, *self.plans.all()):
            self._running.start_router(plan)
        for plan in self.plans.all():
            if plan.source.use:
                self._running.start_source(plan)
        self.reload.start(self._supervisor)
        self._supervisor.start("retiring", self._retiring.run)
        self._state = "running"

    async def stop(self, patience: float = 30.0) -> None:
        """Stop taking in, finish what is in hand within `patience` seconds, write the journal, close connections."""
        if self._state in ("stopping", "stopped"):
            return
        self._state = "stopping"
        until = self.cell.clock.monotonic() + patience
        await self.reload.stop(self._supervisor)
        for source in self.sources.values():
            await source.stop()
        await self._supervisor.drain("source/", self._left(until))
        for router in self.routers.values():
            router.stop()
        await self._supervisor.drain("router/", self._left(until))
        await self.lanes.stop(self._left(until))
        await self._supervisor.stop()
        await self._continuations.duty.drop()
        try:
            await self.journal.flush()
        except StoreDown as down:
            self.cell.log("the last lines of the journal were not written", {"why": str(down)})
        await self._heartbeat.end()
        await self.pool.close()
        self._state = "stopped"

    @property
    def routers(self) -> dict[str, Router]:
        """By route."""
        return self._running.routers

    @property
    def sources(self) -> dict[str, SourceRunner]:
        """By route."""
        return self._running.sources

    @property
    def running(self) -> bool:
        """It was started and not stopped."""
        return self._state == "running"

    @property
    def state(self) -> State:
        """What it does now, as far as its last operation on the Store said."""
        return "store_down" if self._state == "running" and self.reachable.down else self._state

    async def status(self) -> EngineStatus:
        """A snapshot."""
        await self._ask_store()
        return EngineStatus(
            state=self.state,
            revision=self.plans.revision,
            routers={route: router.handled for route, router in self.routers.items()},
            sources={route: {"taken": one.taken, "refused": one.refused} for route, one in self.sources.items()},
            tables=self.tables.sizes(),
            problems=self.problems(),
        )

    def problems(self) -> dict[str, str]:
        """What should run and does not, by `kind/name`, and why."""
        problems = self._supervisor.problems()
        if self.reachable.down:
            problems["store"] = self.reachable.down
        problems |= {f"source/{route}": runner.problem for route, runner in self.sources.items() if runner.problem}
        problems |= {f"transport/{name}": problem for name, problem in self.cell.transport.problems().items()}
        problems |= {f"table/{name}": problem for name, problem in self.tables.problems.items()}
        problems |= {f"lane/{lane.lane}": lane.problem for lane in self.lanes.states() if lane.problem}
        problems |= {f"router/{route}": "not consuming" for route, one in self.routers.items() if not one.consuming}
        return problems

    def _handled(self, route: str) -> int:
        return self.routers[route].handled if route in self.routers else 0

    def _facts(self) -> dict[str, Any]:
        """What this process tells of itself, for people."""
        return {
            "state": self.state,
            "revision": self.plans.revision,
            "sources": [route for route, runner in self.sources.items() if runner.leads],
            "problems": self.problems(),
            "last_error": self.reload.last_error,
            "proving": self.reload.proving,
            "in_hand": {queue_name(address): count for address, count in self.cell.transport.in_hand().items()},
        }

    async def _ask_store(self) -> None:
        """Something small, so that it is noticed when it is down or back, also where nobody needs it."""
        with suppress(StoreDown):  # `reachable` heard it, that is what it is asked for
            await self.cell.store.apply(TimerNext())

    def _left(self, until: float) -> float:
        return max(0.1, until - self.cell.clock.monotonic())
