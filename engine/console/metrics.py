"""What an engine tells Prometheus. The table says what there is; `tillflow explain metrics` prints it.

Labels are names from the project's files and outcomes, so there are as many series as there are routes, sinks and
connections; ids, keys and texts of events are never among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from engine import __version__
from engine.core.errors import SettingsError, StoreDown, TransportBlocked
from engine.ports.store.work import WorkCount
from engine.ports.transport import Address, Depth
from engine.runtime.people.counts import BUCKETS

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
AGAIN_AFTER = 5.0  # seconds for which queues are not asked again: a broker is asked one queue after the other

Labels = tuple[str, ...]
Samples = Iterable[tuple[Labels, float]]


@dataclass(frozen=True)
class Metric:
    """One metric; `labels` in the order of its samples."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = ()


METRICS = {
    metric.name: metric
    for metric in (
        Metric("tillflow_info", "gauge", "Always 1; the label is the engine's version.", ("version",)),
        Metric("tillflow_ready", "gauge", "1 while everything that should run does, as /health/ready says it, else 0."),
        Metric("tillflow_problems", "gauge", "Parts that should run and do not; /health/ready names them."),
        Metric(
            "tillflow_events_total",
            "counter",
            "What became of events and deliveries in this process, once it was durable. The outcome is that of "
            "`tillflow trace`: received, routed, published, applied, filtered, retrying, held, work-item, duplicate ..",
            ("route", "sink", "outcome"),
        ),
        Metric("tillflow_source_taken_total", "counter", "Records and messages a source took in.", ("route",)),
        Metric(
            "tillflow_source_refused_total",
            "counter",
            "What a source did not take in. The reason is `work-item` for those that became one at the door, else why "
            "they left nothing behind: unauthorized, malformed, too-slow, too-large, compressed, busy ..",
            ("route", "reason"),
        ),
        Metric(
            "tillflow_request_seconds",
            "histogram",
            "How long requests to outside systems took. The outcome is ok, or the class of the failure: transient, "
            "throttled, permanent, unknown_outcome.",
            ("connection", "outcome"),
        ),
        Metric(
            "tillflow_breaker_open", "gauge", "1 while the connection fails so often that it rests.", ("connection",)
        ),
        Metric("tillflow_route_ready", "gauge", "Events that wait for the router now.", ("route",)),
        Metric("tillflow_route_delayed", "gauge", "Events that wait for a later try.", ("route",)),
        Metric("tillflow_route_unacked", "gauge", "Events a router has in hand.", ("route",)),
        Metric("tillflow_lane_ready", "gauge", "Deliveries that wait for their connection now.", ("lane",)),
        Metric("tillflow_lane_delayed", "gauge", "Deliveries that wait for a later try.", ("lane",)),
        Metric("tillflow_lane_unacked", "gauge", "Deliveries that are being made.", ("lane",)),
        Metric("tillflow_work_items_open", "gauge", "Work items that wait for a person.", ("route",)),
        Metric("tillflow_journal_dropped_total", "counter", "Lines of the journal that found no room."),
    )
}


class Metrics:
    """Renders an engine's figures when it is asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._depths: Mapping[Address, Depth] = {}
        self._asked = float("-inf")

    async def text(self) -> bytes:
        """Everything. What cannot be asked for now (store or broker away) is left out."""
        found: dict[str, Samples] = {**self._own(), **await self._work_items(), **await self._queues()}
        registry = CollectorRegistry()
        registry.register(_Collected([_family(METRICS[name], samples) for name, samples in found.items()]))
        registry.register(_Collected([self._requests()]))
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def _own(self) -> dict[str, Samples]:
        engine = self._engine
        problems = engine.problems()
        return {
            "tillflow_info": [((__version__,), 1)],
            "tillflow_ready": [((), int(engine.running and not problems))],
            "tillflow_problems": [((), len(problems))],
            "tillflow_events_total": engine.counts.events.items(),
            "tillflow_source_taken_total": [((route,), one.taken) for route, one in engine.sources.items()],
            "tillflow_source_refused_total": [
                ((route, reason), count)
                for route, one in engine.sources.items()
                for reason, count in (("work-item", one.refused), *one.turned_away.items())
            ],
            "tillflow_breaker_open": [((g.planned.name,), int(g.breaker.open)) for g in engine.pool.gates()],
            "tillflow_journal_dropped_total": [((), engine.journal.dropped)],
        }

    async def _work_items(self) -> dict[str, Samples]:
        try:
            counts = await self._engine.cell.store.apply(WorkCount())
        except StoreDown:
            return {}
        routes = dict.fromkeys(self._engine.routers, 0)
        for route, _, state, count in counts:
            if state == "open":
                routes[route] = routes.get(route, 0) + count
        return {"tillflow_work_items_open": [((route,), count) for route, count in routes.items()]}

    async def _queues(self) -> dict[str, Samples]:
        clock = self._engine.cell.clock
        if clock.monotonic() - self._asked >= AGAIN_AFTER:
            try:
                self._depths = await self._engine.cell.transport.depths()
            except (SettingsError, StoreDown, TransportBlocked):
                self._depths = {}
            self._asked = clock.monotonic()
        found: dict[str, Samples] = {}
        for kind in ("route", "lane"):
            queues = {address.name: depth for address, depth in self._depths.items() if address.kind == kind}
            for what in ("ready", "delayed", "unacked"):
                samples = [((name,), getattr(depth, what)) for name, depth in sorted(queues.items())]
                found[f"tillflow_{kind}_{what}"] = samples
        return found

    def _requests(self) -> Family:
        metric = METRICS["tillflow_request_seconds"]
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        bounds = [*map(str, BUCKETS), "+Inf"]
        for labels, histogram in sorted(self._engine.counts.requests.items()):
            buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
            family.add_metric(labels, buckets, sum_value=histogram.total)
        return family


class _Collected(Collector):
    """Families that were gathered before the registry asks for them: gathering waits, a registry does not."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


def _family(metric: Metric, samples: Samples) -> Family:
    made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = made(metric.name, metric.help, labels=metric.labels)
    for labels, value in sorted(samples):
        family.add_metric(labels, value)
    return family


def page() -> str:
    """Every metric, as `tillflow explain metrics` shows it."""
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels) or '-'} | {one.help} |"
        for one in METRICS.values()
    ]
    head = (
        "# Metrics\n\n`tillflow run --http 127.0.0.1:9464` serves them at `/metrics` in the text format of Prometheus, "
        "beside `/health/live` and `/health/ready`. Of several workers the second one listens on the next port, and so "
        "on. Labels are names from the project's files and outcomes, never ids or keys. The usual `process_*` of the "
        "Prometheus client come along.\n\n"
        "| metric | kind | labels | what it says |\n|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"
