"""The sales route as benches run it: its project, its sinks, its events, and one measured run on a given cell."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from engine.app import Loaded, load, make_engine
from engine.cli.demo.ground import _TABLES
from engine.core.event import Event
from engine.core.jsonx import decode
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.runtime.carrying.codec import Routed
from engine.runtime.cell import Cell
from engine.runtime.engine import Engine
from engine.runtime.ingress.identity import identified
from engine.sdk import Action, Connection, Connector, ConnectorContext, Options, Sink, SinkItem, SinkResult, sink
from engine.settings import Settings

ROUTE = "sales-posting"
TYPE = "sale.completed@2"
Build = Callable[[Path, Path], None]


class Anything(Options):
    """Any request."""

    document: Any = None


@sink("bench.sink")
class BenchSink(Sink):
    """Takes everything at once: what is measured is the engine. `at`: when each document came (seconds since 1970), by its reference."""

    actions: ClassVar = {"post": Action(Anything, "idempotency_key", body="document", batch=100)}
    at: ClassVar[dict[str, float]] = {}

    def __init__(self, connection: Any) -> None:
        pass

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        ctx.sent()
        now = time.time()
        for item in batch:
            self.at[item.request["document"]["reference"]] = now
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


def registry() -> Registry:
    """Everything that is installed, and the sink of the benches."""
    known = discover()
    built_in = [spec for spec in known.steps.values() if known.version("step", spec.name) == "engine"]
    return Registry([*known.connectors.values(), BENCH], [spec.target for spec in built_in])


def loaded(settings: Settings, root: Path, build: Build) -> Loaded:
    """Lay the project down in `settings.project` and load it."""
    build(root, settings.project)
    return load(settings, environ(settings.project), registry())


def environ(folder: Path) -> dict[str, str]:
    """What the project's connections read from the environment."""
    return {"FINANCE_DB": f"sqlite:///{folder / 'finance.db'}"}


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


def free_sink(root: Path, folder: Path) -> None:
    """The sales route into a sink that costs nothing."""
    _project(root, folder)
    route = folder / "routes" / "sales-posting.yaml"
    text = route.read_text("utf-8")
    start, end = text.index("    use: core.sql\n"), text.index("    map: sale-to-journal\n")
    route.write_text(
        text[:start] + "    use: bench.sink\n    connection: bench\n    action: post\n" + text[end:], "utf-8"
    )
    with (folder / "routes" / "connections.yaml").open("a", encoding="utf-8") as file:
        file.write("  bench: {connector: bench.sink}\n")


def sql_sink(root: Path, folder: Path) -> None:
    """The sales route into a SQL database."""
    _project(root, folder)
    with closing(sqlite3.connect(folder / "finance.db")) as database:
        database.executescript(_TABLES)


def events(root: Path, type_: Any, clock: Any, count: int) -> list[Event]:
    """Sales with receipt numbers from 0, as they come out of ingress."""
    data = decode((root / "routes" / "cases" / "sale.json").read_bytes())
    first = Event("", TYPE, "bench", data, clock.now(), "2026-03-14", origin="0" * 32, trace="0" * 32)
    made = (identified(first.with_data({**data, "receipt_no": str(number)}), type_, clock) for number in range(count))
    return [replace(one.event, trace=one.event.id) for one in made]


async def through(root: Path, cell: Cell, loaded: Loaded, settings: Settings, count: int) -> tuple[float, float]:
    """Take `count` sales from publish to applied: (events per second, CPU seconds per 1,000)."""
    engine = make_engine(cell, loaded, settings, environ(settings.project))
    await engine.start()
    ready = events(root, loaded.routeset.types[TYPE], cell.clock, count)
    before, began = cpu(), time.perf_counter()
    for start in range(0, count, 200):
        await cell.transport.publish([Routed(event).published() for event in ready[start : start + 200]])
    await drained(engine)
    taken, used = time.perf_counter() - began, cpu() - before
    await all_applied(engine, count)
    await engine.stop()
    return count / taken, used / count * 1000


async def drained(engine: Engine) -> None:
    """Until every queue is empty."""
    while True:
        await asyncio.sleep(0.02)
        depths = await engine.cell.transport.depths()
        if not any(depth.ready or depth.delayed or depth.unacked for depth in depths.values()):
            return


async def all_applied(engine: Engine, count: int) -> None:
    """Raises AssertionError when the figures do not say that all were applied."""
    figures = (await engine.control.figures(ROUTE))["figures"]
    (whole,) = [one for one in figures if not one["sink"]]
    assert whole["applied"] == count and whole["balanced"], whole


def cpu() -> float:
    """CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
