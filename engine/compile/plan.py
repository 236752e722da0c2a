"""A Plan: one route, compiled. Frozen, runnable, with a digest. The runtime reads these and never YAML."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from engine.compile.regions.choosing import Regional
from engine.core.findings import Mark
from engine.expr.jmes import Expr
from engine.plugins.build import BoundCall, DocumentMapper, Validator
from engine.plugins.contracts import Action, Cut, Guarantee
from engine.plugins.fields import KeyExpr, RateValue
from engine.plugins.sequence import StepSequence

TIMEOUT = 20.0  # seconds a system may take to answer, where nothing else is said


class EventType(Struct, frozen=True):
    """A canonical type: its schema and what the schema says of identity.

    name, version       `sale.completed`, 2
    compatible_with     oldest version whose subscribers accept this one too
    key, guard, order_by, business_date, search, private, amount   of `x-tillflow`, as expressions over the data
    """

    name: str
    version: int
    validator: Validator
    key: KeyExpr | None = None
    guard: KeyExpr | None = None
    order_by: KeyExpr | None = None
    sequence: Expr | None = None
    business_date: Expr | None = None
    search: Mapping[str, Expr] = field(default_factory=dict)
    private: tuple[str, ...] = ()
    amount: Expr | None = None
    currency: Expr | None = None
    compatible_with: int = 0

    @property
    def schema(self) -> str:
        return f"{self.name}@{self.version}"


class Retry(Struct, frozen=True):
    """When a delivery (or an event in the router) is tried again. Times in seconds."""

    first: float = 1.0
    max: float = 1800.0
    factor: float = 5.0
    give_up_after: float = 86400.0


class ProbationRule(Struct, frozen=True):
    """After a change: of the first `events` within so many seconds at most this share may become work items.

    How it is judged while fewer came: `runtime/reload/probation.py`.
    """

    events: int = 50
    within: float = 120.0
    failing: float = 0.05


class Ordered(Struct, frozen=True):
    """How a fenced sink keeps order. `on_failure`: hold_key | skip."""

    mode: str = "key"  # key | latest
    on_failure: str = "hold_key"
    gap_timeout: float = 900.0


class Segment(Struct, frozen=True):
    """Steps up to a cut. `id` is the cut step's id before it, empty for the first: a continuation names it."""

    id: str
    steps: StepSequence
    cut: Cut | None = None
    cut_id: str = ""
    state_version: str = ""


class PlannedSource(Struct, frozen=True):
    """Where a route's events come from: a connector's source, or a subscription to an event type.

    event    `sale.completed@2` for a subscription, else empty
    config   the Source's validated Config; `format_config` the Format's
    found_by types that `validate` steps see the records through: by their search keys a record is found in the journal
    """

    event: str = ""
    use: str = ""
    connection: str = ""
    config: Any = None
    format: str = ""
    format_config: Any = None
    accepts: EventType | None = None
    found_by: tuple[EventType, ...] = ()
    deadline: float = 0.0


class PlannedSink(Struct, frozen=True):
    """One sink of a route. Exactly one of `call`, `event`, `table` is set.

    effect        stable name; sinks that exclude each other share it
    named_effect  it was written in the file: an event sink goes through lane `bus` and the ledger
    tapped        a `wire_tap` feeds it: it gets the copies (`Outcome.taps`), never the route's result
    disabled      an overlay disabled it: it is never selected
    lane          where its deliveries wait
    """

    id: str
    effect: str
    lane: str
    when: Expr | None = None
    mapper: DocumentMapper | None = None
    call: BoundCall | None = None
    action: Action | None = None
    event: EventType | None = None
    table: str = ""
    table_key: KeyExpr | None = None
    guarantee: Guarantee = "at_least_once"
    named_effect: bool = False
    tapped: bool = False
    disabled: bool = False
    retry: Retry = Retry()
    rate: RateValue | None = None
    timeout: float = TIMEOUT
    ordered: Ordered | None = None
    version: Expr | None = None

    @property
    def by_router(self) -> bool:
        """Published by the router itself, without a lane."""
        return self.event is not None and not self.named_effect

    @property
    def does(self) -> str:
        """What becomes of a delivery here; one made for something else cannot be given to this sink."""
        if self.call is not None:
            return f"{self.call.use}/{self.call.action}"
        return f"event/{self.event.name}" if self.event is not None else f"table/{self.table}"


