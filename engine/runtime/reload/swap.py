"""From one RouteSet to another. What is equal goes on undisturbed, with its consumers and its counts.

Routers and lanes ask for the Plan with every event, so a changed route changes between two events and those in hand
finish on the Plan they started with. Only a source whose own part changed is started anew.
"""

from __future__ import annotations

from engine.compile.partial import interned
from engine.compile.plan import Plan, RouteSet
from engine.core.errors import Failure, TillflowError
from engine.ports.transport import Address, Topology
from engine.runtime.cell import Cell
from engine.runtime.delivery.lanes import Lanes
from engine.runtime.plans import Plans
from engine.runtime.reload.staging import changed_plans
from engine.runtime.revising import topology
from engine.runtime.running import Running
from engine.runtime.tables import Tables

DRAIN = 30.0  # seconds that what is in hand of a source has


class Swap:
    """`to` another RouteSet, or not at all."""

    def __init__(self, cell: Cell, plans: Plans, tables: Tables, lanes: Lanes, running: Running) -> None:
        self._cell = cell
        self._plans = plans
        self._tables = tables
        self._lanes = lanes
        self._running = running
        self.drain = DRAIN

    async def to(self, after: RouteSet) -> None:
        """Run it. Raises Failure, StoreDown or SettingsError when something does not start: all is as it was then."""
        before = self._plans.routeset
        after = interned(before, after)
        await self._lanes.prepare(changed_plans(before, after))
        await self._load_tables(before, after)
        try:
            await self._switch(before, after)
        except (TillflowError, OSError):
            await self._back(before, after)
            raise
        await self._let_go(before, after)

    async def _load_tables(self, before: RouteSet, after: RouteSet) -> None:
        """New tables beside those that are in use."""
        self._tables.replace({**before.tables, **after.tables})
        await self._tables.refresh()

    async def _switch(self, before: RouteSet, after: RouteSet) -> None:
        await self._cell.transport.declare(_new(before, after))
        self._plans.replace(after)
        for route in before.plans.keys() - after.plans.keys():
            self._plans.retire(before.plans[route])  # at once: deliveries of it come in all the while
        for plan in after.plans.values():
            self._running.start_router(plan)
        await self._lanes.follow(_reconfigured(before, after))
        for plan in after.plans.values():
            if plan.source.use:
                await self._source(plan)

    async def _source(self, plan: Plan) -> None:
        runner = self._running.sources.get(plan.route)
        if runner is not None and _feed(runner.plan) == _feed(plan):
            runner.adopt(plan)
        else:
            await self._running.switch_source(plan, self.drain)

    async def _back(self, before: RouteSet, after: RouteSet) -> None:
        """Something did not start: everything as it was."""
        self._plans.replace(before)
        self._tables.replace(before.tables)
        await self._stop_sources(before)
        for plan in before.plans.values():
            if plan.source.use:
                await self._source_again(plan)
        await self._unbind(after, before)
        for route in sorted(after.plans.keys() - before.plans.keys()):
            await self._running.stop_router(route, self.drain)
            await self._cell.transport.remove(Address("route", route))
        await self._lanes.follow(_reconfigured(after, before))

    async def _source_again(self, plan: Plan) -> None:
        try:
            await self._source(plan)
        except Failure as failure:
            self._cell.log("a source is not back yet", {"route": plan.route, "why": str(failure)})
            self._running.start_source(plan)

    async def _stop_sources(self, wanted: RouteSet) -> None:
        """Of routes that have none, or are not wanted."""
        for route in sorted(self._running.sources):
            plan = wanted.plans.get(route)
            if plan is None or not plan.source.use:
                await self._running.stop_source(route, self.drain)

    async def _let_go(self, before: RouteSet, after: RouteSet) -> None:
        """Of what is not wanted any more: intake and bindings now, the rest when nothing is left of it."""
        self._tables.replace(after.tables)
        await self._stop_sources(after)
        await self._unbind(before, after)

    async def _unbind(self, before: RouteSet, after: RouteSet) -> None:
        wanted = set(topology(after).bindings)
        for type_name, route in topology(before).bindings:
            if (type_name, route) not in wanted:
                await self._cell.transport.unbind(type_name, route)


def _new(before: RouteSet, after: RouteSet) -> Topology:
    """Queues and bindings that are not there yet."""
    old, new = topology(before), topology(after)
    bindings = tuple(one for one in new.bindings if one not in set(old.bindings))
    return Topology(tuple(one for one in new.queues if one not in set(old.queues)), bindings)


def _reconfigured(before: RouteSet, after: RouteSet) -> set[str]:
    """Connections of this name are configured otherwise now."""
    return {
        name
        for name, connection in after.connections.items()
        if name in before.connections and before.connections[name].digest != connection.digest
    }


def _feed(plan: Plan) -> tuple[str, ...]:
    """What a source is made of: equal for equal ones."""
    use = plan.source.use
    connection = plan.uses.get(f"connection {plan.source.connection}", "")
    return use, connection, plan.source.connection, plan.uses.get("from", ""), plan.uses.get(f"source {use}", "")
