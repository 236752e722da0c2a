"""A whole engine over real project files, in memory and in virtual time, between a source and sinks that tests hold."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from connectors.core.formats import connector as formats
from engine.backends.secrets import DictSecrets
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.compile.compiler import compile_project
from engine.compile.plan import RouteSet
from engine.config.project import read_project_from
from engine.core.errors import Failure, Transient
from engine.core.jsonx import encode
from engine.plugins.contracts import (
    Action,
    Arrival,
    Call,
    Connection,
    ConnectorContext,
    Sink,
    SinkItem,
    SinkResult,
    Source,
    SourceContext,
)
from engine.plugins.fields import Options
from engine.plugins.registry import Registry
from engine.plugins.spec import Connector, call, sink, source
from engine.ports.store.journal import Entry, JournalFind
from engine.ports.store.work import WorkFind, WorkItem
from engine.runtime.cell import Cell
from engine.runtime.engine import Engine
from engine.runtime.reload.wanted import Project
from engine.runtime.watch import Watch
from engine.steps import BUILTIN
from engine.testing.clock import current_clock, run_virtual
from tests.fixtures.sale import SALE_TYPE
from tests.runtime.fixed_files import FixedFiles


@dataclass
class Lab:
    """The outside: what comes in (`offer`), what became of it, and what was sent out.

    sent       (action, key, request) of every effect, in order
    acked      names of arrivals let go of, with the number of work items
    released   names of arrivals given back, with the reason
    replies    what synchronous requests were answered
    calls      requests of `call` steps
    takes      seconds that a delivery takes; `most_busy` is how many there were at once
    answers    what the next calls get, oldest first, a Failure is raised; otherwise it is the request
    unreachable   why a connection's check fails; empty: it answers
    fail       raised by the next deliveries, oldest first; None lets one pass
    """

    inbox: asyncio.Queue[Arrival] = field(default_factory=asyncio.Queue)
    sent: list[tuple[str, str, Any]] = field(default_factory=list)
    acked: list[tuple[str, int]] = field(default_factory=list)
    released: list[tuple[str, str]] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)
    calls: list[Any] = field(default_factory=list)
    fail: list[Failure | None] = field(default_factory=list)
    slow: float = 0.0
    takes: float = 0.0
    busy: int = 0
    tried: int = 0
    most_busy: int = 0
    unreachable: str | Failure = ""
    answers: list[Any] = field(default_factory=list)
    logged: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def offer(self, content: Any, name: str = "f.json", *, wants_reply: bool = False, id: str = "") -> None:
        """Bring something in: bytes as they are, anything else as JSON."""

        async def ack(refused: int) -> str:
            self.acked.append((name, refused))
            return f"as {name} in the lab"

        async def release(failure: Failure) -> None:
            self.released.append((name, failure.reason))

        async def reply(value: Any) -> None:
            self.replies.append(value)

        raw = content if isinstance(content, bytes) else encode(content)
        self.inbox.put_nowait(Arrival(name, ack, release, raw, id=id, reply=reply if wants_reply else None))

    def requests(self, action: str = "") -> list[Any]:
        """What was sent, of one action or of all."""
        return [request for known, _, request in self.sent if not action or known == action]


def lab_connector(lab: Lab) -> Connector:
    """The connector `lab` over this outside."""

    class Link(Connection):
        class Config(Options):
            pass

        def __init__(self, config: Any) -> None:
            self.lab = lab

        async def open(self) -> None:
            return None

        async def close(self) -> None:
            return None

        async def check(self) -> str:
            if isinstance(lab.unreachable, Failure):
                raise lab.unreachable
            if lab.unreachable:
                raise Transient("unreachable", lab.unreachable)
            return "it answers"

    @source("lab")
    class LabSource(Source):
        """What a test offers."""

        answers = True

        class Config(Options):
            only: str = Field("", description="unused")

        def __init__(self, config: Any, connection: Any, route: str) -> None:
            pass

        async def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
            while True:
                yield await lab.inbox.get()

    class Request(Options):
        reference: Any = Field(None, description="what it is about")
        total: Any = Field(None, description="an amount")
        extra: Any = Field(None, description="anything else")

    @sink("lab")
    class LabSink(Sink):
        """Remembers what it was sent."""

        actions = {  # noqa: RUF012
            "post": Action(Request, "idempotency_key"),
            "note": Action(Request, "upsert"),
            "write": Action(Request, "upsert", replaces="reference"),
        }

        def __init__(self, connection: Any) -> None:
            pass

        async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
            if lab.takes:
                lab.busy += 1
                lab.most_busy = max(lab.most_busy, lab.busy)
                try:
                    await ctx.clock.sleep(lab.takes)
                finally:
                    lab.busy -= 1
            lab.tried += 1
            failure = lab.fail.pop(0) if lab.fail else None
            if failure is not None:
                raise failure
            ctx.sent()
            lab.sent += [(item.action, item.key, item.request) for item in batch]
            return [SinkResult.applied() for _ in batch]

    @call("lab")
    class LabCall(Call):
        """Answers with the request."""

        actions = {"ask": Action(Request)}  # noqa: RUF012

        def __init__(self, connection: Any) -> None:
            pass

        async def call(self, item: SinkItem, ctx: ConnectorContext) -> Any:
            lab.calls.append(item.request)
            await ctx.clock.sleep(lab.slow)
            answer = lab.answers.pop(0) if lab.answers else {"asked": item.request}
            if isinstance(answer, Failure):
                raise answer
            return answer

    return Connector("lab", (LabSource, LabSink, LabCall), Link, "for tests")


CONNECTIONS = "tillflow: 1\nconnections:\n  outside: {connector: lab, zone: eu}\n"


def project(files: Mapping[str, str]) -> dict[str, bytes]:
    """A project with the type `sale@1` and the connection `outside`; files may replace these."""
    base = {"mappings/schemas/sale@1.yaml": SALE_TYPE, "routes/connections.yaml": CONNECTIONS}
    return {path: text.encode() for path, text in {**base, **files}.items()}


def sale(receipt: str = "1", store: str = "A", total: Any = 10, **more: Any) -> dict[str, Any]:
    """A sale as the type wants it."""
    return {"store": store, "receipt": receipt, "date": "2026-03-14", "total": total, **more}


class Bench:
    """One database and one outside; engines are started on it, killed, and started again."""

    def __init__(self, lab: Lab | None = None) -> None:
        self.lab = lab or Lab()
        self.clock = current_clock()
        self.registry = Registry([formats, lab_connector(self.lab)], BUILTIN)
        self.database = SqliteDatabase(":memory:", self.clock)
        self.transport: Any = SqliteTransport(self.database, self.clock)
        self.store: Any = SqliteStore(self.database, self.clock)
        self.blobs = MemoryBlobs()
        self.secrets = DictSecrets({})
        self.table_files: dict[str, bytes] = {}
        self.reading: Project | None = None  # how an engine reads its project again

    def compiled(self, files: Mapping[str, bytes]) -> RouteSet:
        """The RouteSet of these files. Fails the test on a finding that is an error."""
        known, found = read_project_from(files, {})
        routeset, more = compile_project(known, self.registry, self.secrets)
        errors = [finding for finding in (*found, *more) if finding.severity == "error"]
        assert not errors, errors
        return routeset

    def cell(self) -> Cell:
        return Cell(
            transport=self.transport,
            store=self.store,
            blobs=self.blobs,
            secrets=self.secrets,
            clock=self.clock,
            log=lambda text, facts: self.lab.logged.append((text, facts)),
        )

    def engine(self, files: Mapping[str, str]) -> Engine:
        """An engine over these files, not started."""
        whole = project(files)
        self.table_files = {path: raw for path, raw in whole.items() if path.endswith(".csv")}
        files_of = FixedFiles(self.table_files)
        watch = Watch.from_environment()
        routeset = self.compiled(whole)
        return Engine(self.cell(), self.registry, routeset, self.compiled, files_of, watch, self.reading)

    async def items(self, *states: Any) -> list[WorkItem]:
        """Work items, oldest first; open ones unless other states are named."""
        found = await self.store.apply(WorkFind(states or ("open",)))
        return sorted(found, key=lambda item: item.created)

    async def story(self, text: str) -> list[Entry]:
        """The journal about a key or id."""
        return list(await self.store.apply(JournalFind(text)))


class MemoryBlobs:
    """Blobs in a dict, and when each was last put."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.put_at: dict[str, int] = {}

    async def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.kept[digest] = content
        self.put_at[digest] = current_clock().now()
        return digest

    async def get(self, digest: str) -> bytes:
        return self.kept[digest]

    async def old(self, before: int) -> list[str]:
        return [digest for digest in self.kept if self.put_at[digest] < before]

    async def remove(self, digest: str, before: int) -> bool:
        return self.put_at[digest] < before and self.kept.pop(digest, None) is not None


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """An opened database."""
    made = Bench()
    await made.transport.open()
    await made.store.open()
    try:
        yield made
    finally:
        await made.store.close()
        await made.transport.close()


@asynccontextmanager
async def running(
    made: Bench, files: Mapping[str, str], tables: Mapping[str, bytes] | None = None
) -> AsyncIterator[Engine]:
    """A started engine, stopped in the end. `tables` are files that changed since the project was compiled."""
    engine = made.engine(files)
    made.table_files |= tables or {}
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def settle(seconds: float = 3.0) -> None:
    """Let everything happen that happens within a moment of virtual time."""
    await asyncio.sleep(seconds)


async def figures_of(engine: Engine, route: str) -> dict[str, Any]:
    """The figures of a whole route."""
    found = (await engine.control.figures(route))["figures"]
    (whole,) = [one for one in found if not one["sink"]]
    return dict(whole)


def virtual(test: Any) -> Any:
    """A test as a coroutine under virtual time."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        run_virtual(test(*args, **named))

    return run
