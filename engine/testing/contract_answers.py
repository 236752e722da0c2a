"""What a plugin under test answers, looked at before it is used: a wrong kind of answer is told in plain words."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from engine.plugins.contracts import Arrival, ConnectorContext, Sink, SinkItem, SinkResult, Source, SourceContext

STILL = 3.0  # seconds without a sign of life after which a loop counts as blocked
_BEAT = 0.05


async def answered(sink: Sink, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
    """The results of `deliver`: one SinkResult per item. Raises AssertionError for another answer or a blocked loop."""
    with not_blocking("deliver"):
        results = await sink.deliver(batch, ctx)
    assert isinstance(results, list | tuple), f"deliver answered {type(results).__name__}, not a list of SinkResults"
    assert len(results) == len(batch), f"deliver answered {len(results)} results for {len(batch)} items"
    for result in results:
        assert isinstance(result, SinkResult), f"deliver answered {type(result).__name__} for an item, not a SinkResult"
    return list(results)


async def verified(sink: Sink, item: SinkItem, ctx: ConnectorContext) -> bool:
    """The answer of `verify`. Raises AssertionError when it is not a yes or no: None would be taken for a no."""
    there = await sink.verify(item, ctx)
    assert isinstance(there, bool), f"verify answered {type(there).__name__}, not a bool; is a `return` missing?"
    return there


async def arriving(source: Source, ctx: SourceContext) -> AsyncIterator[Arrival]:
    """What a source gives. Raises AssertionError where `arrivals` is no async generator or gives something else."""
    given = source.arrivals(ctx)
    if not isinstance(given, AsyncIterator):
        if asyncio.iscoroutine(given):
            given.close()
        raise AssertionError("arrivals is no async generator: write `async def` with `yield` in it")
    async for arrival in given:
        assert isinstance(arrival, Arrival), f"arrivals gave {type(arrival).__name__}, not an Arrival"
        yield arrival


@contextmanager
def not_blocking(what: str) -> Iterator[None]:
    """Raises AssertionError when the running loop stands still for STILL seconds inside; says where it stood."""
    loop, thread = asyncio.get_running_loop(), threading.get_ident()
    over, stood = threading.Event(), list[str]()

    def watch() -> None:
        while not over.wait(_BEAT):
            alive = threading.Event()
            loop.call_soon_threadsafe(alive.set)
            if not alive.wait(STILL) and not over.is_set():
                frame = sys._current_frames().get(thread)
                stood.extend(traceback.format_stack(frame)[-3:] if frame else [])
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    if stood:
        advice = "everything else waits meanwhile; use an async client, or asyncio.to_thread around the call"
        raise AssertionError(f"{what} blocks the loop: {advice}. It stood at:\n{''.join(stood)}")
