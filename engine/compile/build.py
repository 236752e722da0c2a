"""The Build handed to plugins: compilers and shared documents for one block of one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.compile.calls import bind_call
from engine.compile.expressions import Checker
from engine.compile.flow import Flow
from engine.compile.maps import mapping_at
from engine.compile.reach import check_reads
from engine.compile.report import Path, Place
from engine.compile.scope import Scope
from engine.compile.walk import Found
from engine.config.regions.working import SLOT_STEPS
from engine.expr.jmes import Expr
from engine.expr.shape import UNKNOWN, Shape
from engine.expr.template import Template
from engine.plugins.build import BoundCall, DocumentMapper, Validator
from engine.plugins.contracts import AuthScheme
from engine.plugins.fields import KeyExpr, RawSteps, ValueExpr
from engine.plugins.sequence import StepSequence

if TYPE_CHECKING:
    from engine.compile.steps import Sequences

Checkable = Expr | KeyExpr | ValueExpr


class Builder:
    """One block's Build. `place` is the block, `flow` what is known before the step.

    found     typed values of the block's Config, once it is validated
    checked   what the plugin checked itself: the generic pass leaves it alone
    nested    what is known after each list of nested steps
    """

    def __init__(self, scope: Scope, place: Place, step: str = "", flow: Flow | None = None) -> None:
        self.route = scope.route
        self.step = step
        self.found: tuple[Found, ...] = ()
        self.checked: list[tuple[Checkable, Path]] = []
        self.nested: list[Flow] = []
        self.sequences: Sequences | None = None
        self._scope = scope
        self._place = place
        self._flow = flow if flow is not None else Flow()
        self._checker = Checker(scope)

    def know(self, texts: Iterable[str]) -> None:
        """The step runs only where these are present."""
        self._flow = self._flow.knowing(texts)

    def auth_scheme(self, name: str) -> type[AuthScheme] | None:
        """An installed AuthScheme, for connectors that let a configuration name one."""
        spec = self._scope.catalog.registry.auth.get(name)
        return spec.target if spec is not None else None

    @property
    def shape(self) -> Shape:
        return self._flow.shape

    def shape_of(self, schema: str) -> Shape:
        if not schema:
            return UNKNOWN
        self._scope.uses.digests[f"schema {schema}"] = self._scope.catalog.schemas.digest(schema)
        return self._scope.catalog.schemas.shape(schema)

    def expression(self, text: str) -> Expr:
        return self._scope.catalog.texts.compile(text)

    def template(self, text: str) -> Template:
        return self._scope.catalog.texts.compile_template(text)

    def template_file(self, name: str) -> Template:
        catalog, place = self._scope.catalog, self._named("template file", name)
        if not catalog.known(place, "template", name):
            return self.template("")
        self._scope.uses.digests[f"template {name}"] = catalog.template_digest(name)
        made = catalog.template(place, name)
        self._checker.template_file(place, name, made, self.shape)
        return made

    def mapping(self, name: str) -> DocumentMapper:
        return mapping_at(self._scope, self._named("mapping", name), name, self._flow)

    def validator(self, name: str) -> Validator:
        catalog = self._scope.catalog
        catalog.known(self._named("schema", name), "schema", name)
        self._scope.uses.unusable |= name in catalog.schemas.names and catalog.schemas.raw(name) is None
        self._scope.uses.digests[f"schema {name}"] = catalog.schemas.digest(name)
        return catalog.schemas.validator(name)

    def table(self, name: str) -> Shape:
        catalog = self._scope.catalog
        if not catalog.known(self._named("table", name), "table", name):
            return UNKNOWN
        self._scope.uses.tables.add(name)
        self._scope.uses.unusable |= name not in catalog.tables
        return catalog.row_shape(name)

    def tap(self, sink: str, *path: str | int) -> None:
        if sink not in self._scope.sinks:
            self._place.at(*path).unknown("TF3008", "sink", sink, self._scope.sinks)
            return
        known = self._scope.uses.taps.get(sink)
        self._scope.uses.taps[sink] = self._flow if known is None else known.either(self._flow)

    def steps(
        self, raw: RawSteps, *path: str | int, adds: Mapping[str, Shape] | None = None, reading: bool = False
    ) -> StepSequence:
        scope = replace(self._scope, reading=True) if reading else self._scope
        assert self.sequences is not None
        sequence, after = self.sequences.nested(scope, self._place.at(*path), raw.items, self._seeing(adds))
        self.nested.append(_without(after, adds or {}, self._flow.shape))
        return sequence

    def call(self, body: Mapping[str, Any], *path: str | int, adds: Mapping[str, Shape] | None = None) -> BoundCall:
        flow = self._seeing(adds)
        bound, action = bind_call(self._scope, self._place.at(*path), "call", body, flow, self)
        if action is not None and action.guarantee is not None:
            self._accepts_duplicates(bound, body, *path)
            check_reads(self._place.at(*path, "action"), bound, self._scope)
        return bound

    def subflow(self, name: str, params: Mapping[str, Any]) -> StepSequence:
        assert self.sequences is not None
        place = self._named("subflow", name)
        sequence, after = self.sequences.shared(self._scope, place, self._place.at("params"), name, params, self._flow)
        self.nested.append(after)
        return sequence

    def slot(self, name: str) -> StepSequence:
        steps = self._place.document.at(self._place.path[:-1]).get(SLOT_STEPS)
        if steps is None:
            self.nested.append(self._flow)
            return StepSequence(())
        assert self.sequences is not None
        place = Place(self._place.report, self._place.document, (*self._place.path[:-1], SLOT_STEPS))
        sequence, after = self.sequences.filled(self._scope, place, steps, self._flow)
        self.nested.append(after)
        return sequence

    def check(self, expr: Checkable, shape: Shape, *path: str | int) -> None:
        self.checked.append((expr, path))
        place = self._place.at(*path)
        written = next((found for found in self.found if found.value is expr and found.path == path), None)
        if isinstance(expr, KeyExpr):
            self._checker.key(place, expr, shape)
        elif isinstance(expr, ValueExpr):
            self._checker.value(place, expr, shape)
        elif written is not None:
            self._checker.expression(place, expr, shape, "condition" if written.kind == "condition" else "value")
        else:
            self._checker.path(place, expr, shape)

    def finding(self, code: str, message: str, *path: str | int, help: str = "", suggestion: str = "") -> None:
        place = self._place.at(*path)
        block = isinstance(_value(place), dict | list)
        place.finding(code, message, key=block, help=help, suggestion=suggestion)

    def _seeing(self, adds: Mapping[str, Shape] | None) -> Flow:
        """What is known of the data, and of what a part of the step sees besides."""
        flow = self._flow
        for name, shape in (adds or {}).items():
            flow = flow.with_shape(flow.shape.with_path((name,), shape))
        return flow

    def _named(self, kind: str, name: str) -> Place:
        """Where a name is written in the block."""
        path = next((found.path for found in self.found if found.kind == kind and found.value == name), ())
        return self._place.at(*path)

    def _accepts_duplicates(self, bound: BoundCall, body: Mapping[str, Any], *path: str | int) -> None:
        risky = bound.guarantee in ("at_least_once", "at_most_once")
        if self._scope.financial and risky and not body.get("accept_duplicates_because"):
            self._place.at(*path, "action").finding(
                "TF4005",
                f"`{bound.action}` is {bound.guarantee}: on a financial route it may double or lose its effect",
                help="choose an action with another guarantee, or say `accept_duplicates_because: <reason>`",
            )


def _without(after: Flow, added: Mapping[str, Shape], before: Shape) -> Flow:
    """What nested steps saw besides is gone after them; a field of that name the data had is back."""
    if not added:
        return after
    fields = {name: shape for name, shape in after.shape.fields.items() if name not in added}
    back = {name: before.fields[name] for name in added if name in before.fields}
    return after.with_shape(replace(after.shape, fields={**fields, **back}))


def _value(place: Place) -> Any:
    try:
        return place.document.at(place.path)
    except (KeyError, IndexError, TypeError):
        return None
