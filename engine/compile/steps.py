"""Steps: each body bound to its own Config, built, and checked against the data that comes to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from engine.compile.bind import bind
from engine.compile.build import Builder
from engine.compile.digests import content_digest
from engine.compile.expressions import Checker, present_in
from engine.compile.flow import Flow
from engine.compile.issuing import check_issuing
from engine.compile.params import param_values
from engine.compile.reach import check_keeps_nothing, check_reach, check_yielded
from engine.compile.report import Place
from engine.compile.scope import Scope, Uses
from engine.compile.sharedsteps import SharedSteps
from engine.compile.slips import looks_misspelt
from engine.compile.texts import report
from engine.compile.walk import Found, typed_values
from engine.config.models.step import COMMON, SLOT, StepDoc
from engine.config.nearest import suggestion
from engine.config.validate import validated
from engine.expr.errors import ExpressionError
from engine.expr.jmes import Expr
from engine.expr.shape import Shape
from engine.plugins.contracts import Cut, Step
from engine.plugins.fields import KeyExpr, ValueExpr
from engine.plugins.sequence import PlannedStep, StepSequence
from engine.plugins.spec import ComponentSpec

REGROUPING = ("split", "aggregate")  # step types behind which an event has no, or more than one, output
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Sequences:
    """Compiles rows of steps: a route's own, those inside a step, and shared ones."""

    def top(
        self, scope: Scope, place: Place, docs: Sequence[StepDoc], flow: Flow
    ) -> tuple[list[tuple[PlannedStep, StepDoc]], Flow]:
        """The steps of a route, in which cuts are allowed."""
        return self._row(scope, place, list(enumerate(docs)), flow, cuts=True)

    def nested(self, scope: Scope, place: Place, raw: Sequence[Any], flow: Flow) -> tuple[StepSequence, Flow]:
        """Steps inside a step, as they stand in the file."""
        row, after = self._nested(scope, place, range(len(raw)), flow)
        return StepSequence(row), after

    def _nested(self, scope: Scope, place: Place, indexes: Iterable[int], flow: Flow) -> tuple[list[PlannedStep], Flow]:
        docs: list[tuple[int, StepDoc]] = []
        for index in indexes:
            doc, findings = validated(place.document, StepDoc, (*place.path, index), what="a step")
            scope.catalog.report.add(*findings)
            if doc is not None:
                docs.append((index, doc))
        row, after = self._row(scope, place, docs, flow, cuts=False)
        return [planned for planned, _ in row], after

    def filled(self, scope: Scope, place: Place, raw: Sequence[Any], flow: Flow) -> tuple[StepSequence, Flow]:
        """Steps that overlays put into a slot: they reach what the slot allows, and change what it yields."""
        slot = place.document.at(place.path[:-1])
        inner = replace(scope, allowed=frozenset(slot.get("allows") or ("pure",)))
        row: list[PlannedStep] = []
        for index in range(len(raw)):
            errors, before = scope.catalog.report.errors, flow
            sequence, flow = self._nested(inner, place, [index], flow)
            row += sequence
            if scope.catalog.report.errors == errors:
                check_yielded(place.at(index), slot["slot"], slot.get("yields") or "", before.shape, flow.shape)
                flow = flow if scope.catalog.report.errors == errors else before  # what follows is judged without it
        return StepSequence(row), flow

    def shared(
        self, scope: Scope, place: Place, params_place: Place, name: str, params: Any, flow: Flow
    ) -> tuple[StepSequence, Flow]:
        """Shared steps with these parameters, compiled for the data that comes to them here."""
        catalog = scope.catalog
        if not catalog.known(place, "subflow", name):
            return StepSequence(()), Flow()
        if name in scope.subflows:
            circle = " > ".join([*scope.subflows, name])
            place.finding("TF4020", f"these shared steps contain themselves: {circle}", help="take one of them out")
            return StepSequence(()), Flow()
        loaded = catalog.project.subflows.get(name)
        if loaded is None:
            scope.uses.unusable = True
            return StepSequence(()), Flow()
        scope.uses.digests[f"subflow {name}"] = content_digest(loaded.document.data)
        values, choices = param_values(params_place, loaded.model.params, params, name)
        inner = scope.inside(name, values, choices)
        steps_place = Place(catalog.report, loaded.document, ("steps",))
        row, after = self._row(inner, steps_place, list(enumerate(loaded.model.steps)), flow, cuts=False)
        catalog.read_params.setdefault(name, set()).update(inner.read_params)
        return SharedSteps([planned for planned, _ in row], values), after

    def _row(
        self, scope: Scope, place: Place, docs: Sequence[tuple[int, StepDoc]], flow: Flow, *, cuts: bool
    ) -> tuple[list[tuple[PlannedStep, StepDoc]], Flow]:
        row: list[tuple[PlannedStep, StepDoc]] = []
        for index, doc in docs:
            planned, flow = _StepCompiler(self, scope, place.at(index), doc, flow).compile(cuts)
            if planned is not None:
                row.append((planned, doc))
                scope.answers = scope.answers and not isinstance(planned.step, Cut)  # behind it nobody waits
        return row, flow


