"""Source `core.schedule`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.core.schedule.config import ScheduleConfig
from connectors.core.schedule.cron import Cron
from engine.sdk import Arrival, Failure, Source, SourceContext, source, tick_id

AGAIN = 5.0  # seconds before a tick that was given back is offered again
MOST = 1000  # ticks caught up


@source("core.schedule")
class ScheduleSource(Source):
    """One event per tick: `{tick, local, date, route}`, the moment in UTC and on the wall clock of the zone.

    A tick has the same id whichever process fires it and however often, so it happens once. Ticks missed while
    nothing ran are caught up as `catch_up` says. A local time that is skipped when the clock goes forward ticks as
    much later; one that comes twice ticks once.
    """

    Config = ScheduleConfig
    exclusive = True
    own_ids = True
    default_format = "json"

    def __init__(self, config: ScheduleConfig, connection: Any, route: str) -> None:
        self._config = config
        self._route = route
        self._plan = config.plan()
        self._zone = ZoneInfo(config.zone)
        self._closed = False

    async def close(self) -> None:
        """No further tick."""
        self._closed = True

    async def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
        """Ticks when they are due, the missed ones first."""
        last = await self._begin(ctx)
        missed = self._missed(last, ctx.clock.now() // 1_000_000)
        for moment in missed:
            async for arrival in self._tick(moment, ctx):
                yield arrival
            last = moment
        last = max(last, ctx.clock.now() // 1_000_000 if not missed else last)
        while not self._closed:
            upcoming = next(self.after(last), None)
            if upcoming is None:
                return
            await self._until(upcoming, ctx)
            async for arrival in self._tick(upcoming, ctx):
                yield arrival
            last = upcoming

    async def _begin(self, ctx: SourceContext) -> int:
        cursor = await ctx.cursor()
        if cursor:
            return int(datetime.fromisoformat(cursor).timestamp())
        now = ctx.clock.now() // 1_000_000
        await ctx.advance(_iso(now))
        return now

    def _missed(self, last: int, now: int) -> list[int]:
        found: list[int] = []
        for moment in self.after(last):
            if moment > now:
                break
            found.append(moment)
            found = found[-MOST:]
        if self._config.catch_up == "all":
            return found
        return found[-1:] if self._config.catch_up == "last" else []

    def after(self, moment: int) -> Iterator[int]:
        """Ticks later than a moment, both UTC seconds."""
        if isinstance(self._plan, Cron):
            yield from self._plan.after(moment)
            return
        period = math.ceil(self._plan)
        tick = moment // period * period
        while True:
            tick += period
            yield tick

    async def _until(self, moment: int, ctx: SourceContext) -> None:
        """Sleep in pieces, so that a clock that is set is noticed."""
        while (left := moment - ctx.clock.now() / 1_000_000) > 0:
            await ctx.clock.sleep(min(left, 60.0))

    async def _tick(self, moment: int, ctx: SourceContext) -> AsyncIterator[Arrival]:
        """One tick, offered until it is taken in."""
        settled = False
        while not settled and not self._closed:
            done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            yield self._arrival(moment, ctx, done)
            settled = await done
            if not settled:
                await ctx.clock.sleep(AGAIN)

    def _arrival(self, moment: int, ctx: SourceContext, done: asyncio.Future[bool]) -> Arrival:
        tick = _iso(moment)
        local = datetime.fromtimestamp(moment, self._zone)

        async def ack(work_items: int) -> None:
            await ctx.advance(tick)
            if not done.done():
                done.set_result(True)

        async def release(reason: Failure) -> None:
            if not done.done():
                done.set_result(False)

        value = {"tick": tick, "local": local.isoformat(), "date": local.date().isoformat(), "route": self._route}
        return Arrival(tick, ack, release, value=value, id=tick_id(self._route, tick))


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
