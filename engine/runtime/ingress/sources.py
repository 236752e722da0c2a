"""Running Sources: one task per source, a lease where only one process may run it, started again when it fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, suppress
from typing import Any

from engine.compile.plan import Plan
from engine.core.errors import Failure, Fenced, Permanent, StoreDown, Transient
from engine.plugins.contracts import Source
from engine.plugins.registry import Registry
from engine.runtime.delivery.limits import until
from engine.runtime.delivery.pool import Pool
from engine.runtime.ingress.arrivals import Arrivals
from engine.runtime.ingress.context import StoredContext
from engine.runtime.ingress.ingress import Ingress, Intook
from engine.runtime.ingress.sourcehealth import SETTLED, Standing
from engine.runtime.ingress.turn import LEASE, Turn
from engine.runtime.people.hiding import hidden_text
from engine.runtime.router.router import Router
from engine.runtime.router.shared import Shared

PAUSE = 1.0
MOST_REASONS = 16  # that are told apart: each is a label of a metric
LONGEST_PAUSE = 30.0
UP = 0.5  # seconds of reading after which a source that does not say so takes in
REST = 5.0  # seconds that a source has for giving what came already


class SourceRunner:
    """The source of one route. `run` until `stop`; `problem` says why nothing comes in, for readiness."""

    def __init__(
        self, shared: Shared, registry: Registry, pool: Pool, ingress: Ingress, router: Router, plan: Plan
    ) -> None:
        self._shared = shared
        self._registry = registry
        self._pool = pool
        self._planned = shared.plans.connection(plan.source.connection) if plan.source.connection else None
        self._standing = Standing(shared.cell.clock, self._log)
        self._turn = Turn(shared.cell, plan.route)
        self._arrivals = Arrivals(
            shared,
            ingress,
            router,
            plan,
            works=self._standing.works,
            failed=self._report,
            made=self._count,
            lapsed=lambda: self._turn.lapsed,
        )
        self._source: Source | None = None
        self._reading: asyncio.Task[None] | None = None
        self._stopping = False
        self._stopped = asyncio.Event()
        self._news = asyncio.Event()  # it takes in, or failed
        self.taken = 0
        self.refused = 0
        self.turned_away: Counter[str] = Counter()  # by reason, of what left no trace in the Store

    @property
    def plan(self) -> Plan:
        """The Plan it takes in for."""
        return self._arrivals.plan

    def adopt(self, plan: Plan) -> None:
        """Another Plan of the same route, which says the same of its source."""
        self._arrivals.plan = plan

    @property
    def problem(self) -> str:
        """Why nothing comes in; empty when it does."""
        return self._standing.problem

    @property
    def leads(self) -> bool:
        """Of the processes that could, this one runs it."""
        return self._turn.held

    async def up(self, patience: float) -> str:
        """Wait until it takes in, or its turn comes another day. Answers what is wrong when it fails at once."""
        await until(self._news, patience)
        return self.problem if self._news.is_set() else f"it does not take in after {patience:g} s"

    async def run(self) -> None:
        """Run the source, and again after a pause when it fails."""
        pause = PAUSE
        while not self._stopping:
            began = self._shared.cell.clock.monotonic()
            try:
                await self._live()
            except (Failure, Fenced, StoreDown) as error:
                self._report(str(error))
            except Exception as error:
                self._report(f"{type(error).__name__} in source {self.plan.source.use}: {error}")
            if self._stopping:
                return
            pause = PAUSE if self._shared.cell.clock.monotonic() - began > LONGEST_PAUSE else pause
            await until(self._stopped, pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def stop(self) -> None:
        """Take in nothing new; `run` returns when what is in hand is let go of."""
        self._stopping = True
        self._stopped.set()
        if self._source is not None:
            with suppress(TimeoutError):  # one that does not end by itself is ended below
                async with asyncio.timeout(REST):
                    await self._source.close()
        if self._reading is not None:
            self._reading.cancel()

    def _report(self, problem: str) -> None:
        self._standing.failed(hidden_text(problem, self._planned))
        self._news.set()

    def _log(self, text: str, why: str) -> None:
        level = "warning" if self.problem else "info"
        self._shared.cell.log(text, {"route": self.plan.route, "level": level, "why": why})

    def _count(self, made: Intook) -> None:
        self.taken += made.events
        self.refused += made.refused

    def _turn_away(self, reason: str) -> None:
        known = reason in self.turned_away or len(self.turned_away) < MOST_REASONS
        self.turned_away[reason if known else "other"] += 1

    async def _live(self) -> None:
        """One life of the source, from its lease to its end."""
        spec = self._registry.sources.get(self.plan.source.use)
        if spec is None:
            why = self._registry.unusable("source", self.plan.source.use) or "it is not installed"
            raise Permanent("no-source", f"source {self.plan.source.use}: {why}")
        made: type[Source] = spec.target
        async with AsyncExitStack() as stack:
            token = await self._lease(stack) if made.exclusive else 0
            if self._stopping:
                return
            connection = await self._connection(stack)
            self._source = made(self.plan.source.config, connection, self.plan.route)
            stack.callback(setattr, self, "_source", None)
            await self._until_read(self._source, self._context(token), made.exclusive)

    def _context(self, token: int) -> StoredContext:
        shared = self._shared
        revision = lambda: shared.plans.revision  # noqa: E731
        return StoredContext(shared.cell, self.plan.route, token, self._news.set, revision, self._turn_away)

    async def _until_read(self, source: Source, context: StoredContext, exclusive: bool) -> None:
        """Read until stopped; return when all that was read is let go of. Raises what ended the reading."""
        self._standing.begins()
        async with asyncio.TaskGroup() as group:
            reading = self._reading = asyncio.create_task(self._arrivals.read(group, source, context, exclusive))
            renewing = asyncio.create_task(self._turn.keep(self._over)) if exclusive else None
            try:
                await asyncio.wait([reading], timeout=UP)
                if not reading.done():
                    self._news.set()
                    await asyncio.wait([reading], timeout=SETTLED - UP)
                if not reading.done():
                    self._standing.works()
                    await asyncio.wait([reading])
            finally:
                reading.cancel()
                if renewing is not None:
                    renewing.cancel()
        if not reading.cancelled():
            reading.result()

    async def _connection(self, stack: AsyncExitStack) -> Any:
        if not self.plan.source.connection:
            return None
        if self._planned is None:
            raise Permanent("connection-gone", f"there is no connection `{self.plan.source.connection}`")
        return await stack.enter_async_context(self._pool.connection(self._planned))

    async def _lease(self, stack: AsyncExitStack) -> int:
        """The lease, as soon as no other process has it: it ends or dies some day."""
        while not self._stopping:
            if token := await self._turn.take():
                stack.push_async_callback(self._turn.drop)
                return token
            if not self._shared.cell.shared:
                raise Transient("not-ours", f"the source of route {self.plan.route} runs in another process")
            self._standing.waits()
            self._news.set()
            await until(self._stopped, LEASE / 10)
        return 0

    def _over(self) -> None:
        """Nothing more is read without the lease."""
        self._report("its lease is over; another process may run it now")
        if self._reading is not None:
            self._reading.cancel()
