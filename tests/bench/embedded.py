"""End to end on the embedded runtime, durable with synchronous=FULL: events per second from publish to applied."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from statistics import median

from engine.app import engine_cell
from engine.core.garbage import quiet_collector
from engine.settings import Settings
from tests.bench import flow

EVENTS = 10_000
ROUNDS = 3
GOAL = 2000


def run(root: Path) -> None:
    """Two flows: the route alone with a sink that costs nothing, and into a SQL database, with an inbox row each."""
    for name, build in (
        ("sales route, sink that costs nothing", flow.free_sink),
        ("sales route into core.sql", flow.sql_sink),
    ):
        rounds = [asyncio.run(_round(root, build)) for _ in range(ROUNDS)]
        rates = [rate for rate, _ in rounds]
        told = ", ".join(f"{rate:,.0f}" for rate in rates)
        used = median(seconds for _, seconds in rounds)
        print(f"{name:<40} {median(rates):>8,.0f} events/s (goal {GOAL:,}), of {told}; {used:.2f} CPU s per 1,000")


async def _round(root: Path, build: flow.Build) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(project=Path(temporary), state=Path(temporary) / "state")
        loaded = flow.loaded(settings, root, build)
        with quiet_collector():  # as `tillflow run` does
            async with engine_cell(settings, log=lambda text, facts: None) as cell:
                return await flow.through(root, cell, loaded, settings, EVENTS)
