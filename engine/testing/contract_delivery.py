"""The engine's own delivery around one sink: transport, ledger, retries and all, on a loop whose time runs fast."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace
from pydantic import BaseModel

from engine.backends.blobs import FolderBlobs
from engine.backends.secrets import DictSecrets
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.compile.plan import Plan, PlannedConnection, PlannedSink, PlannedSource, Retry, RouteSet, Segment
from engine.core.clock import day_of
from engine.core.event import Event
from engine.plugins.build import BoundCall
from engine.plugins.contracts import Connection, ConnectorContext, Sink, SinkItem, SinkResult
from engine.plugins.registry import Registry
from engine.plugins.sequence import StepSequence
from engine.plugins.spec import Connector
from engine.plugins.spec import sink as declare_sink
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerKey, LedgerOfEvent
from engine.ports.store.work import WorkFind
from engine.ports.transport import Address, Topology
from engine.runtime.carrying.codec import Delivery
from engine.runtime.cell import Cell
from engine.runtime.delivery.delivery import Worker
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.pool import Pool
from engine.runtime.people.journal import Journal
from engine.runtime.plans import Plans
from engine.runtime.watch import Watch

SPEED = 10  # a second of the loop is 100 ms
START = 1_773_480_000_000_000  # 2026-03-14T09:20:00Z
LANE = Address("lane", "contract")


class _HurriedSelector(selectors.DefaultSelector):
    """Waits a fraction of what it is asked to."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / SPEED if timeout else timeout)


class HurriedLoop(asyncio.SelectorEventLoop):
    """A loop for real sockets, files and threads whose timers come early: waiting for a retry takes a moment."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        super().__init__(_HurriedSelector())

    def time(self) -> float:
        """Seconds of this loop, SPEED times those of the wall."""
        return (time.monotonic() - self._begin) * SPEED


class LoopClock:
    """A Clock on the running loop's time."""

    def now(self) -> int:
        return START + round(self.monotonic() * 1_000_000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class _Given(BaseModel):
    pass


class _GivenConnection(Connection):
    """Hands over the sink under test."""

    Config = _Given

    def __init__(self, config: Any) -> None:
        self.sink: Sink = config

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return


@declare_sink("contract")
class _GivenSink(Sink):
    """The sink under test, as the engine knows it."""

    actions: Mapping[str, Any] = {}  # type: ignore[misc]

    def __init__(self, connection: _GivenConnection) -> None:
        self._sink = connection.sink

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        return await self._sink.deliver(batch, ctx)

    async def verify(self, item: SinkItem, ctx: ConnectorContext) -> bool:
        return await self._sink.verify(item, ctx)


@dataclass(frozen=True)
class Ending:
    """How the engine wrote it down: the ledger's state, the number of tries, reason and words of a work item."""

    state: str
    tries: int
    reason: str = ""
    detail: str = ""


@dataclass
class RealDelivery:
    """Delivers through one sink until the lane is empty."""

    cell: Cell
    desk: Desk

    async def deliver(self, item: SinkItem) -> Ending:
        """Publish it, work until nothing is left, and look into the ledger. The item's key is the delivery's id."""
        event = Event(item.event_id, "contract@1", "contract", None, START, day_of(START), trace=item.event_id)
        delivery = Delivery(item.key, event.day, "contract", item.action, "contract/sink", event, item.request)
        (confirm,) = await self.cell.transport.publish([delivery.outgoing(LANE.name)])
        assert confirm.ok
        await self._until_empty()
        rows = await self.cell.store.apply(LedgerOfEvent(item.event_id))
        row = next(row for row in rows if row.key.id == item.key)
        found = await self.cell.store.apply(WorkFind())
        work = next((work for work in found if work.event_id == item.event_id), None)
        return Ending(row.state, row.attempt, work.reason if work else "", work.detail if work else "")

    async def abandoned(self, item: SinkItem) -> None:
        """Write down what a process that died while it sent this leaves behind: a claim whose lease is over."""
        key = LedgerKey(day_of(START), item.key)
        row = ClaimRow(key, 1, "contract", item.action, "contract/sink", item.event_id)
        await self.cell.store.apply(LedgerClaim([row], "died", self.cell.clock.now(), 0.0))

    async def _until_empty(self) -> None:
        worker = Worker(self.desk, LANE)
        task = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(600):
                while await self._left() and not task.done():  # noqa: ASYNC110 - only the depth can be looked at
                    await asyncio.sleep(0.2)
            worker.stop()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _left(self) -> int:
        depth = (await self.cell.transport.depths()).get(LANE)
        return depth.ready + depth.delayed + depth.unacked if depth else 0


@asynccontextmanager
async def delivering(sink: Sink, action: str, within: float = 20.0) -> AsyncIterator[RealDelivery]:
    """The engine's delivery around a sink, everything in memory. The running loop's time is its time."""
    clock = LoopClock()
    database = SqliteDatabase(":memory:", clock)
    transport, store = SqliteTransport(database, clock), SqliteStore(database, clock)
    declared = type("Declared", (_GivenSink,), {"__doc__": _GivenSink.__doc__, "actions": sink.actions})
    connector = Connector("contract", (declare_sink("contract")(declared),), _GivenConnection)
    connection = PlannedConnection("contract", "contract", sink, "contract", timeout=within, breaker_failures=1000)
    routes = RouteSet("contract", {"contract": _plan(sink, action, within)}, {"contract": connection})
    with TemporaryDirectory() as folder:
        cell = Cell(transport, store, FolderBlobs(folder), DictSecrets({}), clock, lambda text, facts: None)
        await transport.open()
        await store.open()
        pool = Pool(Registry([connector]), clock, cell.log)
        try:
            await transport.declare(Topology((LANE, Address("quarantine", ""), Address("route", "contract"))))
            plans = Plans(routes, store, lambda files: routes, cell.log)
            yield RealDelivery(cell, Desk(cell, plans, pool, journal=Journal(cell), watch=Watch(), rng=Random(7)))
        finally:
            await pool.close()
            await store.close()
            await transport.close()


def _plan(sink: Sink, action: str, within: float) -> Plan:
    declared = sink.actions[action]
    guarantee = declared.guarantee or "at_least_once"
    planned = PlannedSink(
        id=action,
        effect="contract/sink",
        lane=LANE.name,
        call=BoundCall("contract", "contract", action, guarantee, {}, None, ""),
        action=replace(declared, settle=min(declared.settle, 5.0)),
        guarantee=guarantee,
        retry=Retry(give_up_after=60.0),
        timeout=within,
    )
    return Plan(
        route="contract",
        version="1.0.0",
        digest="contract",
        owner="contract",
        criticality="operational",
        route_once=False,
        source=PlannedSource(event="contract@1"),
        segments=(Segment("", StepSequence(())),),
        sinks=(planned,),
    )
