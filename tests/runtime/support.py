"""A small world for tests of delivery: an outside system that counts its effects, Plans over it, a cell in memory."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from pydantic import BaseModel

from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.compile.plan import (
    Ordered,
    Plan,
    PlannedConnection,
    PlannedSink,
    PlannedSource,
    Retry,
    RouteSet,
    Segment,
)
from engine.core.clock import Clock
from engine.core.errors import Failure
from engine.core.event import Event
from engine.core.ids import delivery_id
from engine.plugins.build import BoundCall
from engine.plugins.contracts import (
    Action,
    Call,
    Connection,
    ConnectorContext,
    Guarantee,
    Sink,
    SinkItem,
    SinkResult,
)
from engine.plugins.registry import Registry
from engine.plugins.sequence import StepSequence
from engine.plugins.spec import Connector, call, sink
from engine.ports.secrets import Secret
from engine.ports.store.ledger import LedgerOfEvent, LedgerRow
from engine.ports.store.work import WorkFind, WorkItem
from engine.ports.transport import Address, Topology
from engine.runtime.carrying.codec import Delivery
from engine.runtime.cell import Cell
from engine.runtime.delivery.delivery import Worker
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.pool import Pool
from engine.runtime.people.journal import Journal
from engine.runtime.plans import Plans
from engine.runtime.watch import Watch
from engine.testing.clock import current_clock, run_virtual

T = TypeVar("T")
LANE = Address("lane", "fake")
DAY = "2026-03-14"
DEDUPED: frozenset[str] = frozenset({"idempotency_key", "upsert", "same_transaction"})
GUARANTEES: tuple[Guarantee, ...] = (
    "idempotency_key",
    "upsert",
    "same_transaction",
    "verify",
    "at_least_once",
    "at_most_once",
)

Script = Callable[[SinkItem, ConnectorContext, Callable[[], None]], Coroutine[Any, Any, Any]]


@dataclass
class World:
    """The outside system. `effects` are real changes, in order; a guarantee that dedupes makes a repeat none.

    script   what it does with a request; `apply` makes the effect. Raises what the sink would raise
    calls    every request that came, whatever became of it, with the moment (seconds)
    """

    effects: list[tuple[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, float]] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)
    script: Script | None = None
    batches: list[int] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    def applied(self, key: str) -> int:
        return Counter(name for name, _ in self.effects)[key]

    def apply(self, item: SinkItem) -> None:
        if item.action in DEDUPED and self.applied(item.key):
            return
        self.effects.append((item.key, item.request))


class Anything(BaseModel):
    pass


class FakeConnection(Connection):
    Config = Anything

    def __init__(self, config: World) -> None:
        self.world = config
        self.open_now = False

    async def open(self) -> None:
        self.open_now = True

    async def close(self) -> None:
        self.open_now = False


async def _handle(world: World, item: SinkItem, ctx: ConnectorContext) -> Any:
    world.calls.append((item.key, ctx.clock.monotonic()))
    world.running += 1
    world.most_running = max(world.most_running, world.running)
    try:
        if world.script is not None:
            return await world.script(item, ctx, lambda: world.apply(item))
        ctx.sent()
        await asyncio.sleep(0)
        world.apply(item)
        return {"ok": True}
    finally:
        world.running -= 1


@sink("fake")
class FakeSink(Sink):
    """A sink for tests."""

    actions: Mapping[str, Action] = {  # type: ignore[misc]
        **{name: Action(Anything, name, settle=2.0 if name == "verify" else 0.0) for name in GUARANTEES},
        "many": Action(Anything, "idempotency_key", batch=10),
    }

    def __init__(self, connection: FakeConnection) -> None:
        self.world = connection.world

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        self.world.batches.append(len(batch))
        if len(batch) == 1:
            return [SinkResult.applied(await _handle(self.world, batch[0], ctx))]
        results = []
        for item in batch:
            try:
                results.append(SinkResult.applied(await _handle(self.world, item, ctx)))
            except Failure as failure:
                results.append(SinkResult.failed(failure))
        return results

    async def verify(self, item: SinkItem, ctx: ConnectorContext) -> bool:
        self.world.verified.append(item.key)
        return self.world.applied(item.key) > 0


@call("fake")
class FakeCall(Call):
    """A call for tests."""

    actions: Mapping[str, Action] = {  # type: ignore[misc]
        **{name: Action(Anything, name) for name in GUARANTEES},
        "read": Action(Anything),
    }

    def __init__(self, connection: FakeConnection) -> None:
        self.world = connection.world

    async def call(self, item: SinkItem, ctx: ConnectorContext) -> Any:
        return await _handle(self.world, item, ctx)


def registry() -> Registry:
    return Registry([Connector("fake", (FakeSink, FakeCall), FakeConnection)])


def planned_connection(world: World, **limits: Any) -> PlannedConnection:
    facts = {"timeout": 1.0, "breaker_failures": 1000, **limits}
    return PlannedConnection("fake", "fake", world, f"digest-{sorted(limits)}", **facts)


def planned_sink(action: str = "idempotency_key", id: str = "erp", route: str = "sales", **facts: Any) -> PlannedSink:
    declared = FakeSink.actions[action]
    bound = BoundCall("fake", "fake", action, declared.guarantee, {}, None, "")
    known: dict[str, Any] = {
        "id": id,
        "effect": f"{route}/{id}",
        "lane": LANE.name,
        "call": bound,
        "action": declared,
        "guarantee": declared.guarantee,
        "timeout": 1.0,
    }
    return PlannedSink(**{**known, **facts})


def own_sink(id: str = "erp", **facts: Any) -> PlannedSink:
    """A sink of the engine itself: an event, or a table."""
    return PlannedSink(**{"id": id, "effect": f"sales/{id}", "lane": LANE.name, "guarantee": "upsert", **facts})


class AnyData:
    """A schema that takes everything."""

    name = "any@1"

    def violations(self, data: Any, limit: int = 100) -> list[tuple[str, str]]:
        return []

    def filled(self, data: Any) -> Any:
        return data


def plan(*sinks: PlannedSink, route: str = "sales", **facts: Any) -> Plan:
    known: dict[str, Any] = {
        "route": route,
        "version": "1.0.0",
        "digest": f"plan-{route}",
        "owner": "finance",
        "criticality": "financial",
        "route_once": False,
        "source": PlannedSource(event="sale.completed@2"),
        "segments": (Segment("", StepSequence(())),),
        "sinks": sinks,
        "connections": frozenset({"fake"}),
    }
    return Plan(**{**known, **facts})


class NoSecrets:
    def get(self, name: str) -> Secret:
        raise KeyError(name)


def event(number: int = 1, **facts: Any) -> Event:
    known: dict[str, Any] = {
        "id": f"{number:032x}",
        "type": "sale.completed@2",
        "source": "pos",
        "data": {"receipt": number},
        "time": 1_773_480_000_000_000 + number,
        "day": DAY,
        "subject": f"store|{number}",
        "origin": f"origin-{number}",
        "trace": f"{number:032x}",
    }
    return Event(**{**known, **facts})


def delivery(number: int = 1, sink: str = "erp", route: str = "sales", **facts: Any) -> Delivery:
    source = facts.pop("event", None) or event(number)
    effect = f"{route}/{sink}"
    known: dict[str, Any] = {
        "id": delivery_id(source.id, effect),
        "day": DAY,
        "route": route,
        "sink": sink,
        "effect": effect,
        "event": source.with_data(None),
        "body": {"receipt": number},
    }
    return Delivery(**{**known, **facts})


@dataclass
class Bench:
    """A cell in memory with one lane, and whatever a test asks about it."""

    cell: Cell
    world: World
    plans: Plans
    pool: Pool
    desk: Desk
    logs: list[tuple[str, Mapping[str, Any]]]

    @property
    def clock(self) -> Clock:
        return self.cell.clock

    def use(self, *plans: Plan, connection: PlannedConnection | None = None) -> None:
        """Other Plans from now on."""
        known = connection or self.plans.connection("fake")
        assert known is not None
        self.plans.replace(RouteSet("revision-2", {one.route: one for one in plans}, {"fake": known}))

    async def publish(self, *deliveries: Delivery, lane: str = LANE.name, delay: float = 0.0) -> None:
        confirms = await self.cell.transport.publish([one.outgoing(lane, delay) for one in deliveries])
        assert all(confirm.ok for confirm in confirms)

    async def run_until_quiet(self, *, hours: float = 72.0, lane: Address = LANE) -> None:
        """Run a worker until its lane is empty, delayed ones included."""
        worker = Worker(self.desk, lane)
        task = asyncio.create_task(worker.run())
        try:
            end = self.clock.monotonic() + hours * 3600
            while await self.left(lane):
                assert self.clock.monotonic() < end, "the lane does not become empty"
                if task.done():
                    await task
                await self.clock.sleep(0.25)
            worker.stop()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def left(self, lane: Address = LANE) -> int:
        depth = (await self.cell.transport.depths()).get(lane)
        return depth.ready + depth.delayed + depth.unacked if depth else 0

    async def ledger(self, one: Delivery) -> LedgerRow:
        rows = await self.cell.store.apply(LedgerOfEvent(one.event.id))
        return next(row for row in rows if row.key.id == one.id)

    async def items(self, reason: str = "") -> list[WorkItem]:
        return await self.cell.store.apply(WorkFind(reason=reason))


@asynccontextmanager
async def bench(
    *plans: Plan, world: World | None = None, connection: PlannedConnection | None = None, watch: Watch | None = None
) -> AsyncIterator[Bench]:
    """A bench with these Plans (one route with one idempotent sink when none are given)."""
    clock = current_clock()
    database = SqliteDatabase(":memory:", clock)
    logs: list[tuple[str, Mapping[str, Any]]] = []
    transport, store = SqliteTransport(database, clock), SqliteStore(database, clock)
    cell = Cell(transport, store, None, NoSecrets(), clock, lambda text, facts: logs.append((text, facts)))  # type: ignore[arg-type]
    await transport.open()
    await store.open()
    outside = world or World()
    known = connection or planned_connection(outside)
    chosen = plans or (plan(planned_sink()),)
    routeset = RouteSet("revision-1", {one.route: one for one in chosen}, {"fake": known})
    current = Plans(routeset, store, lambda files: routeset, cell.log)
    pool = Pool(registry(), clock, cell.log)
    desk = Desk(cell, current, pool, Journal(cell), watch or Watch(), Random(7))
    await transport.declare(Topology((LANE, Address("quarantine", ""), Address("route", "sales"))))
    try:
        yield Bench(cell, outside, current, pool, desk, logs)
    finally:
        await pool.close()
        await store.close()
        await transport.close()


def virtual(test: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
    """Run an async test on a virtual loop."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> T:
        return run_virtual(test(*args, **kwargs))

    return run


__all__ = ["Ordered", "Retry"]
