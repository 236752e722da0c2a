"""From an Outcome to what is published: deliveries for lanes, events for the bus, each under its deterministic id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.compile.plan import EventType, Plan, PlannedSink
from engine.core.clock import Clock
from engine.core.errors import Failure, Permanent
from engine.core.event import Event
from engine.core.ids import delivery_id, digest
from engine.core.outcome import Outcome, Output
from engine.plugins.sequence import StepFailed
from engine.ports.store.inbox import Planned
from engine.ports.transport import Outgoing
from engine.runtime.carrying.codec import Delivery, Routed
from engine.runtime.delivery.order import skip_markers
from engine.runtime.ingress.identity import Born, identified


@dataclass(slots=True)
class Made:
    """What an outcome consists of, before its ordered events have their numbers.

    planned     what the inbox remembers: (sink, day, id, via)
    deliveries  for lanes, with the lane they wait in; skip markers too
    born        events the router publishes itself, with sink and type
    contents    their bodies as the transport carries them, by sink and delivery or event id
    """

    planned: list[Planned] = field(default_factory=list)
    deliveries: list[tuple[str, Delivery]] = field(default_factory=list)
    born: list[tuple[PlannedSink, EventType, Born]] = field(default_factory=list)
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def outgoing(self) -> list[Outgoing]:
        """Everything as the transport carries it; events of the bus first."""
        contents = self.contents
        events = [Routed(one.event).published(contents.get((sink.id, one.event.id), b"")) for sink, _, one in self.born]
        return events + [
            delivery.outgoing(lane, content=contents.get((delivery.sink, delivery.id), b""))
            for lane, delivery in self.deliveries
        ]


def make(plan: Plan, event: Event, outcome: Outcome, clock: Clock, scope: str = "") -> Made:
    """What this outcome of `event` consists of. Raises StepFailed naming the sink: nothing may be published then."""
    made = Made()
    effects: set[str] = set()
    for output in (*outcome.outputs, *outcome.taps):
        sink = plan.sink(output.sink)
        if sink is None:
            continue
        try:
            _add(made, effects, plan, sink, event, output, clock, scope)
        except Failure as failure:
            raise StepFailed(failure, sink.id) from failure
    selected = {output.sink for output in outcome.outputs}
    if not outcome.kept:
        _add_markers(made, plan, skip_markers(plan, event, selected))
    return made


def markers_of_failed(plan: Plan, event: Event) -> Made:
    """Skip markers of an event that became a work item: only sinks that do not hold the key for it go on."""
    made = Made()
    going_on = {s.id for s in plan.sinks if s.ordered is not None and s.ordered.on_failure == "skip"}
    _add_markers(made, plan, [marker for marker in skip_markers(plan, event, ()) if marker.sink in going_on])
    return made


def child_event(parent: Event, type_: EventType, output: Output, effect: str, clock: Clock) -> Born:
    """The event an `event:` sink publishes for `parent` (whose data is not needed), with its own identity.

    A type without a key has no identity but its origin: the id of the delivery. The origin digest travels with the
    event; the items of a split have one each, or two of them with one key would pass as copies.
    """
    key = output.output_key
    event = Event(
        id=delivery_id(parent.id, effect, key),
        type=type_.schema,
        source=parent.id,
        data=output.body,
        time=parent.time,
        day=parent.day,
        region=parent.region,
        origin=digest("origin", parent.origin or parent.id, key) if key else parent.origin or parent.id,
        trace=parent.trace or parent.id,
        headers=parent.headers,
    )
    return identified(event, type_, clock)


def _add(
    made: Made, effects: set[str], plan: Plan, sink: PlannedSink, event: Event, output: Output, clock: Clock, scope: str
) -> None:
    own = delivery_id(event.id, sink.effect, output.output_key)
    if own in effects:
        raise Permanent(
            "effect-twice",
            f"two outputs have the effect `{sink.effect}`; sinks that share one must exclude each other by `when`",
        )
    effects.add(own)
    if sink.by_router and sink.event is not None:
        _add_event(made, sink, sink.event, child_event(event, sink.event, output, sink.effect, clock), output.content)
        return
    made.planned.append(Planned(sink.id, event.day, own, "lane"))
    delivery = Delivery(
        id=own,
        day=event.day,
        route=plan.route,
        sink=sink.id,
        effect=sink.effect,
        does=sink.does,
        event=event.with_data(None),
        body=output.body,
        output_key=output.output_key,
        schema=output.schema,
        version=output.version,
        scope=scope,
    )
    made.deliveries.append((sink.lane, delivery))
    made.contents[sink.id, own] = output.content


def _add_event(made: Made, sink: PlannedSink, type_: EventType, born: Born, content: bytes) -> None:
    name = type_.name
    if any(known.event.id == born.event.id and other.name == name for _, other, known in made.born):
        shown = born.event.subject or born.event.id
        raise Permanent("event-twice", f"two outputs are the same {type_.schema}: key `{shown}`; one would be lost")
    made.planned.append(Planned(sink.id, born.event.day, born.event.id, "bus"))
    made.born.append((sink, type_, born))
    made.contents[sink.id, born.event.id] = content


def _add_markers(made: Made, plan: Plan, markers: Sequence[Delivery]) -> None:
    for marker in markers:
        sink = plan.sink(marker.sink)
        if sink is not None:
            made.deliveries.append((sink.lane, marker))