class _StepCompiler:
    """One step."""

    def __init__(self, sequences: Sequences, scope: Scope, place: Place, doc: StepDoc, flow: Flow) -> None:
        self._outside = scope.uses
        if scope.allowed is not None:
            scope = replace(scope, uses=Uses())  # what this step alone reaches
        self._scope = scope
        self._place = place
        self._doc = doc
        self._flow = flow
        self._checker = Checker(scope)
        self._builder = Builder(scope, place.at(doc.type), doc.id, flow)
        self._builder.sequences = sequences

    def compile(self, cuts: bool) -> tuple[PlannedStep | None, Flow]:
        """The step (None after findings) and what is known after it."""
        said = self._scope.catalog.report.count
        made = self._compile(cuts)
        if self._scope.allowed is not None:
            if made[0] is not None and self._scope.catalog.report.count == said:
                check_reach(self._place.at(self._doc.type), self._doc.type, made[0].step, self._scope)
            self._outside.add(self._scope.uses)
        return made

    def _compile(self, cuts: bool) -> tuple[PlannedStep | None, Flow]:
        when, never = self._when()
        self._builder.know(present_in(when))
        spec = self._spec()
        step = self._step(spec) if spec is not None else None
        if step is None:
            return None, Flow()
        if isinstance(step, Cut) and not cuts:
            self._place.at(self._doc.type).finding(
                "TF4014",
                f"`{self._doc.type}` keeps events as durable state; it stands directly under `steps` of the route",
                key=True,
                help="move it out of the steps around it",
            )
        check_keeps_nothing(self._place.at(self._doc.type), self._doc.type, step, self._scope)
        check_issuing(self._place.at(self._doc.type), self._doc.type, step, self._doc.body, self._scope)
        self._check_otherwise()
        if self._doc.type in REGROUPING:
            self._scope.uses.regrouped = self._scope.uses.regrouped or self._doc.id
        proceed = self._doc.on_error.continue_ if self._doc.on_error else ""
        after = self._after(step)
        if when is not None or proceed:
            after = self._flow.either(after)
        return PlannedStep(self._doc.id, step, when, proceed), self._flow if never else after

    def _check_otherwise(self) -> None:
        body = self._doc.body
        if self._doc.type != "choose" or not isinstance(body, list) or not body:
            return
        if isinstance(body[-1], dict) and "otherwise" not in body[-1]:
            self._place.at("choose").finding(
                "TF4007",
                "`choose` does not say what happens otherwise",
                key=True,
                help="end with {otherwise: true, steps: [..]}; without it such an event becomes a work item",
                severity="warning",
            )

    def _when(self) -> tuple[Expr | None, bool]:
        """The condition, and whether it never holds."""
        place = self._place.at("when")
        expr = self._scope_expression(place, self._doc.when)
        if expr is None:
            return None, False
        self._checker.expression(place, expr, self._flow.shape, "condition")
        answer = self._checker.constant(expr)
        if answer is not None:
            always = "runs for every event" if answer else "never runs"
            advice = "leave `when` out, or correct it" if answer else "correct it, or leave the step out"
            place.finding(
                "TF4006",
                f"this condition is always {str(answer).lower()}: the step {always}",
                help=advice,
            )
        return expr, answer is False

    def _scope_expression(self, place: Place, raw: Any) -> Expr | None:
        if raw is None:
            return None
        filled = place.filled(raw, self._scope.params)
        return self._scope.catalog.texts.expression(place, filled)

    def _spec(self) -> ComponentSpec | None:
        catalog, name = self._scope.catalog, self._doc.type
        spec = catalog.registry.steps.get(name)
        if spec is not None:
            self._scope.uses.digests[f"step {name}"] = catalog.registry.version("step", name)
            return spec
        place = self._place.at(name)
        if not catalog.refused(place, "step", name):
            words = [*catalog.registry.steps, *COMMON]
            place.unknown("TF3013", "step type", name, words, key=True)
        return None

    def _step(self, spec: ComponentSpec) -> Step | None:
        place = self._place.at(self._doc.type)
        body = place.filled(self._doc.body, self._scope.params)
        config: Any = None
        if spec.config is not None:
            config = bind(place, spec.config, body, self._builder, above=(*COMMON, *SLOT), what=f"`{self._doc.type}`")
            if config is None:
                return None
            self._builder.found = tuple(typed_values(config))
        try:
            step: Step = spec.target(config, self._builder)
        except ExpressionError as error:
            report(place, error)
            return None
        for found in self._builder.found:
            self._check(place.at(*found.path), found)
            if found.kind == "local name":
                self._check_used(place.at(*found.path), found, body)
        self._check_set()
        return step

    def _check_used(self, place: Place, name: Found, body: Any) -> None:
        """A finding for a name of an item that nothing in the step reads."""
        words = set(_WORD.findall(" ".join(_texts(body, name.path))))
        if name.value not in words:
            known = {*self._flow.shape.fields}
            near = suggestion(name.value, sorted(words - known))
            advice = f"something here reads `{near}`: is that what it is called?" if near else "leave `as` out"
            text = f"nothing here reads `{name.value}`"
            place.finding("TF3518", text, help=advice, suggestion=near, severity="warning")

    def _check(self, place: Place, found: Found) -> None:
        """The generic pass over everything typed that the plugin did not check itself."""
        if any(done is found.value and path == found.path for done, path in self._builder.checked):
            return
        value, shape = found.value, self._flow.shape
        if isinstance(value, KeyExpr):
            self._checker.key(place, value, shape)
        elif isinstance(value, ValueExpr):
            self._checker.value(place, value, shape)
        elif isinstance(value, Expr):
            self._checker.expression(place, value, shape, "condition" if found.kind == "condition" else "optional")
        elif found.kind == "template":
            self._checker.template(place, value, shape)
        elif found.kind in ("mapping", "schema", "table", "connection", "subflow"):
            self._scope.catalog.known(place, found.kind, value)
        elif found.kind == "template file":
            self._scope.catalog.known(place, "template", value)
        elif found.kind == "path" and place.path[-1] == "into":
            self._scope.uses.added[value[-1]] = place
            self._looks_misspelt(place, value)

    def _check_set(self) -> None:
        """What `set` makes new beside something that is called almost like it."""
        body = self._doc.body if self._doc.type == "set" and isinstance(self._doc.body, dict) else {}
        for key in body:
            if all(map(_WORD.fullmatch, key.split("."))):
                self._looks_misspelt(self._place.at("set", key), key.split("."), key=True)

    def _looks_misspelt(self, place: Place, path: Sequence[str], *, key: bool = False) -> None:
        local = {found.value for found in self._builder.found if found.kind == "local name"}
        looks_misspelt(place, self._flow.shape, local, path, key=key)

    def _after(self, step: Step) -> Flow:
        before, nested = self._flow, self._builder.nested
        if self._doc.type == "filter" and self._doc.when is None:
            return Flow(before.shape, before.schemas, ends=True)
        shape = step.shape(before.shape) if nested else self._shape(step)
        if self._doc.type == "slot":
            return (nested[0] if nested else before).yielding(self._doc.yields or "")
        if nested:
            joined = nested[0]
            for other in nested[1:]:
                joined = joined.either(other)
            return Flow(joined.shape if len(nested) > 1 else shape, joined.schemas, joined.ends)
        if shape is before.shape:
            return before.knowing(self._checked()) if self._doc.type == "check" else before
        if shape.schema:
            return Flow(shape, frozenset({shape.schema}))
        if self._doc.type == "map" and shape.known:
            return Flow(shape, frozenset({""}))  # a document of names of its own, which no schema describes
        lost = bool(before.shape.schema) or not shape.known
        return Flow(shape, None if lost else before.schemas)

    def _checked(self) -> list[str]:
        """What is present behind a `check` that asks for it."""
        body = self._doc.body if isinstance(self._doc.body, list) else []
        asked = [item["that"] for item in body if isinstance(item, dict) and isinstance(item.get("that"), str)]
        return [text for that in asked for text in present_in(self._scope.catalog.texts.compile(that))]

    def _shape(self, step: Step) -> Shape:
        """The shape after a step without steps inside; equal steps of different routes give one object."""
        shapes, before = self._scope.catalog.shapes, self._flow.shape
        key = (self._doc.type, id(before), repr(self._doc.body))
        if key not in shapes:
            shapes[key] = (before, step.shape(before))
        return shapes[key][1]


def _texts(value: Any, without: tuple[str | int, ...], here: tuple[str | int, ...] = ()) -> Iterator[str]:
    """All texts below a value, except the one at `without`."""
    if isinstance(value, str) and here != without:
        yield value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _texts(item, without, (*here, key))
