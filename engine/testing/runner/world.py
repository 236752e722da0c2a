"""One case through the engine: a cell in memory, virtual time, the routes under test, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from engine.backends.blobs import SqliteBlobs
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.compile.plan import EventType, Plan, RouteSet
from engine.core.clock import day_of
from engine.core.errors import Failure
from engine.core.event import Event
from engine.core.ids import digest
from engine.core.jsonx import digest_of
from engine.plugins.conform import conform
from engine.plugins.contracts import Arrival
from engine.ports.store.steps import GroupsOpen
from engine.ports.store.work import WorkFind, WorkItem
from engine.runtime.carrying.codec import Routed
from engine.runtime.cell import Cell
from engine.runtime.delivery import order
from engine.runtime.engine import Engine
from engine.runtime.ingress.identity import identified
from engine.testing.clock import START, VirtualClock, current_clock, run_virtual
from engine.testing.runner.chosen import TestCase
from engine.testing.runner.givens import Given
from engine.testing.runner.network import no_network
from engine.testing.runner.project import TestProject
from engine.testing.runner.standins import Outside, asking_contexts, captured, standing_in
from engine.testing.runner.stubs import Stubs
from engine.testing.runner.tablefiles import SteadyFiles
from engine.testing.runner.taps import Tapped, TappedStore, TappedTransport
from engine.testing.runner.values import BadTest, duration, moment

PATIENCE = 60.0  # seconds of virtual time after which something that never gets quiet is left to `advance`
LONGEST_LOOK = 0.5
SEED = 1  # of the jitter of retries: a case takes the same way each time
TABLES_EVERY = 3600.0  # they are also looked at whenever all is quiet


@dataclass(repr=False)
class Happened:
    """What came of one case.

    start    UTC microseconds when the first thing came in
    ids      events that were given, without copies; empty for native files
    ended    (route, data, schema) at the end of the steps
    waiting  events in groups that are open at the end, by step
    figures  completeness by route and sink
    replies  of synchronous requests
    """

    plans: dict[str, Plan]
    start: int = 0
    waiting: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)
    seen: Tapped = field(default_factory=Tapped)
    outside: Outside | None = None
    work: list[WorkItem] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    ended: list[tuple[str, Any, str]] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def run_case(project: TestProject, case: TestCase, given: Given) -> Happened:
    """Run it to its end. Raises BadTest when it cannot be run as it is written."""
    routeset = project.for_case(case.subject, case.doc.params)
    missing = [name for name in case.subject.running if name not in routeset.plans]
    if missing or not case.subject.running:
        raise BadTest(f"there is no route `{missing[0]}`" if missing else "the test names no route")
    problems: list[str] = []
    with no_network(problems):
        happened = run_virtual(_World(project, routeset, case).run(given))
    happened.problems += problems
    return happened


def begins(case: TestCase, given: Given, type_: EventType | None) -> int:
    """When the clock starts: as the case says, else at noon of the business date, else at a fixed moment."""
    written = case.doc.clock.start if case.doc.clock is not None else None
    if written is not None:
        return moment(written)
    if type_ is None or type_.business_date is None or not given.documents:
        return START
    try:
        return moment(str(type_.business_date(given.documents[0], _NoEnv())))
    except (BadTest, Failure):
        return START


class _NoEnv:
    """A business date is a plain path of the data."""

    def __getattr__(self, name: str) -> Any:
        raise BadTest(f"a business date needs `{name}`")


class _World:
    def __init__(self, project: TestProject, routeset: RouteSet, case: TestCase) -> None:
        self._project = project
        self._case = case
        scope = case.scope
        self._original = {
            name: scope.plan(routeset, name) if scope is not None else routeset.plans[name]
            for name in case.subject.running
        }
        plans = {name: captured(plan) for name, plan in self._original.items()}
        self._routeset = replace(routeset, plans=plans, files={}, regional={})
        self._files = routeset.files
        self._entrance = plans[case.subject.route]
        self.happened = Happened(dict(self._original))

    async def run(self, given: Given) -> Happened:
        clock = current_clock(begins(self._case, given, self._type))
        outside = self.happened.outside = Outside(clock, Stubs.of(self._case.doc.stub, clock))
        watch = self._project.watch
        watch.stubs, watch.ended = outside.stubs, self.happened.ended
        try:
            async with self._cell(clock) as cell, self._engine(cell, outside) as engine:
                await self._through(engine, cell, outside, given)
        finally:
            watch.stubs = None
        self.happened.problems += outside.problems
        return self.happened

    @property
    def _type(self) -> EventType | None:
        """The type of the documents given."""
        source = self._entrance.source
        name = self._case.doc.given.schema_ or source.event
        return self._routeset.types.get(name) if name else source.accepts

    # --- what runs ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _cell(self, clock: VirtualClock) -> AsyncIterator[Cell]:
        database = SqliteDatabase(":memory:", clock)
        seen = self.happened.seen
        transport = TappedTransport(SqliteTransport(database, clock), seen, clock)
        store = TappedStore(SqliteStore(database, clock), seen, clock)
        await transport.open()
        await store.open()
        try:
            yield Cell(transport, store, SqliteBlobs(database), self._project.secrets, clock, lambda text, facts: None)
        finally:
            await store.close()
            await transport.close()

    @asynccontextmanager
    async def _engine(self, cell: Cell, outside: Outside) -> AsyncIterator[Engine]:
        registry = standing_in(self._project.registry, list(self._original.values()), outside)
        engine = Engine(cell, registry, self._routeset, lambda files: self._routeset, SteadyFiles(self._files))
        engine.tables.every = TABLES_EVERY
        engine.shared.rng.seed(SEED)
        contexts = engine.shared.around.contexts
        assert contexts is not None
        engine.shared.around = replace(engine.shared.around, contexts=asking_contexts(contexts))
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()

    async def _through(self, engine: Engine, cell: Cell, outside: Outside, given: Given) -> None:
        await self._quiet(engine, cell, outside)
        self.happened.start, outside.stubs.start = cell.clock.now(), cell.clock.monotonic()
        await self._give(cell, outside, given)
        await self._quiet(engine, cell, outside)
        advance = duration(self._case.doc.clock.advance) if self._case.doc.clock is not None else 0.0
        if advance:
            await cell.clock.sleep(advance)
            await self._quiet(engine, cell, outside)
        await engine.journal.flush()
        self.happened.work = await cell.store.apply(WorkFind(("open",)))
        for group, _, size, _ in await cell.store.apply(GroupsOpen()):
            self.happened.waiting[group.step] += size
        self.happened.figures = (await engine.control.figures())["figures"]

    async def _quiet(self, engine: Engine, cell: Cell, outside: Outside) -> None:
        """Until nothing is ready and nobody has anything in hand: what is left waits for a time."""
        until, look = cell.clock.monotonic() + PATIENCE, 0.001
        while cell.clock.monotonic() < until:
            await cell.clock.sleep(look)
            depths = (await cell.transport.depths()).values()
            waiting = any(not inbox.empty() for inbox in outside.inboxes.values())
            if not waiting and not any(depth.ready or depth.unacked for depth in depths):
                break
            look = min(look * 2, LONGEST_LOOK)
        await engine.tables.refresh()

    # --- what comes in -----------------------------------------------------------------------------------------------

    async def _give(self, cell: Cell, outside: Outside, given: Given) -> None:
        if self._entrance.source.event:
            if given.files:
                raise BadTest(f"route {self._entrance.route} takes events, not files; give `event:`")
            await self._publish(cell, given.documents)
            return
        if self._case.doc.given.key and len(given.documents) + len(given.files) > self._case.doc.given.times:
            raise BadTest("`key` is the id of one: give one event or file")
        for document in given.documents:
            self._bring(outside, "given.json", value=document)
        for name, content in given.files:
            self._bring(outside, name, content=content)

    async def _publish(self, cell: Cell, documents: Sequence[Any]) -> None:
        type_, wanted = self._type, self._entrance.source.event
        if type_ is None or type_.name != wanted.partition("@")[0]:
            raise BadTest(f"route {self._entrance.route} takes {wanted}, not {self._case.doc.given.schema_}")
        try:
            born = [identified(self._event(type_, document, cell), type_, cell.clock).event for document in documents]
            events = await order.number(cell, [(event, type_) for event in born])
        except Failure as failure:
            raise BadTest(f"what is given is no {type_.schema}: {failure}") from None
        self.happened.ids = list(dict.fromkeys(event.id for event in events))
        confirms = await cell.transport.publish([Routed(event).published() for event in events])
        assert all(confirm.ok for confirm in confirms)

    def _event(self, type_: EventType, document: Any, cell: Cell) -> Event:
        data = conform(type_.validator, document)
        origin, now = digest_of(document), cell.clock.now()
        return Event(
            id=digest("test", origin),
            type=type_.schema,
            source="test",
            data=data,
            time=now,
            day=day_of(now),
            origin=origin,
            headers=self._case.doc.given.headers,
            region=self._case.scope.country if self._case.scope is not None else "",
        )

    def _bring(self, outside: Outside, name: str, content: bytes = b"", value: Any = None) -> None:
        """Into the hands of the route's source."""
        happened, given, entrance = self.happened, self._case.doc.given, self._entrance

        async def ack(refused: int) -> None:
            return None

        async def release(failure: Failure) -> None:
            happened.problems.append(f"{name} could not be taken in: {failure}")

        async def reply(answer: Any) -> None:
            happened.replies.append(answer)

        arrival = Arrival(
            name=name,
            ack=ack,
            release=release,
            content=content,
            value=value,
            id=given.key or "",
            headers=given.headers,
            reply=reply if entrance.reply is not None else None,
        )
        outside.inbox(entrance.route).put_nowait(arrival)
