"""Running Sources: one task per source, a lease where only one process may run it, arrivals taken in and let go of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from typing import Any

from engine.compile.plan import Plan
from engine.core.errors import Failure, Fenced, Permanent, StoreDown, TillflowError, Transient
from engine.core.masking import mask_pan_text
from engine.plugins.contracts import Arrival, Source, SourceContext
from engine.plugins.registry import Registry
from engine.ports.store.leases import CursorGet, CursorSet, LeaseDrop, LeaseTake, SeenAdd, SeenGet
from engine.runtime.cell import Cell
from engine.runtime.crash import point
from engine.runtime.delivery.limits import until
from engine.runtime.delivery.pool import Pool
from engine.runtime.ingress.ingress import Ingress
from engine.runtime.people.hiding import hidden_text
from engine.runtime.router.router import Router
from engine.runtime.router.shared import Shared

LEASE = 30.0  # seconds; renewed three times as often
AT_ONCE = 32  # arrivals of one source that are taken in at the same time
PAUSE = 1.0
LONGEST_PAUSE = 30.0
SETTLED = 5.0  # seconds of reading after which an earlier problem counts as over
UP = 0.5  # seconds of reading after which a source that does not say so takes in
REST = 5.0  # seconds that a source has for giving what came already


class StoredContext(SourceContext):
    """See plugins.contracts.SourceContext. What a source remembers are rows of the Store under its route's name."""

    def __init__(self, cell: Cell, route: str, token: int, ready: Callable[[], None] = lambda: None) -> None:
        self.clock = cell.clock
        self.route = route
        self.ready = ready  # type: ignore[method-assign]
        self._cell = cell
        self._name = lease_name(route)
        self._token = token

    async def cursor(self) -> str:
        return await self._cell.store.apply(CursorGet(self._name))

    async def advance(self, value: str) -> None:
        if not await self._cell.store.apply(CursorSet(self._name, value, self._token)):
            raise Fenced(f"the source of route {self.route} runs in another process now")

    async def seen(self, key: str) -> str | None:
        return await self._cell.store.apply(SeenGet(self.route, key))

    async def remember(self, key: str, note: str = "") -> None:
        await self._cell.store.apply(SeenAdd(self.route, key, self.clock.now(), mask_pan_text(note)))

    def log(self, text: str, facts: Mapping[str, Any] | None = None) -> None:
        self._cell.log(text, {"route": self.route, **(facts or {})})


def lease_name(route: str) -> str:
    """One name for the lease and the cursor of a source: the lease's token fences the cursor."""
    return f"source/{route}"


async def _arrivals(source: Source, context: SourceContext) -> AsyncGenerator[Arrival, None]:
    """What it brings. Raises Permanent when its plugin asks the process to end: that must not take the engine along."""
    brought = source.arrivals(context)
    try:
        async for arrival in brought:
            yield arrival
    except SystemExit as error:
        raise Permanent("source-left", "the source asked the process to end: a defect of its plugin") from error
    finally:
        if isinstance(brought, AsyncGenerator):
            await brought.aclose()


