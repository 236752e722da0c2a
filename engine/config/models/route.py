"""Skeletons of a route, of its sinks, and of shared steps (subflows)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from engine.config.models.base import (
    DurationText,
    ExpressionText,
    Name,
    OpenSkeleton,
    RateText,
    Raw,
    Skeleton,
    TypeName,
    Version,
    Word,
    problem,
)
from engine.config.models.params import Params
from engine.config.models.scopes import ScopeLayers
from engine.config.models.step import May, StepDoc
from engine.config.nearest import suggestion


class FromDoc(OpenSkeleton):
    """Where events come from: an event type, or a connector's source whose own keys are in `options`."""

    event: Annotated[TypeName | None, Field(description="Subscribe to this event type.")] = None
    use: Annotated[Word | None, Field(description="The connector that brings the events.")] = None
    connection: Annotated[Word | None, Field(description="A connection of routes/connections.yaml.")] = None
    format: Annotated[Raw, Field(description="Format of what arrives: a name, or {name: options}.")] = None

    @model_validator(mode="after")
    def _one_origin(self) -> FromDoc:
        if self.event is None and self.use is None:
            for key in self.options:
                if near := suggestion(key, ("event", "use")):
                    advice = f"did you mean `{near}`?"
                    raise problem("TF1101", f"`{key}` is not a key of `from`", advice, near, path=(key,), key=True)
        if (self.event is None) == (self.use is None):
            raise problem("TF1108", "`from` has either `event` or `use`", "write one of them")
        if self.options.get("mode") == "sync":
            advice = "this version answers asynchronously only; leave `mode: sync` out for now"
            raise problem("TF1107", "`mode: sync` is reserved for later", advice, path=("mode",))
        if self.event is not None and (beside := [*self.options, *(["connection"] if self.connection else [])]):
            advice = "a subscription needs the event type only"
            raise problem("TF1101", f"`{beside[0]}` is not a key beside `event`", advice, path=(beside[0],), key=True)
        return self


class BackoffDoc(Skeleton):
    """How the waits between tries grow."""

    first: Annotated[DurationText, Field(description="The first wait.")] = "1s"
    max: Annotated[DurationText, Field(description="The longest wait.")] = "30m"
    factor: Annotated[Raw, Field(description="Each wait is this many times the one before.")] = 5


class RetryDoc(Skeleton):
    """When something that failed for a while is tried again."""

    give_up_after: Annotated[DurationText, Field(description="After this long it becomes a work item.")] = "24h"
    backoff: BackoffDoc = BackoffDoc()


class OrderedDoc(Skeleton):
    """A fenced sink: deliveries of one key leave in their order."""

    on_failure: Annotated[
        Literal["hold_key", "skip"], Field(description="A failed delivery holds its key, or is skipped.")
    ] = "hold_key"
    gap_timeout: Annotated[DurationText, Field(description="How long a missing number is waited for.")] = "15m"


class SinkDoc(Skeleton):
    """Where results go: a connector's action, an event type, or a reference table."""

    id: Annotated[Name, Field(description="Name of the sink, for figures, tests, overlays and errors.")]
    use: Annotated[Word | None, Field(description="The connector.")] = None
    connection: Annotated[Word | None, Field(description="A connection of routes/connections.yaml.")] = None
    action: Annotated[Word | None, Field(description="What the connector shall do.")] = None
    event: Annotated[TypeName | None, Field(description="Publish as this event type.")] = None
    table: Annotated[Name | None, Field(description="Keep a row of this reference table.")] = None
    with_: Annotated[dict[str, Raw] | None, Field(alias="with", description="Values of the request.")] = None
    map: Annotated[Word | None, Field(description="A mapping that makes the request.")] = None
    when: Annotated[ExpressionText, Field(description="The sink is selected when this is true.")] = None
    effect: Annotated[
        Word | None, Field(description="Stable name of the effect; sinks that exclude each other share it.")
    ] = None
    key: Annotated[Raw, Field(description="Key of the row in a table.")] = None
    rate: Annotated[RateText, Field(description="Most deliveries of this sink in a time: 50/s.")] = None
    retry: Annotated[RetryDoc | None, Field(description="When a delivery that failed for a while is tried again.")] = (
        None
    )
    timeout: Annotated[DurationText, Field(description="How long one try may take.")] = None
    ordered: Annotated[OrderedDoc | None, Field(description="Deliveries of one key leave in their order.")] = None
    ordering: Annotated[Literal["latest"] | None, Field(description="Of each key only the newest state is sent.")] = (
        None
    )
    version: Annotated[ExpressionText, Field(description="What makes one state newer than another.")] = None
    lane: Annotated[Literal["own"] | None, Field(description="Deliveries wait in a lane of their own.")] = None
    may: list[May] = Field(default_factory=list)
    lock: Annotated[bool, Field(description="Overlays cannot change the sink.")] = False
    accept_duplicates_because: Annotated[Word | None, Field(description="Why a doubled effect is no harm.")] = None

    @model_validator(mode="after")
    def _one_target(self) -> SinkDoc:
        targets = [name for name in ("use", "event", "table") if getattr(self, name) is not None]
        if len(targets) != 1:
            text = f"has {' and '.join(f'`{t}`' for t in targets)}" if targets else "goes nowhere"
            raise problem("TF1108", f"this sink {text}", "write exactly one of `use`, `event` and `table`")
        for name in ("connection", "action"):
            given = getattr(self, name) is not None
            if self.use is not None and not given:
                raise problem("TF1102", f"`{name}` is missing beside `use`", f"add `{name}:`", path=("use",), key=True)
            if self.use is None and given:
                advice = f"only a sink with `use` has `{name}`"
                raise problem("TF1101", f"`{name}` is not a key beside `{targets[0]}`", advice, path=(name,), key=True)
        if self.ordered is not None and self.ordering is not None:
            advice = "`ordered` keeps every event in order, `ordering: latest` only the newest"
            raise problem("TF1108", "a sink has either `ordered` or `ordering`", advice, path=("ordering",), key=True)
        return self


