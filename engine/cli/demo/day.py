"""Running the day: a fresh state, an engine in this process, files dropped, and waiting until everything is settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.app import engine_cell, make_engine
from engine.cli.demo.ground import lay_down
from engine.cli.demo.stand_in import StandIn, serving
from engine.cli.demo.story import Story, drop, tell
from engine.core.errors import ConfigError, TillflowError
from engine.core.findings import has_errors
from engine.loading import load
from engine.runtime.engine import Engine
from engine.settings import Settings

PATIENCE = 50.0  # seconds until the demo gives up waiting
POLL = 0.25
QUIET = 4  # looks in a row without anything moving

Tick = Callable[[int, int], None]  # settled, received


@dataclass
class Day:
    """What there is to tell afterwards."""

    story: Story
    figures: list[dict[str, Any]]
    work: list[dict[str, Any]]
    stand_in: StandIn
    seconds: float
    folder: Path
    sources: dict[str, dict[str, int]] = field(default_factory=dict)


async def run_day(settings: Settings, folder: Path, tick: Tick) -> Day:
    """The whole day in `folder`. Raises TillflowError when it does not come to an end."""
    story, stand_in = tell(), StandIn()
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    async with serving(stand_in) as url:
        own = Settings(project=lay_down(settings.project, folder, url), state=folder / "state")
        loaded = load(own, {})
        if has_errors(loaded.findings):
            raise ConfigError(loaded.findings, loaded.sources)
        async with engine_cell(own, {}, log=_quiet) as cell:
            engine = make_engine(cell, loaded, own, {})
            await engine.start()
            try:
                drop(story, folder / "pos" / "inbox")
                await _settled(engine, folder / "pos" / "inbox", tick)
                figures = (await engine.control.figures())["figures"]
                work = (await engine.control.work_list(limit=1000))["items"]
                sources = (await engine.status()).sources
            finally:
                await engine.stop()
    return Day(story, figures, work, stand_in, time.monotonic() - began, folder, sources)


def _quiet(text: str, facts: Any) -> None:
    """The demo's table tells the story; the engine's log would only disturb it."""


async def _settled(engine: Engine, inbox: Path, tick: Tick) -> None:
    """Wait until the inbox is empty and nothing is ready, delayed or in hand any more."""
    until, quiet = time.monotonic() + PATIENCE, 0
    while quiet < QUIET:
        if time.monotonic() > until:
            raise TillflowError(
                f"the day did not come to an end within {PATIENCE:g} s; what is left: {await _left(engine)}"
            )
        await asyncio.sleep(POLL)
        answer = await engine.control.figures()
        routes = [one for one in answer["figures"] if not one["sink"]]
        received = sum(one["received"] for one in routes)
        moving = sum(one["in_flight"] for one in routes)
        tick(received - moving, received)
        busy = moving or any(inbox.glob("[!.]*")) or await _left(engine)
        quiet = 0 if busy else quiet + 1


async def _left(engine: Engine) -> dict[str, int]:
    depths = await engine.cell.transport.depths()
    counts = {f"{a.kind}/{a.name}": d.ready + d.delayed + d.unacked for a, d in depths.items()}
    return {name: count for name, count in counts.items() if count}
