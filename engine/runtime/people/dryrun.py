"""Running events through a route for a person to look at: every step with before and after, and no side effect.

Calls to other systems are not made: a step that would make one gets what the person gave for it, or fails saying so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from engine.compile.plan import Plan, RouteSet
from engine.compile.regions.choosing import Regional, unknown_scope
from engine.core.clock import Clock, SystemClock, day_of
from engine.core.errors import Failure, Permanent
from engine.core.event import Event
from engine.core.jsonx import parse, written
from engine.core.outcome import Output
from engine.plugins.conform import conform
from engine.plugins.contracts import Arrival, CallRequest
from engine.plugins.registry import Registry
from engine.ports.secrets import SecretSource
from engine.runtime.ingress.identity import identified
from engine.runtime.ingress.intake import Refused, origin_of, records, take
from engine.runtime.router.env import RouteEnv, Surroundings, TableReader
from engine.runtime.router.placing import OTHER_REGION
from engine.runtime.router.segment import run


@dataclass(frozen=True)
class TriedStep:
    """One step: data before, and data after, the Failure or the signal."""

    id: str
    before: Any
    after: Any


@dataclass
class DryRun:
    """What one event would do."""

    title: str
    steps: list[TriedStep] = field(default_factory=list)
    outputs: tuple[Output, ...] = ()
    filtered: str = ""
    failed: str = ""
    kept: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        steps = [{"id": s.id, "before": showable(s.before), "after": showable(_plain(s.after))} for s in self.steps]
        outputs = [
            {"sink": o.sink, "output_key": o.output_key, "schema": o.schema, "body": o.body} for o in self.outputs
        ]
        ends = {"filtered": self.filtered, "failed": self.failed, "kept": self.kept}
        return {"title": self.title, "steps": steps, "outputs": outputs, **ends}


def showable(value: Any) -> Any:
    """The value for JSON; what JSON cannot hold is shown as its text: `***` for a secret."""
    try:
        written(value)
    except Failure:
        if isinstance(value, dict):
            return {str(name): showable(one) for name, one in value.items()}
        return [showable(one) for one in value] if isinstance(value, list) else ascii(value)
    return value


def _plain(after: Any) -> Any:
    if isinstance(after, Failure):
        return {"failed": {"reason": after.reason, "detail": after.detail}}
    reason = getattr(after, "reason", None)
    if reason is not None:
        return {"filtered": reason}
    frames = getattr(after, "frames", None)
    return {"split": [frame.data for frame in frames]} if frames is not None else after


class Pretended:
    """What waiting steps reach in a dry run. `answers`: step id -> reply of its call."""

    def __init__(self, clock: Clock, answers: Mapping[str, Any]) -> None:
        self.clock = clock
        self.blobs = _Memory()
        self._answers = answers

    async def call(self, request: CallRequest) -> Any:
        if request.step in self._answers:
            return self._answers[request.step]
        text = f"step `{request.step}` would ask `{request.connection}` to {request.action}; a dry run asks nobody"
        raise Permanent("not-called", text, data={"request": request.request})

    async def throttle(self, name: str, rate: float, per: float) -> None:
        """A dry run waits for nobody."""

    def state(self, key: str, event_id: str) -> AbstractAsyncContextManager[Any]:
        return nullcontext(_NewChain())


class _NewChain:
    """A chain nobody has written to yet; what is advanced is forgotten."""

    value: Any = None
    recorded: Any = None

    def advance(self, value: Any, result: Any) -> None:
        self.value = value


class _Memory:
    """Blobs for the length of a dry run."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    async def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._content[digest] = content
        return digest

    async def get(self, digest: str) -> bytes:
        return self._content[digest]

    async def old(self, before: int) -> list[str]:
        return []

    async def remove(self, digest: str, before: int) -> bool:
        return self._content.pop(digest, None) is not None


def subscribed(routeset: RouteSet, plan: Plan, raw: bytes, name: str) -> Any:
    """The data of an event that a person gave. Raises Permanent `bad-json`, which says what the route takes."""
    try:
        return parse(raw)
    except Permanent as failure:
        sources = [other for other in routeset.plans.values() if not other.source.event]
        makers = [other for other in sources if plan.source.event in _published(other)]
        others = [other.route for other in makers or sources]
        files = f"; files of a source go through {' or '.join(f'`{one}`' for one in others[:3])}" if others else ""
        text = f"`{plan.route}` takes events of type {plan.source.event} as JSON, not what a source reads{files}"
        raise Permanent(failure.reason, f"{name}: {failure.detail}. {text}") from None


def _published(plan: Plan) -> list[str]:
    return [f"{sink.event.name}@{sink.event.version}" for sink in plan.sinks if sink.event is not None]


