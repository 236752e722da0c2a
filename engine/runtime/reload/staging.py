"""Whether this process could run a RouteSet: connections answer, queues are there. Nothing that runs is touched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from engine.compile.plan import Plan, PlannedConnection, RouteSet
from engine.core.errors import Failure, Permanent, TillflowError
from engine.ports.transport import Address, Topology
from engine.runtime.cell import Cell
from engine.runtime.delivery.lanes import lanes_of
from engine.runtime.delivery.pool import Pool
from engine.runtime.people.hiding import hidden_text

CHECK_WITHIN = 10.0  # seconds for one connection to answer


def changed_plans(before: RouteSet, after: RouteSet) -> list[Plan]:
    """Plans of `after` that do not run yet."""
    known = {plan.digest for plan in before.every_plan}
    return [plan for plan in after.every_plan if plan.digest not in known]


@dataclass(frozen=True)
class Problem:
    """What is in the way. `passes`: by itself, perhaps; else somebody has to change something."""

    text: str
    passes: bool = True


class Staging:
    """`problems` answers what is in the way."""

    def __init__(self, cell: Cell, pool: Pool) -> None:
        self._cell = cell
        self._pool = pool

    async def problems(self, before: RouteSet, after: RouteSet) -> list[Problem]:
        """Check what is new in `after`, and declare its queues: those of routes unbound, so that nothing comes yet."""
        plans = changed_plans(before, after)
        checks = [self._connection(after, name) for name in _new_connections(before, after, plans)]
        found = [problem for problem in await asyncio.gather(*checks) if problem is not None]
        return found + await self._queues(plans)

    async def _queues(self, plans: list[Plan]) -> list[Problem]:
        """One by one: where the engine may not make them, all that are missing are told at once."""
        found = []
        for address in (*(Address("route", plan.route) for plan in plans), *sorted(lanes_of(plans))):
            try:
                await self._cell.transport.declare(Topology((address,)))
            except TillflowError as error:
                found.append(Problem(str(error)))
        return found

    async def _connection(self, after: RouteSet, name: str) -> Problem | None:
        planned = after.connections[name]
        try:
            async with asyncio.timeout(CHECK_WITHIN), self._pool.connection(planned) as opened:
                if opened is not None:
                    await opened.check()
        except TimeoutError:
            return _told(planned, f"no answer within {CHECK_WITHIN:g} s")
        except Failure as failure:
            return _told(planned, str(failure), passes=not isinstance(failure, Permanent))
        except Exception as error:
            return _told(planned, f"{type(error).__name__}: {error}")
        return None


def _told(planned: PlannedConnection, why: str, *, passes: bool = True) -> Problem:
    return Problem(hidden_text(f"connection {planned.name}: {why}", planned), passes)


def _new_connections(before: RouteSet, after: RouteSet, plans: list[Plan]) -> list[str]:
    """Those of the changed Plans whose configuration does not run yet."""
    known = {connection.digest for connection in before.connections.values()}
    named = {name for plan in plans for name in plan.connections}
    return sorted(name for name in named if after.connections[name].digest not in known)
