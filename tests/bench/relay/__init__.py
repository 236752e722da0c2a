"""The relay: consume an 849-byte sale, map 14 fields, choose one of three queues, publish confirmed, ack after that.

Side by side in one interleaved run: the engine with a YAML route, hand-written aio-pika as its documentation shows it,
and FastStream. The peers are the scripts of the shared bench folder; where that or the broker is missing, nothing is
measured and the reason is printed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from uuid import uuid4

import pytest

from engine.backends.rabbitmq.names import Names
from engine.ports.transport import Address
from tests.bench.relay import peers
from tests.bench.relay.sales import REGIONS
from tests.rabbitmq_broker import broker

EVENTS = 20_000
ROUNDS = 5
OURS = "tillflow, a YAML route"
PEERS = {"aio-pika as documented": ("relay_raw_aiopika.py", 1.0), "FastStream": ("relay_faststream.py", 1.7)}
CONTENDER = "tests.bench.relay.contender"
Results = dict[str, list[dict[str, float]]]


def run(root: Path) -> None:
    """Print events per second, ratios and CPU seconds per 1,000 events."""
    scripts = Path(os.environ.get("TILLFLOW_SHARED", root.parent / "shared")) / "bench"
    if not scripts.is_dir():
        print(f"relay: not measured, the peers are not at {scripts}; name their parent with TILLFLOW_SHARED")
        return
    try:
        url = broker().url
    except pytest.skip.Exception as why:
        print(f"relay: not measured, {why}")
        return
    results: Results = {OURS: [], **{name: [] for name in PEERS}}
    for _ in range(ROUNDS):
        results[OURS].append(_ours(url, root))
        for name, (script, _goal) in PEERS.items():
            results[name].append(peers.run(url, scripts, script, EVENTS))
    _print(results)


def _ours(url: str, root: Path) -> dict[str, float]:
    cell = f"b{uuid4().hex[:10]}"
    names = Names(cell)
    targets = [names.queue(Address("route", f"{region}-target")) for region in REGIONS]
    command = [sys.executable, "-m", CONTENDER]
    with tempfile.TemporaryDirectory() as state:  # one store for both: a cell belongs to its store
        environ = {"TILLFLOW_TRANSPORT": url, "TILLFLOW_CELL": cell, "TILLFLOW_STATE": state}
        peers.timed([*command, "fill", str(EVENTS)], root, url, EVENTS, **environ)
        facts = peers.timed([*command, "run"], root, url, EVENTS, **environ)
    peers.wait_for(url, targets, EVENTS)
    with peers.channel(url) as made:
        for target in targets:
            made.queue_purge(target)
    return facts


def _print(results: Results) -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in ("aio-pika", "aiormq", "faststream"))
    print(f"relay of {EVENTS:,} sales over RabbitMQ, medians of {ROUNDS} interleaved runs ({packages})")
    ours = _rate(results[OURS])
    for name, runs in results.items():
        told = ", ".join(f"{one['n'] / one['s']:,.0f}" for one in runs)
        used = median(one["cpu"] / one["n"] * 1000 for one in runs)
        ratio = "" if name == OURS else f"; ours is {ours / _rate(runs):.2f} of it (goal {PEERS[name][1]})"
        print(f"{name:<40} {_rate(runs):>8,.0f} events/s, of {told}; {used:.3f} CPU s per 1,000{ratio}")


def _rate(runs: list[dict[str, float]]) -> float:
    return median(one["n"] / one["s"] for one in runs)