async def dry_runs(
    plan: Plan,
    registry: Registry,
    tables: TableReader,
    secrets: SecretSource,
    raw: bytes,
    value: Any,
    name: str,
    answers: Mapping[str, Any],
    regional: Regional | None = None,
) -> list[DryRun]:
    """One DryRun per record. `value` is the event's data for a route that subscribes, `raw` a native document else;
    each runs the Plan of its scope.
    """
    clock = SystemClock()
    context = Pretended(clock, answers)
    around = Surroundings(tables, secrets, clock, lambda plan, event: context)  # type: ignore[arg-type,return-value]
    found = _events(plan, registry, clock, raw, value, name)
    return [await _one(plan, regional, around, title, event) for title, event in found]


def _placed(plan: Plan, regional: Regional | None, around: Surroundings, event: Event) -> tuple[Plan | None, str]:
    """(the Plan of the event's scope, what overlays it has); None where it is one of another region. Raises Failure."""
    if regional is None or "@" not in event.type:
        return plan, ""
    placed = regional.place(event.data, RouteEnv(plan, event, event.type, around))
    if placed.elsewhere:
        return None, ""
    if placed.ground is None:
        raise unknown_scope(placed)
    span = placed.ground.on(event.day)
    return span.plan, f" under {', '.join(span.overlays)}" if span.overlays else ""


async def _one(
    plan: Plan, regional: Regional | None, around: Surroundings, title: str, event: Event | Failure
) -> DryRun:
    shown = DryRun(title)
    try:
        if isinstance(event, Failure):
            raise event
        own, under = _placed(plan, regional, around, event)
    except Failure as failure:
        shown.failed = str(failure)
        return shown
    shown.title += under
    if own is None:
        shown.filtered = OTHER_REGION
        return shown
    plan = own

    def observe(step: str, before: Any, after: Any) -> None:
        shown.steps.append(TriedStep(step, before, after))

    outcome = await run(plan, plan.segments[0], event, around=around, observer=observe)
    shown.outputs = (*outcome.outputs, *outcome.taps)
    if outcome.failed is not None:
        at = f" in step {outcome.failed.step}" if outcome.failed.step else ""
        shown.failed = f"{outcome.failed.failure}{at}"
    if outcome.filtered is not None:
        shown.filtered = outcome.filtered.reason
    if outcome.kept:
        shown.kept = ", ".join(f"in step {kept.step} under the key {kept.key}" for kept in outcome.kept)
    return shown


def _events(
    plan: Plan, registry: Registry, clock: Clock, raw: bytes, value: Any, name: str
) -> list[tuple[str, Event | Failure]]:
    if plan.source.event:
        return [("event", _subscribed(plan, value, clock))]
    spec = registry.formats.get(plan.source.format)
    format = spec.target(plan.source.format_config) if spec is not None else None
    arrival = Arrival(name, _nothing, _nothing, content=raw)
    origin = origin_of(arrival, clock)
    found: list[tuple[str, Event | Failure]] = []
    for record in records(plan, arrival, origin, format):
        one = record if isinstance(record, Refused) else take(plan, record, origin, clock)
        title = f"record {one.number + 1} of {name}" if one.number >= 0 else name
        found.append((title, one.failure if isinstance(one, Refused) else one.event))
    return found


async def _nothing(_: Any) -> None:
    """Nothing has to be let go of."""


def _subscribed(plan: Plan, value: Any, clock: Clock) -> Event | Failure:
    type_ = plan.source.accepts
    now = clock.now()
    event = Event(id="0" * 32, type=plan.source.event, source="dry-run", data=value, time=now, day=day_of(now))
    if type_ is None:
        return event
    try:
        return identified(event.with_data(conform(type_.validator, value)), type_, clock).event
    except Failure as failure:
        return failure


class SampleEnv:
    """Surroundings of an expression tried by itself: no event, no tables, no parameters."""

    def meta(self, name: str) -> Any:
        return None

    def param(self, name: str) -> Any:
        raise Permanent("no-route", f"param('{name}') belongs to a route; try it with `tillflow dry-run`")

    def secret(self, name: str, key: str = "") -> Any:
        raise Permanent("no-route", "secrets are not shown here")

    def lookup(self, table: str, key: Any, on: str = "") -> dict[str, Any]:
        raise Permanent("no-route", f"table `{table}` belongs to a project; try it with `tillflow dry-run`")

    def find(self, table: str, key: Any, on: str = "") -> dict[str, Any] | None:
        return self.lookup(table, key, on)

    def now(self) -> int:
        return SystemClock().now()

    def at(self, schema: str) -> SampleEnv:
        return self
