"""Plans that tell what they do: which steps ran, which branches were taken, what came out; and stubs of steps.

Containers (`choose`, `try`, ..) build their inner steps while they are built themselves, so the steps of a project are
watched from the compiler's side: it is given step types whose `build` watches what it hands out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from msgspec import structs

from engine.compile.plan import Plan, PlannedSink, Segment
from engine.core.outcome import Kept
from engine.expr.jmes import Expr
from engine.plugins.build import Build
from engine.plugins.contracts import Cut, Step
from engine.plugins.frame import Frame, Signal
from engine.plugins.registry import Registry
from engine.plugins.sequence import PlannedStep, StepSequence
from engine.plugins.spec import ComponentSpec
from engine.testing.runner.coverage import Coverage, Spot
from engine.testing.runner.replaced import ReplacedRegistry
from engine.testing.runner.stubs import Stubs


@dataclass
class Watch:
    """Shared by everything that is watched in a project.

    callers   (route, step) that reach a system: a stub answers their requests instead of standing in for them
    stubs     of the case that runs now
    ended     (route, data, schema) of every document that came to the end of the last segment, in this case
    """

    coverage: Coverage = field(default_factory=Coverage)
    callers: set[tuple[str, str]] = field(default_factory=set)
    stubs: Stubs | None = None
    ended: list[tuple[str, Any, str]] = field(default_factory=list)

    def spot(self, route: str, id: str, what: str) -> Spot:
        """A spot that is expected from now on."""
        made = Spot(route, id, what)
        self.coverage.expect(made)
        return made

    def sequence(self, route: str, steps: StepSequence) -> StepSequence:
        """The same sequence, watched."""
        steps.steps = tuple(self._step(route, planned) for planned in steps.steps)
        return steps

    def _step(self, route: str, planned: PlannedStep) -> PlannedStep:
        step = WatchedStep(planned.step, self, route, planned.id)
        if planned.when is None:
            step.reached = self.spot(route, planned.id, "ran")
        when = _condition(self, route, planned.id, planned.when, "when true", "when false")
        return replace(planned, step=step, when=when)

    def branch(self, route: str, id: str, what: str, steps: StepSequence) -> StepSequence:
        """A sequence that is one way among several through a step."""
        entered = _Reached(self.coverage, self.spot(route, id, what))
        steps.steps = (PlannedStep("", entered), *steps.steps)
        return steps

    def plan(self, plan: Plan) -> Plan:
        """The plan with everything in it watched that is not yet."""
        segments = [self._segment(plan.route, segment) for segment in plan.segments]
        last = segments[-1].steps
        last.steps = (*last.steps, PlannedStep("", _End(self, plan.route)))
        return structs.replace(
            plan, segments=tuple(segments), sinks=tuple(self._sink(plan.route, one) for one in plan.sinks)
        )

    def _segment(self, route: str, segment: Segment) -> Segment:
        self.sequence(route, segment.steps)
        if segment.cut is None:
            return segment
        reached = _Reached(self.coverage, self.spot(route, segment.cut_id, "ran"))
        return structs.replace(segment, cut=WatchedCut(segment.cut, reached))

    def _sink(self, route: str, sink: PlannedSink) -> PlannedSink:
        if sink.when is not None:
            return structs.replace(sink, when=_condition(self, route, sink.id, sink.when, "selected", "not selected"))
        reached = _Reached(self.coverage, self.spot(route, sink.id, "selected"))
        return structs.replace(sink, when=cast(Expr, _Always(reached)))


class _Reached(Step):
    """Notes that the frame came by."""

    def __init__(self, coverage: Coverage, spot: Spot) -> None:
        self._coverage = coverage
        self._spot = spot

    def run(self, frame: Frame) -> None:
        self.note()

    def note(self) -> None:
        self._coverage.reach(self._spot)


class _End(Step):
    """Notes what came to the end of the steps."""

    def __init__(self, watch: Watch, route: str) -> None:
        self._watch = watch
        self._route = route

    def run(self, frame: Frame) -> None:
        self._watch.ended.append((self._route, frame.data, frame.schema))


class WatchedStep(Step):
    """A step, or the stub that stands in for it. `reached` is the spot of one without a condition."""

    def __init__(self, step: Step, watch: Watch, route: str, id: str) -> None:
        self._step = step
        self._watch = watch
        self._route = route
        self._id = id
        self.reached: Spot | None = None

    def run(self, frame: Frame) -> Signal | Awaitable[Signal | None] | None:
        if self.reached is not None:
            self._watch.coverage.reach(self.reached)
        stubs = self._watch.stubs
        stub = stubs.find(self._route, self._id) if stubs is not None else None
        if stubs is None or stub is None or (self._route, self._id) in self._watch.callers:
            return self._step.run(frame)
        return self._stubbed(stubs.answer(stub), frame)

    async def _stubbed(self, answer: Awaitable[Any], frame: Frame) -> None:
        returned = await answer
        if returned is not None:
            frame.data = returned

    def shape(self, shape: Any) -> Any:
        return self._step.shape(shape)


class WatchedCut(Cut):
    """A cut."""

    def __init__(self, cut: Cut, reached: _Reached) -> None:
        self._cut = cut
        self._reached = reached

    def keep(self, frame: Frame) -> Kept:
        self._reached.note()
        return self._cut.keep(frame)

    def resume(self, bodies: Sequence[bytes]) -> tuple[Any, str]:
        return self._cut.resume(bodies)


class _Condition:
    """A condition that notes its answers. Stands where the runtime asks `condition`."""

    def __init__(self, expr: Expr, coverage: Coverage, yes: Spot, no: Spot) -> None:
        self.text = expr.text
        self._expr = expr
        self._coverage = coverage
        self._yes, self._no = yes, no

    def condition(self, data: Any, env: Any) -> bool:
        answer = self._expr.condition(data, env)
        self._coverage.reach(self._yes if answer else self._no)
        return answer


class _Always:
    """The condition of a sink that has none."""

    text = "true"

    def __init__(self, reached: _Reached) -> None:
        self._reached = reached

    def condition(self, data: Any, env: Any) -> bool:
        self._reached.note()
        return True


def _condition(watch: Watch, route: str, id: str, expr: Expr | None, yes: str, no: str) -> Expr | None:
    if expr is None:
        return None
    made = _Condition(expr, watch.coverage, watch.spot(route, id, yes), watch.spot(route, id, no))
    return cast(Expr, made)


class _WatchedBuild:
    """A Build that watches the steps it hands out."""

    def __init__(self, build: Build, watch: Watch) -> None:
        self._build = build
        self._watch = watch
        self._paths: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._build, name)

    def steps(self, raw: Any, *path: str | int, adds: Any = None, reading: bool = False) -> StepSequence:
        build, watch = self._build, self._watch
        made = watch.sequence(build.route, build.steps(raw, *path, adds=adds, reading=reading))
        what = _way(path)
        return watch.branch(build.route, build.step, what, made) if what else made

    def subflow(self, name: str, params: Mapping[str, Any]) -> StepSequence:
        return self._watch.sequence(self._build.route, self._build.subflow(name, params))

    def slot(self, name: str) -> StepSequence:
        return self._watch.sequence(self._build.route, self._build.slot(name))

    def call(self, body: Mapping[str, Any], *path: str | int, adds: Any = None) -> Any:
        self._watch.callers.add((self._build.route, self._build.step))
        return self._build.call(body, *path, adds=adds)


def _way(path: tuple[str | int, ...]) -> str:
    """`branch 2` of a list, `catch`; empty where the steps are simply inside."""
    names = [f"branch {part + 1}" if isinstance(part, int) else part for part in path if part != "steps"]
    return " ".join(names)


def watching(real: Registry, watch: Watch) -> Registry:
    """The installed plugins with step types that are watched."""
    steps = {name: replace(spec, target=_watched(spec, watch)) for name, spec in real.steps.items()}
    return ReplacedRegistry(real, {"step": steps})


def _watched(spec: ComponentSpec, watch: Watch) -> type[Step]:
    target = spec.target

    def init(self: Any, config: Any, build: Build) -> None:
        target.__init__(self, config, cast(Build, _WatchedBuild(build, watch)))

    made: type[Step] = type(target.__name__, (target,), {"__init__": init, "__doc__": target.__doc__})
    return made
