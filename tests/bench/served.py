"""The sales route over RabbitMQ: with inbox and ledger in PostgreSQL beside the same without, and its latency.

"Without" is the same engine and route over a store of dicts that forgets all at the end.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from uuid import uuid4

import pytest

from engine.app import engine_cell, make_engine
from engine.backends.rabbitmq import RabbitTransport
from engine.cells import names_of
from engine.core.clock import SystemClock
from engine.core.event import Event
from engine.core.garbage import quiet_collector
from engine.runtime.carrying.codec import Routed
from engine.runtime.cell import Cell
from engine.settings import Settings
from tests.bench import flow
from tests.contracts.memory_store import MemoryStore
from tests.postgres_server import run as run_statement
from tests.postgres_server import server
from tests.rabbitmq_broker import broker

EVENTS = 6_000
ROUNDS = 3
RATIO = 0.8
RATE = 200  # events a second while latency is measured
SENT = 1_600
SKIPPED = SENT // 8  # a warm-up
TIMES = 2.0


def run(root: Path) -> None:
    """Print events per second with and without the ledger, and latency beside the hand-written relay's."""
    try:
        url, dsn = broker().url, server()
    except pytest.skip.Exception as why:
        print(f"sales route over RabbitMQ and PostgreSQL: not measured, {why}")
        return
    kept, bare = [], []
    for _ in range(ROUNDS):
        kept.append(asyncio.run(_round(root, url, dsn, ledger=True)))
        bare.append(asyncio.run(_round(root, url, dsn, ledger=False)))
    for name, rounds in (("sales route, ledger in PostgreSQL", kept), ("the same without the ledger", bare)):
        told = ", ".join(f"{rate:,.0f}" for rate, _ in rounds)
        used = median(seconds for _, seconds in rounds)
        print(f"{name:<40} {_rate(rounds):>8,.0f} events/s, of {told}; {used:.2f} CPU s per 1,000")
    print(f"{'with : without':<40} {_rate(kept) / _rate(bare):>8.2f} (goal {RATIO})")
    _latency(root, url, dsn)


def _rate(rounds: list[tuple[float, float]]) -> float:
    return median(rate for rate, _ in rounds)


@asynccontextmanager
async def _cell(settings: Settings, *, ledger: bool) -> AsyncIterator[Cell]:
    chosen = settings if ledger else replace(settings, store="sqlite")
    async with engine_cell(chosen, log=lambda text, facts: None) as cell:
        if ledger:
            yield cell
            await run_statement(settings.store, f"DROP SCHEMA IF EXISTS {settings.schema} CASCADE")
            return
        store = MemoryStore()
        await store.open()
        yield replace(cell, store=store)


def _settings(folder: Path, url: str, dsn: str) -> Settings:
    return Settings(folder, folder / "state", transport=url, store=dsn, cell=f"b{uuid4().hex[:10]}")


async def _round(root: Path, url: str, dsn: str, *, ledger: bool) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as temporary:
        settings = _settings(Path(temporary), url, dsn)
        loaded = flow.loaded(settings, root, flow.free_sink)
        with quiet_collector():
            async with _cell(settings, ledger=ledger) as cell:
                return await flow.through(root, cell, loaded, settings, EVENTS)


# --- latency ---------------------------------------------------------------------------------------------------------


def _latency(root: Path, url: str, dsn: str) -> None:
    scripts = Path(os.environ.get("TILLFLOW_SHARED", root.parent / "shared")) / "bench"
    peer = scripts.is_dir()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(asyncio.run(_latencies(root, url, dsn)))
        theirs += [_peer(scripts)] if peer else []
    print(f"latency of the sales route at {RATE}/s: {_told(ours)}")
    if not peer:
        print(f"the hand-written relay is not at {scripts}: not compared")
        return
    print(f"latency of the hand-written relay at {RATE}/s: {_told(theirs)}")
    ratio = _p99(ours) / _p99(theirs)
    print(f"{'p99, ours : hand-written':<40} {ratio:>8.2f} (goal at most {TIMES})")


def _p99(rounds: list[dict[str, float]]) -> float:
    return median(one["p99"] for one in rounds)


def _told(rounds: list[dict[str, float]]) -> str:
    """The median round, and the p99 of each: a machine that does something else shows there."""
    middle = ", ".join(f"{name} {median(one[name] for one in rounds):.1f} ms" for name in ("p50", "p95", "p99"))
    each = ", ".join(f"{one['p99']:.1f}" for one in rounds)
    return f"{middle}; p99 of each round {each}"


async def _latencies(root: Path, url: str, dsn: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as temporary:
        settings = _settings(Path(temporary), url, dsn)
        loaded = flow.loaded(settings, root, flow.free_sink)
        with quiet_collector():
            async with _cell(settings, ledger=True) as cell:
                engine = make_engine(cell, loaded, settings, flow.environ(settings.project))
                await engine.start()
                ready = flow.events(root, loaded.routeset.types[flow.TYPE], cell.clock, SENT)
                flow.BenchSink.at.clear()
                sent = await _steadily(settings, ready)
                await flow.drained(engine)
                await flow.all_applied(engine, SENT)
                await engine.stop()
    took = [flow.BenchSink.at[reference] - at for reference, at in list(sent.items())[SKIPPED:]]
    return _quantiles(took)


async def _steadily(settings: Settings, ready: list[Event]) -> dict[str, float]:
    """When each was published, by the reference of its posting. From another process, as the hand-written relay's are."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(other, _sender, settings, ready)


def _sender(settings: Settings, ready: list[Event]) -> dict[str, float]:
    return asyncio.run(_send(settings, ready))


async def _send(settings: Settings, ready: list[Event]) -> dict[str, float]:
    transport = RabbitTransport(settings.transport, SystemClock(), names=names_of(settings))
    await transport.open()
    messages = [(_reference(event), Routed(event).published()) for event in ready]
    began, sent, going = time.perf_counter(), {}, set()
    for number, (reference, message) in enumerate(messages):
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        sent[reference] = time.time()
        task = asyncio.create_task(transport.publish([message]))
        going.add(task)
        task.add_done_callback(going.discard)
    await asyncio.gather(*going)
    await transport.close()
    return sent


def _reference(event: Event) -> str:
    data = event.data
    return "-".join((data["store"]["id"], data["till"]["id"], data["receipt_no"]))


def _quantiles(seconds: list[float]) -> dict[str, float]:
    """In milliseconds."""
    ordered = sorted(seconds)
    return {
        name: ordered[int(len(ordered) * part)] * 1000 for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }


def _peer(scripts: Path) -> dict[str, float]:
    environ = {**os.environ, "N": str(SENT), "RATE": str(RATE), "KIND": "quorum", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "latency.py", sys.executable, "relay_raw_aiopika.py"]
    done = subprocess.run(command, cwd=scripts, env=environ, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