class LifecycleDoc(Skeleton):
    """Where a route stands in its life."""

    status: Literal["draft", "active", "deprecated", "retired"] = "active"
    replaced_by: Name | None = None
    since: Word | None = None
    until: Word | None = None
    note: Word | None = None


class ProbationDoc(Skeleton):
    """The first events after a change: when too many of them become work items, the change takes itself back.

    It does as soon as the failures exceed `failing` of `events` (with the defaults: at the third); when `within` is over,
    also for three failures or more that exceed `failing` of the events that came.
    """

    events: Annotated[int, Field(ge=0, le=10_000, description="How many of the first events count; 0: none.")] = 50
    within: Annotated[DurationText, Field(description="How long after the change they count.")] = "2m"
    failing: Annotated[float, Field(ge=0, lt=1, description="The share of them that may become work items.")] = 0.05


class AcceptedDoc(Skeleton):
    """A risk of a change that is meant. It holds for the change that brings it: the next one needs a reason of its own."""

    risk: Literal["effect-changed", "key-changed", "guard-changed"]
    because: Annotated[Word, Field(description="Why it does no harm; it goes into the audit.")]


class ReloadDoc(Skeleton):
    """What a change of this route must pass while the engine runs."""

    tests: Annotated[
        bool | None, Field(description="Run its tests before the change (by default on financial routes).")
    ] = None
    probation: ProbationDoc = ProbationDoc()
    accept: list[AcceptedDoc] = Field(
        default_factory=list, description="Risks of this change that are meant, on a financial route."
    )


class SloDoc(Skeleton):
    """What the route promises; shown by `status`."""

    latency_p50: DurationText = None
    latency_p95: DurationText = None
    latency_p99: DurationText = None
    success: Raw = None


class TrafficDoc(Skeleton):
    """How much traffic is expected; shown by `status`."""

    at_least: int | None = None
    at_most: int | None = None
    per: Annotated[DurationText, Field(description="The time that is counted over.")]


class RouteDoc(Skeleton):
    """A route: where events come from, what is done to them, where they go."""

    later: ClassVar[Mapping[str, str]] = {"alerts": "telling people about a missed promise"}

    tillflow: Literal[1]
    route: Annotated[Name, Field(description="Its name, as the file's.")]
    version: Annotated[Version, Field(description="Its version, as major.minor.patch.")]
    summary: Annotated[Word | None, Field(description="One sentence about what the route does.")] = None
    owner: Annotated[Word, Field(description="The team its work items belong to.")]
    class_: Annotated[Literal["system", "process", "experience"], Field(alias="class")] = "process"
    criticality: Literal["financial", "operational", "analytic"]
    slo: Annotated[SloDoc | None, Field(description="What the route promises; shown by `status`.")] = None
    expect_traffic: Annotated[
        TrafficDoc | None, Field(description="How much traffic is expected; shown by `status`.")
    ] = None
    lifecycle: Annotated[LifecycleDoc, Field(description="Where the route stands in its life.")] = LifecycleDoc()
    params: Params = Field(default_factory=dict)
    scopes: Annotated[
        ScopeLayers | None,
        Field(description="How its events find their region, where routes/scopes.yaml does not say."),
    ] = None
    from_: Annotated[FromDoc, Field(alias="from", description="Where events come from.")]
    accepts: Annotated[TypeName | None, Field(description="Schema that everything from the source must keep.")] = None
    keep: Annotated[DurationText, Field(description="How long the ledger remembers.")] = "400d"
    route_once: Annotated[
        bool, Field(description="Write outcomes down before publishing (always on financial routes).")
    ] = False
    retry: Annotated[
        RetryDoc | None, Field(description="When what failed for a while is tried again; sinks may say otherwise.")
    ] = None
    reload: Annotated[ReloadDoc, Field(description="What a change of it must pass while the engine runs.")] = (
        ReloadDoc()
    )
    steps: list[StepDoc] = Field(default_factory=list, description="What is done to an event, in this order.")
    to: list[SinkDoc] = Field(default_factory=list, description="Where results go.")
    reply: Annotated[Raw, Field(description="What a synchronous source answers.")] = None

    @model_validator(mode="after")
    def _has_output(self) -> RouteDoc:
        if not self.to and self.reply is None:
            raise problem(
                "TF1102", "this route sends its events nowhere", "add `to:` with at least one sink", path=("route",)
            )
        return self


class SubflowDoc(Skeleton):
    """Shared steps that routes use by name."""

    tillflow: Literal[1]
    subflow: Name
    version: Version | None = None
    summary: Word | None = None
    owner: Word | None = None
    params: Params = Field(default_factory=dict)
    steps: Annotated[list[StepDoc], Field(min_length=1)]
