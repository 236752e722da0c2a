"""End to end on the embedded runtime, durable with synchronous=FULL: events per second from publish to applied."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from engine.app import Loaded, engine_cell, load, make_engine
from engine.cli.demo.day import _TABLES
from engine.core.event import Event
from engine.core.jsonx import decode
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.runtime.codec import Routed
from engine.runtime.identity import identified
from engine.runtime.memory import quiet_collector
from engine.sdk import Action, Connection, Connector, ConnectorContext, Options, Sink, SinkItem, SinkResult, sink
from engine.settings import Settings

EVENTS = 10_000
ROUNDS = 3
GOAL = 2000


class Anything(Options):
    """Any request."""

    document: Any = None


@sink("bench.sink")
class BenchSink(Sink):
    """Takes everything at once: what is measured is the engine."""

    actions: ClassVar = {"post": Action(Anything, "idempotency_key", body="document", batch=100)}
    taken: ClassVar[list[str]] = []

    def __init__(self, connection: Any) -> None:
        pass

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        ctx.sent()
        self.taken.extend(item.key for item in batch)
        return [SinkResult.applied()] * len(batch)


class Nothing(Connection):
    """A connection that opens nothing."""

    class Config(Options):
        pass

    def __init__(self, config: Any) -> None:
        pass

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass


BENCH = Connector("bench.sink", components=(BenchSink,), connection=Nothing, summary="For measuring")


def run(root: Path) -> None:
    """Two flows: the route alone with a sink that costs nothing, and into a SQL database with an inbox row each."""
    for name, build in (
        ("sales route, sink that costs nothing", _nothing_sink),
        ("sales route into core.sql", _sql_sink),
    ):
        rates, cpu = [], []
        for _ in range(ROUNDS):
            rate, seconds = asyncio.run(_round(root, build))
            rates.append(rate)
            cpu.append(seconds)
        told = ", ".join(f"{rate:,.0f}" for rate in rates)
        print(
            f"{name:<40} {median(rates):>8,.0f} events/s (goal {GOAL:,}), of {told}; {median(cpu):.2f} CPU s per 1,000"
        )


def _project(root: Path, folder: Path) -> None:
    shutil.copytree(root / "mappings", folder / "mappings")
    (folder / "routes").mkdir()
    for name in ("connections.yaml", "tables.yaml"):
        shutil.copy(root / "routes" / name, folder / "routes" / name)
    text = (root / "routes" / "sales-posting.yaml").read_text("utf-8")
    start = text.index("  - id: stock\n")
    (folder / "routes" / "sales-posting.yaml").write_text(
        text[:start].replace("    rate: ${param.erp_rate}\n", ""), "utf-8"
    )


def _nothing_sink(root: Path, folder: Path) -> None:
    _project(root, folder)
    route = folder / "routes" / "sales-posting.yaml"
    text = route.read_text("utf-8")
    start, end = text.index("    use: core.sql\n"), text.index("    map: sale-to-journal\n")
    route.write_text(
        text[:start] + "    use: bench.sink\n    connection: bench\n    action: post\n" + text[end:], "utf-8"
    )
    with (folder / "routes" / "connections.yaml").open("a", encoding="utf-8") as file:
        file.write("  bench: {connector: bench.sink}\n")


def _sql_sink(root: Path, folder: Path) -> None:
    _project(root, folder)
    with closing(sqlite3.connect(folder / "finance.db")) as database:
        database.executescript(_TABLES)


async def _round(root: Path, build: Any) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build(root, folder)
        settings = Settings(project=folder, state=folder / "state")
        environ = {"FINANCE_DB": f"sqlite:///{folder / 'finance.db'}"}
        known = discover()
        registry = Registry([*known.connectors.values(), BENCH], [spec.target for spec in _built_in(known)])
        loaded = load(settings, environ, registry)
        with quiet_collector():  # as `tillflow run` does
            return await _measured(root, settings, environ, loaded)


async def _measured(root: Path, settings: Settings, environ: dict[str, str], loaded: Loaded) -> tuple[float, float]:
    async with engine_cell(settings, environ, log=lambda text, facts: None) as cell:
        engine = make_engine(cell, loaded, settings, environ)
        await engine.start()
        events = _events(root, loaded.routeset.types["sale.completed@2"], cell.clock)
        before, began = _cpu(), time.perf_counter()
        for start in range(0, EVENTS, 200):
            await cell.transport.publish([Routed(event).published() for event in events[start : start + 200]])
        await _all_applied(engine)
        taken, used = time.perf_counter() - began, _cpu() - before
        await engine.stop()
    return EVENTS / taken, used / EVENTS * 1000


def _built_in(registry: Registry) -> list[Any]:
    return [spec for spec in registry.steps.values() if registry.version("step", spec.name) == "engine"]


def _events(root: Path, type_: Any, clock: Any) -> list[Event]:
    data = decode((root / "routes" / "cases" / "sale.json").read_bytes())
    first = Event("", "sale.completed@2", "bench", data, clock.now(), "2026-03-14", origin="0" * 32, trace="0" * 32)
    made = []
    for number in range(EVENTS):
        own = {**data, "receipt_no": str(number)}
        event = identified(first.with_data(own), type_, clock).event
        made.append(replace(event, trace=event.id))
    return made


async def _all_applied(engine: Any) -> None:
    while True:
        await asyncio.sleep(0.02)
        depths = await engine.cell.transport.depths()
        if not any(depth.ready or depth.delayed or depth.unacked for depth in depths.values()):
            break
    figures = (await engine.control.figures("sales-posting"))["figures"]
    (whole,) = [one for one in figures if not one["sink"]]
    assert whole["applied"] == EVENTS and whole["balanced"], whole


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
