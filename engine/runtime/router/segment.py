"""Running one event through one segment of a Plan, without a transport.

The router, synchronous sources, dry-run and tests all run events through here, so an event has one outcome, whoever
asks. Nothing is published or stored: what follows from an Outcome is the caller's.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import replace
from inspect import isawaitable
from typing import Any, NamedTuple

from engine.compile.plan import Plan, PlannedSink, Segment
from engine.core.errors import Failure, Permanent, StoreDown, Transient
from engine.core.event import Event
from engine.core.jsonx import written
from engine.core.outcome import Failed, Filtered, Kept, Outcome, Output
from engine.core.quoting import short
from engine.plugins.conform import conform
from engine.plugins.frame import Frame, Observer, Split
from engine.plugins.sequence import StepFailed, of_item
from engine.runtime.router.env import RouteEnv, Surroundings


class Start(NamedTuple):
    """How an event enters a segment: what a continuation brings, and the number of the try.

    caught   what could not be asked when it was decided before; None: it is decided now
    """

    schema: str = ""
    output_key: str = ""
    attempt: int = 1
    caught: Mapping[str, Any] | None = None


FIRST = Start()


async def run(
    plan: Plan,
    segment: Segment,
    event: Event,
    deadline: float = 0.0,
    *,
    around: Surroundings,
    start: Start = FIRST,
    observer: Observer | None = None,
) -> Outcome:
    """The outcome of `event` in `segment`. Raises StoreDown only; every other problem is `Outcome.failed`.

    deadline   seconds it may take, 0 = any; afterwards it is the transient failure `deadline-exceeded`.
    """
    pending = begin(plan, segment, event, around=around, start=start, observer=observer)
    if isinstance(pending, Outcome):
        return pending
    try:
        async with asyncio.timeout(deadline or None):
            return await pending
    except TimeoutError:
        return Outcome(failed=Failed(Transient("deadline-exceeded", f"not done within {deadline:g} s")))


def begin(
    plan: Plan,
    segment: Segment,
    event: Event,
    *,
    around: Surroundings,
    start: Start = FIRST,
    observer: Observer | None = None,
) -> Outcome | Awaitable[Outcome]:
    """As `run`, but answers at once where no step has to wait: most events of most routes cost no task."""
    schema = start.schema or (event.type if not segment.id and "@" in event.type else "")
    env = RouteEnv(plan, event, schema, around, start.attempt)
    context = around.contexts(plan, event) if around.contexts is not None else None
    frame = Frame(event, event.data, schema, env, context, observer)
    frame.output_key, frame.caught = start.output_key, start.caught
    try:
        result = segment.steps.run(frame)
        if result is not None and isawaitable(result):
            return _later(plan, segment, frame, result)
        return _ended(plan, segment, frame, result)
    except StoreDown:
        raise
    except (Exception, SystemExit) as error:  # a plugin that leaves must not take the engine along
        return Outcome(failed=failed_by(error), notes=tuple(frame.notes))


async def _later(plan: Plan, segment: Segment, frame: Frame, pending: Awaitable[Any]) -> Outcome:
    try:
        return _ended(plan, segment, frame, await pending)
    except StoreDown:
        raise
    except (Exception, SystemExit) as error:
        return Outcome(failed=failed_by(error), notes=tuple(frame.notes))


def _ended(plan: Plan, segment: Segment, frame: Frame, result: Any) -> Outcome:
    """What the frames that came to the end of the segment give."""
    taps, notes = _tapped(plan, frame), tuple(frame.notes)
    if isinstance(result, Filtered):
        return Outcome(filtered=result, taps=taps, notes=notes)
    frames = result.frames if isinstance(result, Split) else [frame]
    if segment.cut is not None:
        return Outcome(kept=tuple(_kept(segment, one) for one in frames), taps=taps, notes=notes)
    outputs = tuple(output for one in frames for output in _outputs(plan, one))
    return Outcome(outputs=outputs, taps=taps, reply=_reply(plan, frames), notes=notes)


def _kept(segment: Segment, frame: Frame) -> Kept:
    assert segment.cut is not None
    try:
        kept = segment.cut.keep(frame)
    except Failure as failure:
        raise StepFailed(of_item(failure, frame.output_key), segment.cut_id) from failure
    return replace(kept, step=segment.cut_id, output_key=frame.output_key)


def _outputs(plan: Plan, frame: Frame) -> Iterable[Output]:
    for sink in plan.sinks:
        if not sink.tapped:
            yield from _output(sink, frame.data, frame.env, frame.output_key, frame.schema)


def _tapped(plan: Plan, frame: Frame) -> tuple[Output, ...]:
    made: list[Output] = []
    for tap in frame.taps:
        sink = plan.sink(tap.sink)
        if sink is not None:
            env = frame.env.at(tap.schema)
            made += _output(sink, tap.body, env, tap.output_key, tap.schema)
    return tuple(made)


def _output(sink: PlannedSink, data: Any, env: Any, output_key: str, schema: str) -> Iterable[Output]:
    """[the output] of one sink for one frame; [] when it is not selected."""
    if sink.disabled:
        return ()
    try:
        if sink.when is not None and not sink.when.condition(data, env):
            return ()
        version = _version(sink, data, env)
        body, schema = _body(sink, data, env, schema)
        written(output_key)
        return (Output(sink.id, output_key, body, schema, version, written(body)),)
    except Failure as failure:
        raise StepFailed(of_item(failure, output_key), sink.id) from failure


def _body(sink: PlannedSink, data: Any, env: Any, schema: str) -> tuple[Any, str]:
    """What goes to the sink, and the schema of it."""
    if sink.call is not None:
        return sink.call.request(data, env), ""
    body = data if sink.mapper is None else sink.mapper.apply(data, env)
    if sink.event is not None:
        return conform(sink.event.validator, body), sink.event.schema
    return body, schema if sink.mapper is None else sink.mapper.output


def _version(sink: PlannedSink, data: Any, env: Any) -> int:
    if sink.version is None:
        return 0
    value = sink.version(data, env)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    text = f"the version `{short(sink.version.text)}` must give a whole number from 1, it gives {short(repr(value))}"
    raise Permanent("bad-version", text)


def _reply(plan: Plan, frames: Iterable[Frame]) -> Any:
    if plan.reply is None:
        return None
    for frame in frames:
        reply = plan.reply.request(frame.data, frame.env)
        written(reply)
        return reply
    return None


def failed_by(error: BaseException) -> Failed:
    """Any exception out of a step as a Failed: what a plugin did not classify is permanent, and says where."""
    if isinstance(error, StepFailed):
        return Failed(error.failure, error.step, str(error.failure.data.get("owner", "")))
    if isinstance(error, Failure):
        return Failed(error, "", str(error.data.get("owner", "")))
    if isinstance(error, TimeoutError):
        return Failed(Transient("timed-out", "a step waited too long for something outside"))
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} in {where.name}, {where.filename.rpartition('/')[2]}:{where.lineno}"
    return Failed(Permanent("step-crashed", f"{place}: a defect of the step or of its plugin, not of the event"))
