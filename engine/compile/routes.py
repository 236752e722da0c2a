"""One route: its document compiled into a Plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.compile.catalog import Catalog
from engine.compile.digests import content_digest
from engine.compile.expected import plan_slo, plan_traffic
from engine.compile.issuing import answers, keyed
from engine.compile.params import defaults
from engine.compile.plan import Plan, PlannedSink, ProbationRule, Retry, Segment
from engine.compile.replies import plan_reply
from engine.compile.report import Place
from engine.compile.scope import Scope
from engine.compile.sinks import plan_retry, plan_sinks
from engine.compile.sources import plan_source
from engine.compile.steps import Sequences
from engine.config.models.route import RouteDoc
from engine.config.models.step import StepDoc
from engine.config.project import Loaded
from engine.config.substitution import is_unset
from engine.plugins.contracts import Cut
from engine.plugins.sequence import PlannedStep, StepSequence

KEEP = 400 * 86400.0
HORIZON = 2 * 86400.0


def plan_route(
    catalog: Catalog, loaded: Loaded[RouteDoc], disabled: Mapping[str, PlannedSink] | None = None
) -> tuple[Plan | None, set[str]]:
    """The Plan (None when the route, or something it needs, has an error) and the parameters that something reads.

    disabled   sinks that overlays disabled, as the base has them
    """
    plan, scope = _RouteCompiler(catalog, loaded, disabled or {}).compile()
    return plan, scope.read_params


class _RouteCompiler:
    def __init__(self, catalog: Catalog, loaded: Loaded[RouteDoc], disabled: Mapping[str, PlannedSink]) -> None:
        self._catalog = catalog
        self._doc = loaded.model
        self._document = loaded.document
        self._place = Place(catalog.report, loaded.document)
        values, choices = defaults(loaded.model.params)
        sinks = tuple(sink.id for sink in loaded.model.to)
        self._scope = Scope(
            catalog, loaded.model.route, loaded.model.criticality, values, choices, sinks, disabled=disabled
        )

    def compile(self) -> tuple[Plan | None, Scope]:
        before = self._catalog.report.errors
        scope, doc, place = self._scope, self._doc, self._place
        source, flow = plan_source(scope, place, doc)
        scope.answers, scope.keyed = answers(scope, doc), keyed(scope, doc)
        row, flow = Sequences().top(scope, place.at("steps"), doc.steps, flow)
        segments = self._segments(row)
        retry = plan_retry(scope, place.at("retry"), doc.retry, Retry())
        sinks = plan_sinks(scope, place.at("to"), doc.to, flow, source.accepts if source else None, retry)
        reply = plan_reply(scope, place.at("reply"), doc.reply, flow)
        self._experience()
        slo, traffic = plan_slo(scope, place.at("slo"), doc.slo), plan_traffic(scope, place, doc.expect_traffic)
        keep = scope.measures.duration(place.at("keep"), doc.keep, KEEP)
        if source is None or scope.uses.unusable or self._catalog.report.errors > before:
            return None, scope
        if is_unset(self._document.data):
            return None, scope
        plan = Plan(
            route=doc.route,
            version=doc.version,
            digest=self._digest(),
            owner=doc.owner,
            criticality=doc.criticality,
            route_once=doc.route_once,
            source=source,
            segments=segments,
            sinks=sinks,
            params=scope.params,
            keep=keep,
            retry=retry,
            horizon=max(HORIZON, 2 * retry.give_up_after),
            tables=frozenset(scope.uses.tables),
            connections=frozenset(scope.uses.connections),
            summary=doc.summary or "",
            class_=doc.class_,
            slo=slo,
            expect_traffic=traffic,
            lifecycle=doc.lifecycle.model_dump(exclude_none=True),
            reply=reply,
            tested=doc.reload.tests if doc.reload.tests is not None else doc.criticality == "financial",
            probation=self._probation(),
            accepted={one.risk: one.because for one in doc.reload.accept},
            mark=place.at("route").mark,
            effective=self._document.data,
            uses=self._uses(),
            issuing=tuple(scope.uses.issuing),
            mappers=scope.uses.mappers,
        )
        return plan, scope

    def _segments(self, row: Sequence[tuple[PlannedStep, StepDoc]]) -> tuple[Segment, ...]:
        """The steps cut at those that keep the event."""
        segments: list[Segment] = []
        start, steps = "", []
        for planned, doc in row:
            if not isinstance(planned.step, Cut):
                steps.append(planned)
                continue
            self._check_cut(planned, doc)
            state = content_digest(doc.type, doc.body, self._catalog.registry.version("step", doc.type))
            segments.append(Segment(start, StepSequence(steps), planned.step, planned.id, state))
            start, steps = planned.id, []
        return (*segments, Segment(start, StepSequence(steps)))

    def _check_cut(self, planned: PlannedStep, doc: StepDoc) -> None:
        index = next(i for i, step in enumerate(self._doc.steps) if step.id == planned.id)
        for key, given in (("when", planned.when is not None), ("on_error", bool(planned.proceed))):
            if given:
                self._place.at("steps", index, key).finding(
                    "TF4021",
                    f"`{key}` has no meaning beside `{doc.type}`: it takes every event that comes to it",
                    key=True,
                    help="publish those events as a type of their own and subscribe to it in another route",
                )

    def _probation(self) -> ProbationRule:
        doc = self._doc.reload.probation
        place = self._place.at("reload", "probation", "within")
        within = self._scope.measures.duration(place, doc.within, ProbationRule().within)
        return ProbationRule(doc.events, within, float(doc.failing))

    def _experience(self) -> None:
        if self._doc.class_ != "experience":
            return
        for index, sink in enumerate(self._doc.to):
            if sink.use is not None:
                self._place.at("to", index, "use").finding(
                    "TF4013",
                    f"an experience route does not write to {sink.use} itself",
                    help="publish an event, and let a process route write",
                )

    def _uses(self) -> dict[str, str]:
        """Digests of everything the Plan is made of besides its own document."""
        catalog, uses = self._catalog, self._scope.uses
        connections = {f"connection {name}": catalog.connections[name].digest for name in sorted(uses.connections)}
        tables = {f"table {name}": catalog.tables[name].version for name in sorted(uses.tables)}
        return {**uses.digests, **connections, **tables}

    def _digest(self) -> str:
        return content_digest("plan", self._document.data, self._uses())