class SourceRunner:
    """The source of one route. `run` until `stop`; `problem` says why nothing comes in, for readiness."""

    def __init__(
        self, shared: Shared, registry: Registry, pool: Pool, ingress: Ingress, router: Router, plan: Plan
    ) -> None:
        self._shared = shared
        self._registry = registry
        self._pool = pool
        self._ingress = ingress
        self._router = router
        self._plan = plan
        self._planned = shared.plans.connection(plan.source.connection) if plan.source.connection else None
        self._source: Source | None = None
        self._reading: asyncio.Task[None] | None = None
        self._stopping = False
        self._stopped = asyncio.Event()
        self._news = asyncio.Event()  # it takes in, or failed
        self.problem = ""
        self.leads = False  # of the processes that could, this one runs it
        self.taken = 0
        self.refused = 0

    @property
    def plan(self) -> Plan:
        """The Plan it takes in for."""
        return self._plan

    def adopt(self, plan: Plan) -> None:
        """Another Plan of the same route, which says the same of its source."""
        self._plan = plan

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
                self._report(f"{type(error).__name__} in source {self._plan.source.use}: {error}")
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
            with suppress(TimeoutError):
                async with asyncio.timeout(REST):
                    await self._source.close()
        if self._reading is not None:
            self._reading.cancel()

    def _report(self, problem: str) -> None:
        self.problem = hidden_text(problem, self._planned)
        self._news.set()
        self._shared.cell.log("a source failed", {"route": self._plan.route, "why": self.problem})

    async def _live(self) -> None:
        """One life of the source, from its lease to its end."""
        spec = self._registry.sources.get(self._plan.source.use)
        if spec is None:
            why = self._registry.unusable("source", self._plan.source.use) or "it is not installed"
            raise Permanent("no-source", f"source {self._plan.source.use}: {why}")
        made: type[Source] = spec.target
        async with AsyncExitStack() as stack:
            token = await self._turn(stack) if made.exclusive else 0
            if self._stopping:
                return
            connection = await self._connection(stack)
            self._source = made(self._plan.source.config, connection, self._plan.route)
            stack.callback(setattr, self, "_source", None)
            context = StoredContext(self._shared.cell, self._plan.route, token, self._news.set)
            await self._until_read(self._source, context, made.exclusive)

    async def _until_read(self, source: Source, context: StoredContext, exclusive: bool) -> None:
        """Read until stopped; return when all that was read is let go of. Raises what ended the reading."""
        async with asyncio.TaskGroup() as group:
            reading = self._reading = asyncio.create_task(self._read(group, source, context, exclusive))
            renewing = asyncio.create_task(self._renew(reading)) if exclusive else None
            try:
                await asyncio.wait([reading], timeout=UP)
                if not reading.done():
                    self._news.set()
                    await asyncio.wait([reading], timeout=SETTLED - UP)
                if not reading.done():
                    self.problem = ""
                    await asyncio.wait([reading])
            finally:
                reading.cancel()
                if renewing is not None:
                    renewing.cancel()
        if not reading.cancelled():
            reading.result()

    async def _connection(self, stack: AsyncExitStack) -> Any:
        if not self._plan.source.connection:
            return None
        if self._planned is None:
            raise Permanent("connection-gone", f"there is no connection `{self._plan.source.connection}`")
        return await stack.enter_async_context(self._pool.connection(self._planned))

    # --- the lease ---------------------------------------------------------------------------------------------------

    def _take(self) -> LeaseTake:
        cell = self._shared.cell
        return LeaseTake(lease_name(self._plan.route), cell.worker, cell.clock.now(), LEASE)

    async def _lease(self, stack: AsyncExitStack) -> int:
        token = await self._shared.cell.store.apply(self._take())
        if token:
            self.leads = True
            stack.push_async_callback(self._drop)
        return token

    async def _turn(self, stack: AsyncExitStack) -> int:
        """The lease, as soon as no other process has it: it ends or dies some day."""
        while not self._stopping and not (token := await self._lease(stack)):
            if not self._shared.cell.shared:
                raise Transient("not-ours", f"the source of route {self._plan.route} runs in another process")
            self.problem = ""
            self._news.set()
            await until(self._stopped, LEASE / 10)
        return 0 if self._stopping else token

    async def _drop(self) -> None:
        self.leads = False
        try:
            await self._shared.cell.store.apply(LeaseDrop(lease_name(self._plan.route), self._shared.cell.worker))
        except StoreDown:
            return  # it ends by itself

    async def _renew(self, reading: asyncio.Task[None]) -> None:
        """Keep the lease; without it nothing more is read. A Store that is away for a moment does not end it."""
        clock = self._shared.cell.clock
        held = clock.monotonic()
        while True:
            await clock.sleep(LEASE / 3)
            try:
                token = await self._shared.cell.store.apply(self._take())
            except StoreDown:
                token = -1
            if token > 0:
                held = clock.monotonic()
            if token == 0 or clock.monotonic() - held > LEASE:
                self._report("its lease is over; another process may run it now")
                reading.cancel()
                return

    # --- arrivals ----------------------------------------------------------------------------------------------------

    async def _read(self, group: asyncio.TaskGroup, source: Source, context: StoredContext, in_order: bool) -> None:
        """Take arrivals in. When one of an exclusive source is given back, it is asked anew, from where it stands."""
        while await self._given_back(group, source, context, in_order):
            await self._shared.cell.clock.sleep(PAUSE)

    async def _given_back(
        self, group: asyncio.TaskGroup, source: Source, context: StoredContext, in_order: bool
    ) -> bool:
        """Take in until the source ends, several at once. Those of an exclusive source are let go of in order, since
        it keeps a cursor; True: one was given back, and with it all that had been read behind it.
        """
        room = asyncio.Semaphore(AT_ONCE)
        turns: dict[asyncio.Task[None], asyncio.Future[bool]] = {}
        before: asyncio.Future[bool] | None = None
        refused = asyncio.Event()

        def ended(task: asyncio.Task[None]) -> None:
            room.release()
            turn = turns.pop(task)
            if in_order and not (turn.done() and turn.result()):
                refused.set()

        async with aclosing(_arrivals(source, context)) as arrivals:
            async for arrival in arrivals:
                self.problem = ""
                await room.acquire()
                turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
                task = group.create_task(self._arrival(arrival, before, turn))
                turns[task] = turn
                task.add_done_callback(ended)
                before = turn if in_order else None
                if refused.is_set():
                    await asyncio.wait(set(turns))
                    return True
        return False

    async def _arrival(self, arrival: Arrival, before: asyncio.Future[bool] | None, turn: asyncio.Future[bool]) -> None:
        """One arrival from decoding to its ack. One that is given back takes those behind it along."""
        acked = False
        try:
            refused = await self._take_in(arrival)
            if before is not None and not await before:
                raise Transient("behind-another", "an earlier arrival of this source could not be taken in")
            point("ingress-ack")
            await arrival.ack(refused)
            point("ingress-acked")
            acked = True
        except Failure as failure:
            await self._give_back(arrival, failure)
        except TillflowError as error:
            await self._give_back(arrival, Transient("not-taken-in", str(error)))
        except Exception as error:
            text = f"{type(error).__name__} while an arrival of {self._plan.source.use} was taken in"
            self._report(f"{text}: {error}")
            await self._give_back(arrival, Transient("not-taken-in", text))
        finally:
            if not turn.done():
                turn.set_result(acked)

    async def _give_back(self, arrival: Arrival, failure: Failure) -> None:
        try:
            await arrival.release(failure)
        except Exception as error:
            self._report(f"{type(error).__name__} while {arrival.name or 'an arrival'} was given back: {error}")

    async def _take_in(self, arrival: Arrival) -> int:
        """How many work items it made. What it gives is read as its own Plan says, whatever decides it later."""
        plan = self._plan
        if arrival.reply is not None:
            await self._answer(plan, arrival)
            self.taken += 1
            return 0
        made = await self._ingress.take_in(plan, arrival)
        self.taken += made.events
        self.refused += made.refused
        return made.refused

    async def _answer(self, plan: Plan, arrival: Arrival) -> None:
        """A synchronous request: the same pipeline, its reply before the ack. Its failure goes back to who asked."""
        assert arrival.reply is not None
        event = await self._ingress.event_of(plan, arrival)
        outcome = await self._router.answer(event, plan.source.deadline)
        if outcome.failed is not None:
            raise outcome.failed.failure
        await arrival.reply(outcome.reply)