class Plan(Struct, frozen=True):
    """One route with everything it needs to run.

    effective  the route's document as it was compiled, after overlays: what a diff is told from
    uses       digests of all else it was compiled from, by kind and name: `mapping to-erp`, `step validate`
    mappers    the mappings it uses, by name, as they are filled where it runs
    issuing    where steps make fiscal records
    """

    route: str
    version: str
    digest: str
    owner: str
    criticality: str
    route_once: bool
    source: PlannedSource
    segments: tuple[Segment, ...]
    sinks: tuple[PlannedSink, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    keep: float = 400 * 86400.0
    retry: Retry = Retry()
    horizon: float = 2 * 86400.0
    tables: frozenset[str] = frozenset()
    connections: frozenset[str] = frozenset()
    summary: str = ""
    class_: str = ""
    slo: Mapping[str, float] = field(default_factory=dict)
    expect_traffic: Mapping[str, float] = field(default_factory=dict)
    lifecycle: Mapping[str, Any] = field(default_factory=dict)
    reply: BoundCall | None = None
    tested: bool = False  # its tests run before a change of it is taken
    probation: ProbationRule = ProbationRule()
    accepted: Mapping[str, str] = field(default_factory=dict)  # risk of the change that brought it -> why it is meant
    mark: Mark = field(default_factory=lambda: Mark(""))
    effective: Mapping[str, Any] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    issuing: tuple[Mark, ...] = ()
    mappers: Mapping[str, DocumentMapper] = field(default_factory=dict)

    @property
    def has_inbox(self) -> bool:
        """Outcomes are written down before they are published."""
        return self.criticality == "financial" or self.route_once

    def sink(self, id: str) -> PlannedSink | None:
        return next((sink for sink in self.sinks if sink.id == id), None)

    def receiver(self, id: str, effect: str, does: str) -> PlannedSink | None:
        """The sink of a delivery: by its name, or, once renamed, the one that has its effect and does the same."""
        heirs = (sink for sink in self.sinks if sink.effect == effect and sink.does == does)
        return self.sink(id) or next(heirs, None)

    def segment(self, id: str) -> Segment | None:
        return next((segment for segment in self.segments if segment.id == id), None)


class PlannedConnection(Struct, frozen=True):
    """A configured connector instance. Limits: requests per time, at once, when to stop asking. Times in seconds."""

    name: str
    connector: str
    config: Any
    digest: str
    zone: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)  # name -> version of those in its configuration
    rate: RateValue | None = None
    concurrency: int = 8
    timeout: float = TIMEOUT
    breaker_failures: int = 5
    breaker_within: float = 120.0
    probe_every: float = 10.0


class PlannedTable(Struct, frozen=True):
    """A reference table: read from a CSV file, or kept by a `table:` sink (`file` empty)."""

    name: str
    file: str
    key: tuple[str, ...]
    validator: Validator | None = None
    since: str = ""
    until: str = ""
    version: str = ""


class RouteSet(Struct, frozen=True, dict=True):
    """All Plans together. `digest` names the revision; `files` are the bytes it was built from.

    mappings   every mapping by name, for tests of a mapping alone
    regional   routes that run differently here and there, in a project with packs; `plans` are those of the base
    """

    digest: str
    plans: Mapping[str, Plan]
    connections: Mapping[str, PlannedConnection] = field(default_factory=dict)
    tables: Mapping[str, PlannedTable] = field(default_factory=dict)
    types: Mapping[str, EventType] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    mappings: Mapping[str, DocumentMapper] = field(default_factory=dict)
    regional: Mapping[str, Regional] = field(default_factory=dict)

    @cached_property
    def every_plan(self) -> tuple[Plan, ...]:
        """Those of the base and of all regions, each once; a route's base comes first."""
        found = {plan.digest: plan for plan in self.plans.values()}
        for regional in self.regional.values():
            for _, span in regional.spans():
                found.setdefault(span.plan.digest, span.plan)
        return tuple(found.values())

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Digests of all Plans: under the route's name that of the base, under `route overlay ..` those of regions."""
        found = {route: plan.digest for route, plan in self.plans.items()}
        for route, regional in self.regional.items():
            for _, span in regional.spans():
                if span.plan.digest != found.get(route):
                    found[" ".join((route, *span.overlays))] = span.plan.digest
        return found

    @cached_property
    def by_route(self) -> Mapping[str, frozenset[tuple[str, str]]]:
        """The same by route: (name, digest) of its Plans here and there. Equal for routes that run as before."""
        found: dict[str, set[tuple[str, str]]] = {}
        for name, digest in self.digests.items():
            found.setdefault(name.partition(" ")[0], set()).add((name, digest))
        return {route: frozenset(plans) for route, plans in found.items()}

    def subscribers(self, type_name: str) -> list[Plan]:
        """Plans that subscribe to an event type, whatever version."""
        return [p for p in self.plans.values() if p.source.event.partition("@")[0] == type_name and p.source.event]
