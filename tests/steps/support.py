"""Building and running single steps without a project: a small Build, a small environment, a small context."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.compile.schemas.validator import SchemaValidator
from engine.config.yaml import read_text
from engine.core.event import Event
from engine.expr.functions import FunctionTable
from engine.expr.jmes import Expr, compile_expression
from engine.expr.shape import UNKNOWN, Place, Shape, check_expression
from engine.expr.template import Template, compile_template
from engine.plugins.build import BoundCall
from engine.plugins.contracts import CallRequest, Step
from engine.plugins.fields import KeyExpr, RawSteps, ValueExpr, read_value
from engine.plugins.frame import Frame, Signal
from engine.plugins.sequence import PlannedStep, StepSequence
from engine.plugins.spec import spec_of
from engine.plugins.values import evaluate
from engine.steps import BUILTIN
from engine.testing.clock import START, VirtualClock, current_clock, run_virtual

TYPES: dict[str, type[Step]] = {spec_of(step).name: step for step in BUILTIN}
FUNCTIONS = FunctionTable.builtin()


def read_cases(file: Path) -> Any:
    """A YAML file as the engine reads one: exact numbers, `no` is text."""
    document, findings = read_text(file.name, file.read_text(encoding="utf-8"))
    assert document is not None and findings == [], findings
    return document.data


@dataclass
class World:
    """What stands around a step: schemas, mappings, tables, shared steps, slots, actions, replies."""

    schemas: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    subflows: Mapping[str, list[Any]] = field(default_factory=dict)
    slots: Mapping[str, list[Any]] = field(default_factory=dict)
    sinks: tuple[str, ...] = ()
    guarantees: Mapping[str, str] = field(default_factory=dict)
    shape: Shape = UNKNOWN


class TableMapper:
    """A mapping of the simplest kind: names to values."""

    def __init__(self, name: str, raw: Mapping[str, Any], build: TestBuild) -> None:
        self.name = name
        self.output = str(raw.get("output", ""))
        self.made = Shape.of_object(dict.fromkeys(raw["fields"], UNKNOWN))
        self._fields = {key: read_value(value, build) for key, value in raw["fields"].items()}

    def apply(self, data: Any, env: Any) -> Any:
        return {key: made for key, value in self._fields.items() for made in evaluate(value, data, env, key)}


class TestBuild:
    """The part of the compiler a step sees. Findings are kept as (code, path)."""

    __test__ = False
    route = "sales"

    def __init__(self, world: World, step: str = "it", shape: Shape | None = None) -> None:
        self.world = world
        self.step = step
        self.shape = world.shape if shape is None else shape
        self.findings: list[tuple[str, tuple[str | int, ...]]] = []
        self.checked: list[tuple[str | int, ...]] = []
        self.taps: list[str] = []

    def expression(self, text: str) -> Expr:
        return compile_expression(text, FUNCTIONS)

    def template(self, text: str) -> Template:
        return compile_template(text, FUNCTIONS)

    def template_file(self, name: str) -> Template:
        return self.template(self.world.templates[name])

    def mapping(self, name: str) -> TableMapper:
        return TableMapper(name, self.world.mappings[name], self)

    def validator(self, name: str) -> SchemaValidator:
        return SchemaValidator(name, self.world.schemas[name], self.world.schemas.get)

    def table(self, name: str) -> Shape:
        return self.shape_of(self.world.tables[name].get("schema", "")) if name in self.world.tables else UNKNOWN

    def tap(self, sink: str, *path: str | int) -> None:
        if sink in self.world.sinks:
            self.taps.append(sink)
        else:
            self.finding("TF3000", f"no sink {sink}", *path)

    def steps(
        self, raw: RawSteps, *path: str | int, adds: Mapping[str, Shape] | None = None, reading: bool = False
    ) -> StepSequence:
        shape = self.shape
        for name, added in (adds or {}).items():
            shape = shape.with_path((name,), added)
        return self.sequence(raw.items, shape)

    def sequence(self, items: list[Any], shape: Shape) -> StepSequence:
        """Build steps in a row, each with the shape after the one before."""
        planned: list[PlannedStep] = []
        for item in items:
            inner = TestBuild(self.world, str(item.get("id", self.step)), shape)
            planned.append(planned_step(item, inner))
            self.findings += inner.findings
            shape = StepSequence(planned[-1:]).shape(shape)
        return StepSequence(planned)

    def call(self, body: Mapping[str, Any], *path: str | int, adds: Mapping[str, Shape] | None = None) -> BoundCall:
        action = str(body["action"])
        return BoundCall(
            use=str(body["use"]),
            connection=str(body["connection"]),
            action=action,
            guarantee=self.world.guarantees.get(action),
            values={name: read_value(value, self) for name, value in body["with"].items()},
            mapper=self.mapping(str(body["map"])) if "map" in body else None,
            body="",
        )

    def subflow(self, name: str, params: Mapping[str, Any]) -> StepSequence:
        return self.sequence(self.world.subflows[name], self.shape)

    def slot(self, name: str) -> StepSequence:
        return self.sequence(self.world.slots.get(name, []), self.shape)

    def check(self, expr: Expr | KeyExpr | ValueExpr, shape: Shape, *path: str | int) -> None:
        self.checked.append(path)
        for one, place in _places(expr):
            self.findings += [(error.code, path) for error in check_expression(one, shape, place)]

    def finding(self, code: str, message: str, *path: str | int, help: str = "", suggestion: str = "") -> None:
        self.findings.append((code, path))

    def shape_of(self, schema: str) -> Shape:
        raw = self.world.schemas.get(schema)
        return UNKNOWN if raw is None else Shape.from_schema(raw, self.world.schemas.get)


def _places(expr: Expr | KeyExpr | ValueExpr) -> list[tuple[Expr, Place]]:
    if isinstance(expr, KeyExpr):
        return [(part, "key") for part in expr.parts]
    if isinstance(expr, ValueExpr):
        return [] if expr.expr is None else [(expr.expr, "optional" if expr.optional else "value")]
    return [(expr, "value")]


def planned_step(raw: Mapping[str, Any], build: TestBuild) -> PlannedStep:
    """One step as it stands in a route. Raises pydantic's ValidationError for a body that does not fit."""
    (name,) = [key for key in raw if key not in ("id", "when", "on_error")]
    cls = TYPES[name]
    step = cls(cls.Config.model_validate(raw[name], context=build), build)
    when = build.expression(raw["when"]) if "when" in raw else None
    return PlannedStep(build.step, step, when, raw.get("on_error", {}).get("continue", ""))


