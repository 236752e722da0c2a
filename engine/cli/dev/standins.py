"""What stands where the process would be left: sources that bring what is dropped into a folder, sinks that keep what
they are sent, calls that answer as the project's tests have them answered. No connection is opened.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from engine.core.errors import Failure, Permanent
from engine.core.jsonx import encode
from engine.plugins.contracts import (
    Action,
    Arrival,
    Call,
    ConnectorContext,
    Sink,
    SinkItem,
    SinkResult,
    Source,
    SourceContext,
)
from engine.plugins.registry import Registry
from engine.plugins.spec import ComponentSpec
from engine.testing.runner.replaced import ReplacedRegistry

LOOK = 0.2  # seconds between looks into a folder
AGAIN_AFTER = 5.0  # seconds until something that was given back is offered again
NO_ANSWER = "no-stand-in"

Captured = Callable[[SinkItem], None]
Answer = Callable[[str, SinkItem], Any]  # name of the call -> its reply; raises Failure
Told = Callable[[str, str], None]  # route, text
Synchronous = Callable[[str], bool]  # whether a route answers who brings something


def standing_in(
    real: Registry, drops: Path, captured: Captured, answer: Answer, told: Told, synchronous: Synchronous
) -> Registry:
    """The installed plugins with nothing of the outside in them."""
    sinks = {name: _sink(spec, captured) for name, spec in real.sinks.items()}
    calls = {name: _call(spec, answer) for name, spec in real.calls.items()}
    sources = {name: _source(spec, drops, told, synchronous) for name, spec in real.sources.items()}
    connectors = {name: replace(one, connection=None) for name, one in real.connectors.items()}
    return ReplacedRegistry(real, {"sink": sinks, "call": calls, "source": sources}, connectors)


def _sink(spec: ComponentSpec, captured: Captured) -> ComponentSpec:
    class CapturingSink(Sink):
        actions: ClassVar[Mapping[str, Action]] = spec.target.actions

        def __init__(self, connection: Any) -> None:
            return None

        async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
            ctx.sent()
            for item in batch:
                captured(item)
            return [SinkResult.applied()] * len(batch)

        async def verify(self, item: SinkItem, ctx: ConnectorContext) -> bool:
            return False

    return replace(spec, target=CapturingSink)


def _call(spec: ComponentSpec, answer: Answer) -> ComponentSpec:
    class AnsweringCall(Call):
        actions: ClassVar[Mapping[str, Action]] = spec.target.actions

        def __init__(self, connection: Any) -> None:
            return None

        async def call(self, item: SinkItem, ctx: ConnectorContext) -> Any:
            ctx.sent()
            return answer(spec.name, item)

    return replace(spec, target=AnsweringCall)


def _source(spec: ComponentSpec, drops: Path, told: Told, synchronous: Synchronous) -> ComponentSpec:
    class DroppedSource(Source):
        Config = spec.target.Config
        own_ids = getattr(spec.target, "own_ids", False)
        answers = getattr(spec.target, "answers", False)

        def __init__(self, config: Any, connection: Any, route: str) -> None:
            self._folder = drops / route
            self._route = route
            self._closed = False
            self._not_before: dict[Path, float] = {}

        async def close(self) -> None:
            self._closed = True

        async def arrivals(self, ctx: SourceContext) -> AsyncIterator[Arrival]:
            while not self._closed:
                for path in dropped(self._folder):
                    if self._not_before.get(path, 0.0) <= ctx.clock.monotonic():
                        self._not_before[path] = math.inf  # in hand
                        yield self._arrival(path, ctx)
                await asyncio.sleep(LOOK)

        def _arrival(self, path: Path, ctx: SourceContext) -> Arrival:
            async def ack(refused: int) -> None:
                path.unlink(missing_ok=True)
                self._not_before.pop(path, None)

            async def release(failure: Failure) -> None:
                told(self._route, f"{path.name} could not be taken in now, it is tried again: {failure}")
                self._not_before[path] = ctx.clock.monotonic() + AGAIN_AFTER

            async def reply(value: Any) -> None:
                told(self._route, f"{path.name} is answered: {encode(value).decode()}")

            return Arrival(
                name=path.name,
                ack=ack,
                release=release,
                content=path.read_bytes(),
                reply=reply if synchronous(self._route) else None,
            )

    return replace(spec, target=DroppedSource)


def dropped(folder: Path) -> list[Path]:
    """Complete files of a folder, in order of name; a name that begins with a dot is being written."""
    folder.mkdir(parents=True, exist_ok=True)
    return [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]


def unanswered(route: str, step: str, use: str) -> Permanent:
    """Nobody says what is to be answered."""
    text = f"step `{step}` calls {use}, and no test of {route} says what it answers: add `stub: {{{step}: {{returns: ..}}}}`"
    return Permanent(NO_ANSWER, text)
