"""What an engine tells Prometheus, in its text format. The table says what there is; `tillflow explain metrics` prints it.

Labels are names from the project's files and outcomes, so there are as many series as there are routes, sinks and
connections; ids, keys and texts of events are never among them.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from engine import __version__
from engine.core.errors import SettingsError, StoreDown, TransportBlocked
from engine.ports.store.work import WorkCount
from engine.ports.transport import Address, Depth
from engine.runtime.counts import BUCKETS

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
        Metric("tillflow_source_refused_total", "counter", "Those that became work items at the door.", ("route",)),
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
        Metric("process_cpu_seconds_total", "counter", "CPU seconds this process used."),
        Metric("process_resident_memory_bytes", "gauge", "Memory of this process."),
    )
}


class Metrics:
    """Renders an engine's figures when it is asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._depths: Mapping[Address, Depth] = {}
        self._asked = float("-inf")

    async def text(self) -> str:
        """Everything. What cannot be asked for now (store or broker away) is left out."""
        found: dict[str, Samples] = {**self._own(), **await self._work_items(), **await self._queues()}
        return "".join(_rendered(METRICS[name], samples) for name, samples in found.items()) + self._requests()

    def _own(self) -> dict[str, Samples]:
        engine = self._engine
        problems = engine.problems()
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "tillflow_info": [((__version__,), 1)],
            "tillflow_ready": [((), int(engine.running and not problems))],
            "tillflow_problems": [((), len(problems))],
            "tillflow_events_total": engine.counts.events.items(),
            "tillflow_source_taken_total": [((route,), one.taken) for route, one in engine.sources.items()],
            "tillflow_source_refused_total": [((route,), one.refused) for route, one in engine.sources.items()],
            "tillflow_breaker_open": [((g.planned.name,), int(g.breaker.open)) for g in engine.pool.gates()],
            "tillflow_journal_dropped_total": [((), engine.journal.dropped)],
            "process_cpu_seconds_total": [((), used.ru_utime + used.ru_stime)],
            "process_resident_memory_bytes": [((), _resident())],
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

    def _requests(self) -> str:
        metric = METRICS["tillflow_request_seconds"]
        lines = _head(metric)
        for labels, histogram in sorted(self._engine.counts.requests.items()):
            bounds = [*map(str, BUCKETS), "+Inf"]
            for bound, count in zip(bounds, accumulate(histogram.counts), strict=True):
                lines += f"{metric.name}_bucket{_labels((*metric.labels, 'le'), (*labels, bound))} {count}\n"
            lines += f"{metric.name}_sum{_labels(metric.labels, labels)} {histogram.total:g}\n"
            lines += f"{metric.name}_count{_labels(metric.labels, labels)} {sum(histogram.counts)}\n"
        return lines


def page() -> str:
    """Every metric, as `tillflow explain metrics` shows it."""
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels) or '-'} | {one.help} |"
        for one in METRICS.values()
    ]
    head = (
        "# Metrics\n\n`tillflow run --http 127.0.0.1:9464` serves them at `/metrics` in the text format of Prometheus, "
        "beside `/health/live` and `/health/ready`. Of several workers the second one listens on the next port, and so "
        "on. Labels are names from the project's files and outcomes, never ids or keys.\n\n"
        "| metric | kind | labels | what it says |\n|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def _rendered(metric: Metric, samples: Samples) -> str:
    lines = [f"{metric.name}{_labels(metric.labels, values)} {value:.15g}\n" for values, value in sorted(samples)]
    return _head(metric) + "".join(lines) if lines else ""


def _head(metric: Metric) -> str:
    return f"# HELP {metric.name} {_escaped(metric.help)}\n# TYPE {metric.name} {metric.kind}\n"


def _labels(names: Labels, values: Labels) -> str:
    told = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in zip(names, values, strict=True))
    return f"{{{told}}}" if told else ""


def _escaped(text: str, *, quotes: bool = False) -> str:
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quotes else plain


def _resident() -> int:
    """Bytes; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0