def codes_of(raw: Mapping[str, Any], world: World) -> list[str]:
    """Codes of everything that is wrong with a step, `model` for a body whose keys or types do not fit."""
    build = TestBuild(world)
    try:
        planned_step(raw, build)
    except ValidationError as error:
        return [str(e["ctx"].get("code")) if e["type"] == "tillflow" else "model" for e in error.errors()]
    return [code for code, _ in build.findings]


class TestEnv:
    """What expressions reach: facts of the event, parameters, tables."""

    __test__ = False

    def __init__(self, world: World, schema: str = "") -> None:
        self.world = world
        self.schema = schema

    def at(self, schema: str) -> TestEnv:
        return TestEnv(self.world, schema)

    def meta(self, name: str) -> Any:
        return self.schema if name == "schema" else None

    def param(self, name: str) -> Any:
        raise KeyError(name)

    def secret(self, name: str, key: str = "") -> Any:
        raise KeyError(name)

    def find(self, table: str, key: Any, on: str = "") -> dict[str, Any] | None:
        rows = self.world.tables[table]["rows"]
        row = rows.get("|".join(map(str, key)) if isinstance(key, list) else key)
        return None if row is None or (on and on < row.get("since", "")) else row

    def lookup(self, table: str, key: Any, on: str = "") -> dict[str, Any]:
        row = self.find(table, key, on)
        assert row is not None
        return row

    def now(self) -> int:
        return START


class MemoryBlobs:
    """Blobs in a dict."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    async def put(self, content: bytes) -> str:
        import hashlib

        digest = hashlib.sha256(content).hexdigest()
        self.content[digest] = content
        return digest

    async def get(self, digest: str) -> bytes:
        return self.content[digest]

    async def old(self, before: int) -> list[str]:
        return list(self.content)

    async def remove(self, digest: str, before: int) -> bool:
        return self.content.pop(digest, None) is not None


class TestContext:
    """What a waiting step reaches; `answer` is asked for every call."""

    __test__ = False

    def __init__(self, answer: Callable[[CallRequest], Any] = lambda request: None, takes: float = 0.0) -> None:
        self.clock: VirtualClock = current_clock()
        self.blobs = MemoryBlobs()
        self.requests: list[CallRequest] = []
        self.turns: list[tuple[str, float, float]] = []
        self._answer = answer
        self._takes = takes

    async def call(self, request: CallRequest) -> Any:
        self.requests.append(request)
        if self._takes:
            await self.clock.sleep(self._takes)
        return self._answer(request)

    async def throttle(self, name: str, rate: float, per: float) -> None:
        self.turns.append((name, rate, per))

    @asynccontextmanager
    async def state(self, key: str, event_id: str) -> AsyncIterator[Any]:
        raise AssertionError("no built-in step keeps chained state")
        yield


EVENT = Event(
    id="e" * 32, type="sale.completed@2", source="test", data=None, time=START, day="2026-03-14", amount="12.50"
)


def frame_of(data: Any, world: World, *, schema: str = "", context: Any = None, observer: Any = None) -> Frame:
    """A frame around `data`."""
    return Frame(EVENT.with_data(data), data, schema, TestEnv(world, schema), context, observer)


def sequence_of(*raw: Mapping[str, Any], world: World | None = None) -> StepSequence:
    """Steps in a row, built without a finding."""
    build = TestBuild(world or World())
    sequence = build.sequence(list(raw), build.shape)
    assert build.findings == []
    return sequence


def run_steps(sequence: StepSequence, frame: Frame) -> Signal | None:
    """Run to the end on virtual time."""

    async def go() -> Signal | None:
        result = sequence.run(frame)
        return await result if isawaitable(result) else result

    return run_virtual(go())
