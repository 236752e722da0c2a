"""What stands where the process would be left: sources that bring what the case gives, sinks that keep what they are
sent, calls that answer as stubbed. Limits, retries, claims and segments around them are the engine's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

from msgspec import structs

from engine.compile.plan import Plan, PlannedSink
from engine.core.clock import Clock
from engine.core.errors import Permanent
from engine.core.event import Event
from engine.plugins.contracts import (
    Action,
    Arrival,
    Call,
    CallRequest,
    ConnectorContext,
    Sink,
    SinkItem,
    SinkResult,
    Source,
    SourceContext,
)
from engine.plugins.frame import StepContext
from engine.plugins.registry import Registry
from engine.plugins.spec import ComponentSpec
from engine.testing.runner.replaced import ReplacedRegistry
from engine.testing.runner.stubs import Stubs

UNMOCKED = "unmocked-network"
_ONCE = ("idempotency_key", "upsert", "same_transaction")


class Applied(NamedTuple):
    """An effect in an outside system. `at` in UTC microseconds; `key` is the idempotency key."""

    route: str
    sink: str
    key: str
    request: Any
    event: str
    at: int


@dataclass
class Outside:
    """The world outside of the engine in one case.

    applied    effects in the order they were made
    tries      how often a delivery was brought, by (route, sink, key)
    problems   what the case must not do: it fails with these sentences
    inboxes    what connector sources have to bring, by route
    """

    clock: Clock
    stubs: Stubs
    applied: list[Applied] = field(default_factory=list)
    tries: dict[tuple[str, str, str], int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    inboxes: dict[str, asyncio.Queue[Arrival]] = field(default_factory=dict)

    def inbox(self, route: str) -> asyncio.Queue[Arrival]:
        return self.inboxes.setdefault(route, asyncio.Queue())

    def apply(self, made: Applied, guarantee: str | None) -> None:
        """The system makes the effect; one that knows the key makes it once."""
        if guarantee in _ONCE and self.has(made.key, made.route, made.sink):
            return
        self.applied.append(made)

    def has(self, key: str, route: str, sink: str) -> bool:
        return any((one.route, one.sink, one.key) == (route, sink, key) for one in self.applied)

    async def deliver(self, plan: Plan, sink: PlannedSink, item: SinkItem, ctx: ConnectorContext) -> SinkResult:
        """One delivery, as the stub of its sink or connection says; it succeeds without one."""
        place = (plan.route, sink.id, item.key)
        self.tries[place] = self.tries.get(place, 0) + 1
        made = Applied(plan.route, sink.id, item.key, item.request, item.event_id, self.clock.now())
        stub = self.stubs.find(plan.route, sink.id, sink.call.connection if sink.call is not None else "")
        ctx.sent()
        if stub is None:
            self.apply(made, sink.guarantee)
            return SinkResult.applied()
        failure = self.stubs.failure(stub)
        if failure is not None and stub.doc.applied:
            self.apply(made, sink.guarantee)
        if stub.delay:
            await self.clock.sleep(stub.delay)
        if failure is not None:
            return SinkResult.failed(failure)
        self.apply(made._replace(at=self.clock.now()), sink.guarantee)
        return SinkResult.applied(stub.doc.returns)

    async def ask(self, use: str, item: SinkItem, ctx: ConnectorContext) -> Any:
        """The reply to a call. Raises Failure."""
        asking = ASKING.get()
        stub = self.stubs.find(asking.route, asking.step, asking.connection)
        if stub is None:
            text = (
                f"step `{asking.step}` of route {asking.route} calls {use} ({item.action}) through connection "
                f"`{asking.connection}`; a test reaches no network: add `stub: {{{asking.step}: {{returns: ..}}}}`"
            )
            if text not in self.problems:
                self.problems.append(text)
            raise Permanent(UNMOCKED, text)
        ctx.sent()
        return await self.stubs.answer(stub)


class Asking(NamedTuple):
    """Who makes the call that is under way in this task."""

    route: str
    step: str
    connection: str


ASKING: ContextVar[Asking] = ContextVar("asking")
Contexts = Callable[[Plan, Event], StepContext]


class AskingContext:
    """A StepContext that notes who asks."""

    def __init__(self, inner: StepContext, route: str) -> None:
        self.clock = inner.clock
        self.blobs = inner.blobs
        self.throttle = inner.throttle
        self.state = inner.state
        self._inner = inner
        self._route = route

    async def call(self, request: CallRequest) -> Any:
        token = ASKING.set(Asking(self._route, request.step, request.connection))
        try:
            return await self._inner.call(request)
        finally:
            ASKING.reset(token)


def asking_contexts(inner: Contexts) -> Contexts:
    """Contexts of steps in which calls say who makes them."""
    return lambda plan, event: AskingContext(inner(plan, event), plan.route)


def captured(plan: Plan) -> Plan:
    """The plan with a sink of its own for each of its connector sinks."""
    sinks = [
        sink if sink.call is None else structs.replace(sink, call=replace(sink.call, use=f"{plan.route}/{sink.id}"))
        for sink in plan.sinks
    ]
    return structs.replace(plan, sinks=tuple(sinks))


def standing_in(real: Registry, plans: Sequence[Plan], outside: Outside) -> Registry:
    """The installed plugins for one case. `plans` are the originals of those that run `captured`."""
    captured_sinks = [(plan, sink) for plan in plans for sink in plan.sinks if sink.call is not None]
    sinks = {f"{plan.route}/{sink.id}": _sink(plan, sink, outside) for plan, sink in captured_sinks}
    calls = {name: _call(spec, outside) for name, spec in real.calls.items()}
    sources = {plan.source.use: _source(plan.source.use, outside) for plan in plans if plan.source.use}
    connectors = {name: replace(one, connection=None) for name, one in real.connectors.items()}
    return ReplacedRegistry(real, {"sink": sinks, "call": calls, "source": sources}, connectors)


def _spec(kind: Any, name: str, target: type[Any]) -> ComponentSpec:
    return ComponentSpec(kind, name, target, f"Stands in for {name}.", "", "0.1")


def _sink(plan: Plan, sink: PlannedSink, outside: Outside) -> ComponentSpec:
    class CapturedSink(Sink):
        actions: ClassVar[Mapping[str, Action]] = {}

        def __init__(self, connection: Any) -> None:
            return None

        async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
            return list(await asyncio.gather(*(outside.deliver(plan, sink, item, ctx) for item in batch)))

        async def verify(self, item: SinkItem, ctx: ConnectorContext) -> bool:
            return outside.has(item.key, plan.route, sink.id)

    return _spec("sink", f"{plan.route}/{sink.id}", CapturedSink)


def _call(spec: ComponentSpec, outside: Outside) -> ComponentSpec:
    class StubbedCall(Call):
        actions: ClassVar[Mapping[str, Action]] = spec.target.actions

        def __init__(self, connection: Any) -> None:
            return None

        async def call(self, item: SinkItem, ctx: ConnectorContext) -> Any:
            return await outside.ask(spec.name, item, ctx)

    return replace(spec, target=StubbedCall)


def _source(name: str, outside: Outside) -> ComponentSpec:
    class FedSource(Source):
        def __init__(self, config: Any, connection: Any, route: str) -> None:
            self._inbox = outside.inbox(route)

        async def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
            while True:
                yield await self._inbox.get()

    return _spec("source", name, FedSource)
