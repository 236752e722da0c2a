"""Events for routes that subscribe to them: JSON files dropped into a folder of the route."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.cli.dev.screen import Screen
from engine.cli.dev.standins import LOOK, dropped
from engine.compile.plan import EventType, Plan
from engine.core.clock import day_of
from engine.core.errors import Failure
from engine.core.event import Event
from engine.core.ids import digest
from engine.core.jsonx import digest_of, parse
from engine.plugins.conform import conform
from engine.runtime.carrying.codec import Routed
from engine.runtime.delivery import order
from engine.runtime.engine import Engine
from engine.runtime.ingress.identity import identified


class Feeder:
    """Publishes what is dropped. `run` until cancelled."""

    def __init__(self, engine: Engine, drops: Path, screen: Screen) -> None:
        self._engine = engine
        self._drops = drops
        self._screen = screen

    async def run(self) -> None:
        """Look into every folder again and again."""
        while True:
            for plan in self._engine.plans.all():
                for path in dropped(self._drops / plan.route) if plan.source.event else ():
                    await self._take(plan, path)
            await asyncio.sleep(LOOK)

    async def _take(self, plan: Plan, path: Path) -> None:
        type_ = self._engine.plans.type(plan.source.event)
        try:
            if type_ is None:
                raise LookupError(f"there is no schema {plan.source.event}")
            await self._publish(path, type_)
        except (Failure, LookupError) as problem:
            self._screen.say(f"{plan.route}: {path.name} is no {plan.source.event}: {problem}", "bold red")
        path.unlink(missing_ok=True)

    async def _publish(self, path: Path, type_: EventType) -> None:
        cell = self._engine.cell
        document = parse(path.read_bytes())
        origin, now = digest_of(document), cell.clock.now()
        event = Event(
            id=digest("dev", origin),
            type=type_.schema,
            source="dev",
            data=conform(type_.validator, document),
            time=now,
            day=day_of(now),
            origin=origin,
        )
        born = identified(event, type_, cell.clock).event
        (numbered,) = await order.number(cell, [(born, type_)])
        (confirm,) = await cell.transport.publish([Routed(numbered).published()])
        if not confirm.ok:
            raise LookupError(confirm.problem)
