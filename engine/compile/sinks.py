"""Sinks: a connector's action, an event type, or a reference table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from engine.compile.build import Builder
from engine.compile.calls import bind_call
from engine.compile.expressions import Checker, present_in, required_schema
from engine.compile.flow import Flow
from engine.compile.maps import mapping_at
from engine.compile.plan import TIMEOUT, EventType, PlannedSink, Retry
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.compile.sinkevent import check_fits
from engine.compile.sinkorder import SinkOrder
from engine.compile.sinktable import TableSink
from engine.compile.types import known_type
from engine.config.models.route import RetryDoc, SinkDoc
from engine.expr.jmes import Expr
from engine.expr.shape import UNKNOWN, Shape
from engine.plugins.build import BoundCall, DocumentMapper

RISKY = ("at_least_once", "at_most_once")
_BESIDE = {
    "event": ("with", "key", "version", "accept_duplicates_because"),
    "table": ("with", "accept_duplicates_because", "ordered"),
    "use": ("key",),
}


def plan_retry(scope: Scope, place: Place, doc: RetryDoc | None, default: Retry) -> Retry:
    """When something is tried again; the default where nothing is written."""
    if doc is None:
        return default
    measures, backoff = scope.measures, place.at("backoff")
    return Retry(
        first=measures.duration(backoff.at("first"), doc.backoff.first, default.first),
        max=measures.duration(backoff.at("max"), doc.backoff.max, default.max),
        factor=measures.number(backoff.at("factor"), doc.backoff.factor, default.factor),
        give_up_after=measures.duration(place.at("give_up_after"), doc.give_up_after, default.give_up_after),
    )


def plan_sinks(
    scope: Scope, place: Place, docs: Sequence[SinkDoc], flow: Flow, type_: EventType | None, retry: Retry
) -> tuple[PlannedSink, ...]:
    """Every sink without findings. `flow` is what the route gives, `type_` the type of its events where it has one."""
    planned = [
        replace(scope.disabled[doc.id], disabled=True)
        if doc.id in scope.disabled
        else _SinkPlanner(scope, place.at(index), doc, scope.uses.taps.get(doc.id, flow), type_, retry).plan()
        for index, doc in enumerate(docs)
    ]
    return tuple(sink for sink in planned if sink is not None)


class _SinkPlanner:
    def __init__(
        self, scope: Scope, place: Place, doc: SinkDoc, flow: Flow, type_: EventType | None, retry: Retry
    ) -> None:
        self._scope = scope
        self._place = place
        self._doc = doc
        self._order = SinkOrder(scope, place, doc, type_)
        self._checker = Checker(scope)
        self._when = self._condition(flow)
        self._flow = self._narrowed(flow).knowing(present_in(self._when))
        self._builder = Builder(scope, place, doc.id, self._flow)
        self._retry = plan_retry(scope, place.at("retry"), doc.retry, retry)

    def plan(self) -> PlannedSink | None:
        doc, place, measures = self._doc, self._place, self._scope.measures
        before = self._scope.catalog.report.errors
        self._misplaced()
        target = self._target()
        rate = measures.rate(place.at("rate"), doc.rate)
        connection = self._scope.catalog.connections.get(doc.connection or "")
        usual = connection.timeout if connection is not None else TIMEOUT
        timeout = measures.span(place.at("timeout"), doc.timeout, usual)
        common: dict[str, Any] = {
            "id": doc.id,
            "effect": doc.effect or f"{self._scope.route}/{doc.id}",
            "named_effect": doc.effect is not None,
            "tapped": doc.id in self._scope.uses.taps,
            "lane": self._lane(),
            "when": self._when,
            "retry": self._retry,
            "rate": rate,
            "timeout": timeout,
            "ordered": self._order.planned(),
            "version": self._version(),
        }
        if target is None or self._scope.catalog.report.errors > before:
            return None
        self._scope.catalog.bodies[self._scope.route, doc.id] = self._body(target)
        return PlannedSink(**{**common, **target})

    def _body(self, target: dict[str, Any]) -> Shape:
        """What is known of the documents the sink gets."""
        if target.get("event") is not None:
            return self._builder.shape_of(target["event"].schema)
        call: BoundCall | None = target.get("call")
        if call is None or self._doc.map is not None:
            return self._row() if call is None else self._made()
        value = call.values.get(call.body)
        if value is None or value.fields is None:
            return UNKNOWN
        return Shape.of_object(dict.fromkeys(value.fields, UNKNOWN))

    def _made(self) -> Shape:
        mapping = self._scope.catalog.mappings.get(self._doc.map or "")
        return mapping.made if mapping is not None else UNKNOWN

    def _condition(self, flow: Flow) -> Expr | None:
        place, raw = self._place.at("when"), self._doc.when
        if raw is None:
            return None
        filled = place.filled(raw, self._scope.params)
        expr = self._scope.catalog.texts.expression(place, filled)
        if expr is None:
            return None
        self._checker.expression(place, expr, flow.shape, "condition")
        answer = self._checker.constant(expr)
        if answer is not None:
            outcome = "always selected" if answer else "never reached"
            place.finding(
                "TF4006", f"this condition is always {str(answer).lower()}: the sink is {outcome}", help="remove it"
            )
        return expr

    def _narrowed(self, flow: Flow) -> Flow:
        schema = required_schema(self._when)
        if not schema:
            return flow
        if flow.schemas is not None and schema not in flow.schemas and schema in self._scope.catalog.schemas.names:
            known = ", ".join(sorted(name for name in flow.schemas if name)) or "none"
            self._place.at("when").finding(
                "TF4006",
                f"no document of {schema} comes here: the sink is never reached",
                help=f"schemas here: {known}",
            )
        return flow.narrowed(schema, self._scope.catalog.schemas.shape(schema))

    def _misplaced(self) -> None:
        target = "use" if self._doc.use else "event" if self._doc.event else "table"
        fields = {"with": self._doc.with_}
        for key in _BESIDE[target]:
            if fields.get(key, getattr(self._doc, key, None)) is not None:
                advice = (
                    "its values come from `map`" if key == "with" else "remove it, or see `tillflow explain TF4021`"
                )
                self._place.at(key).finding(
                    "TF4021", f"`{key}` has no meaning beside `{target}`", key=True, help=advice
                )

    def _target(self) -> dict[str, Any] | None:
        if self._doc.use is not None:
            return self._system(self._doc.use)
        mapper = self._mapper()
        if self._doc.event is not None:
            return self._event(self._doc.event, mapper)
        return TableSink(self._scope, self._place, self._doc).target(self._doc.table or "", mapper, self._row())

    def _system(self, use: str) -> dict[str, Any] | None:
        doc, place = self._doc, self._place
        raw = {"use": use, "connection": doc.connection, "action": doc.action, "with": doc.with_, "map": doc.map}
        filled = place.filled(raw, self._scope.params)
        bound, action = bind_call(self._scope, place, "sink", filled, self._flow, self._builder)
        if action is None:
            return None
        guarantee = action.guarantee or "at_least_once"
        if self._scope.financial and guarantee in RISKY and not doc.accept_duplicates_because:
            place.at("action").finding(
                "TF4004",
                f"`{bound.action}` is {guarantee}: on a financial route it may double or lose its effect",
                help="choose an action with another guarantee, or say `accept_duplicates_because: <reason>`",
            )
        self._order.check_held(guarantee, bound.action)
        return {"call": bound, "action": action, "guarantee": guarantee}

    def _mapper(self) -> DocumentMapper | None:
        if self._doc.map is None:
            return None
        return mapping_at(self._scope, self._place.at("map"), self._doc.map, self._flow)

    def _event(self, name: str, mapper: DocumentMapper | None) -> dict[str, Any] | None:
        catalog = self._scope.catalog
        type_ = known_type(catalog, self._place.at("event"), name, catalog.types)
        if type_ is None:
            self._scope.uses.unusable = True  # also where its file cannot be read, which is told there
            return None
        self._scope.uses.digests[f"schema {name}"] = catalog.schemas.digest(name)
        self._scope.uses.unusable |= catalog.schemas.raw(name) is None
        check_fits(self._scope, self._place, self._flow, type_, mapper)
        return {"event": type_, "mapper": mapper, "guarantee": "idempotency_key"}

    def _row(self) -> Shape:
        """What is known of a row: what `map` makes, one or a list of them, or the data itself."""
        if self._doc.map is None:
            return self._flow.shape
        made = self._made()
        return made.item() if made.kinds == {"list"} else made

    def _lane(self) -> str:
        doc, criticality = self._doc, self._scope.criticality
        if doc.lane == "own":
            return f"{self._scope.route}.{doc.id}"
        if doc.use is not None:
            return f"{doc.connection}.{criticality}"
        return "bus" if doc.event is not None else f"tables.{criticality}"

    def _version(self) -> Expr | None:
        if self._doc.version is None:
            return None
        place = self._place.at("version")
        expr = self._scope.catalog.texts.expression(place, self._doc.version)
        if expr is not None:
            self._checker.expression(place, expr, self._flow.shape, "value")
        return expr
