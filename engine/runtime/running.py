"""The routers and sources of a process, by route: started, switched and stopped while the others go on."""

from __future__ import annotations

from engine.compile.plan import Plan
from engine.core.errors import Transient
from engine.plugins.registry import Registry
from engine.runtime.delivery.pool import Pool
from engine.runtime.ingress.ingress import Ingress
from engine.runtime.ingress.sources import SourceRunner
from engine.runtime.router.router import Router
from engine.runtime.router.shared import Shared
from engine.runtime.supervisor import Part, Supervisor

UP_WITHIN = 10.0  # seconds in which a new source takes in, or did not start


class Running:
    """`routers` and `sources` are what runs now."""

    def __init__(
        self, shared: Shared, registry: Registry, pool: Pool, ingress: Ingress, supervisor: Supervisor
    ) -> None:
        self._shared = shared
        self._registry = registry
        self._pool = pool
        self._ingress = ingress
        self._supervisor = supervisor
        self.routers: dict[str, Router] = {}
        self.sources: dict[str, SourceRunner] = {}

    def start_router(self, plan: Plan) -> None:
        """Consume the queue of the route, unless it is done already: a router asks for the Plan with every event."""
        if plan.route not in self.routers:
            router = self.routers[plan.route] = Router(self._shared, plan)
            self._supervisor.start(f"router/{plan.route}", router.run)

    async def stop_router(self, route: str, patience: float) -> None:
        """Take nothing more from its queue and finish what is in hand."""
        router, part = self.routers.pop(route, None), self._supervisor.part(f"router/{route}")
        if router is not None and part is not None:
            router.stop()
            await self._supervisor.finish(part, patience)

    def start_source(self, plan: Plan) -> SourceRunner:
        """Begin to take in for this Plan."""
        runner = SourceRunner(self._shared, self._registry, self._pool, self._ingress, self.routers[plan.route], plan)
        self.sources[plan.route] = runner
        self._supervisor.start(f"source/{plan.route}", runner.run)
        return runner

    async def stop_source(self, route: str, patience: float) -> None:
        """Take in nothing more; what is in hand is let go of, or given back after `patience` seconds."""
        runner, part = self.sources.pop(route, None), self._supervisor.part(f"source/{route}")
        if runner is not None and part is not None:
            await self._end(runner, part, patience)

    async def switch_source(self, plan: Plan, patience: float) -> None:
        """Take in for this Plan instead of the one before. Raises Transient `not-started`; then the one before goes on.

        The new one takes in before the old one stops; one that only one process may run waits until the old one is done.
        """
        old, part = self.sources.get(plan.route), self._supervisor.part(f"source/{plan.route}")
        if old is not None and part is not None and self._exclusive(plan, old.plan):
            await self._end(old, part, patience)
            part = None
        runner = self.start_source(plan)
        problem = await runner.up(UP_WITHIN)
        if problem:
            await self._undo(runner, old, part)
            raise Transient("not-started", f"the source of route {plan.route} did not start: {problem}")
        if old is not None and part is not None:
            await self._end(old, part, patience)
        if old is not None:
            runner.taken, runner.refused = runner.taken + old.taken, runner.refused + old.refused
            runner.turned_away.update(old.turned_away)

    async def _undo(self, runner: SourceRunner, old: SourceRunner | None, part: Part | None) -> None:
        route = runner.plan.route
        new = self._supervisor.part(f"source/{route}")
        if new is not None:
            await self._end(runner, new, 1.0)
        self.sources.pop(route, None)
        if old is not None and part is not None:
            self.sources[route] = old
            self._supervisor.keep(part)
        elif old is not None:
            self.start_source(old.plan)

    def _exclusive(self, *plans: Plan) -> bool:
        specs = (self._registry.sources.get(plan.source.use) for plan in plans)
        return any(spec is not None and spec.target.exclusive for spec in specs)

    async def _end(self, runner: SourceRunner, part: Part, patience: float) -> None:
        await runner.stop()
        await self._supervisor.finish(part, patience)
