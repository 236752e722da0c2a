"""Ten sinks over RabbitMQ and PostgreSQL, all well or one of them away: what the other nine notice of it.

Latency is from the moment a sale is offered to a webhook to the moment the outside system writes its effect down, both
on the machine's monotonic clock. The two cases take turns.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.faults import ten
from tests.faults.own import free_port
from tests.faults.story import Ground, Story, told
from tests.postgres_server import needed_server
from tests.proof import till
from tests.proof.conftest import Outside
from tests.rabbitmq_broker import broker

ROUNDS = 3
SALES = 200
RATE = 15  # a second, each to ten sinks
SKIPPED = SALES // 8  # a warm-up
TIMES = 1.1
AWAY = "http://127.0.0.1:9"  # nobody listens there


def run(root: Path) -> None:
    """Print the p95 of the nine in both cases and their ratio."""
    try:
        url, dsn = broker(), needed_server()
    except pytest.skip.Exception as why:
        print(f"one of ten sinks away: not measured, {why}")
        return
    with tempfile.TemporaryDirectory() as folder, _outside(root, Path(folder)) as outside:
        ground = Ground(url, dsn, outside, "")
        well, away = [], []
        for number in range(ROUNDS):
            well.append(_round(Path(folder) / f"well-{number}", ground, ""))
            away.append(_round(Path(folder) / f"away-{number}", ground, AWAY))
    for name, rounds in (("nine of ten sinks, all well", well), ("the same nine, one sink away", away)):
        print(
            f"{name:<40} {median(rounds) * 1000:>8,.1f} ms p95, of {', '.join(f'{p95 * 1000:,.1f}' for p95 in rounds)}"
        )
    print(f"{'away : well':<40} {median(away) / median(well):>8.2f} (goal: below {TIMES})")


@contextmanager
def _outside(root: Path, folder: Path) -> Iterator[Outside]:
    logs = folder / "outside"
    logs.mkdir()
    command = [sys.executable, "-m", "tests.proof.outside", str(logs)]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Outside(process.stdout.readline().strip(), logs)
        process.stdin.close()


def _round(folder: Path, ground: Ground, lost: str) -> float:
    """The p95 of the nine, in seconds."""
    cell = f"bench{free_port()}"
    door = f"127.0.0.1:{free_port()}"
    well = f"{ground.outside.url}/{cell}/none"
    environ = ten.addresses(well, lost or well) | {"DOOR": door}
    story = Story(
        folder,
        ground,
        ten.files("from: {use: core.http, connection: door, path: /sales}\n"),
        cell=cell,
        environ=environ,
    )
    with told(story):
        life = story.cast()
        offered = _offer(door)
        nine = (len(ten.SINKS) - 1) * SALES
        story.until(life, lambda: len(_arrived(story)) >= nine)
        life.stop(40.0)
    took = [at - offered[receipt] for receipt, at in _arrived(story) if receipt in offered]
    return quantiles(took, n=20)[-1]


def _offer(door: str) -> dict[str, float]:
    """Sales at a steady rate. Receipt -> when it was offered, without those of the warm-up."""
    offered: dict[str, float] = {}
    threads = []
    began = time.monotonic()
    for number in range(SALES):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        sale = till.sale(number)
        if number >= SKIPPED:
            offered[str(sale["receipt"])] = time.monotonic()
        threads.append(threading.Thread(target=_post, args=(door, json.dumps(sale).encode())))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return offered


def _post(door: str, body: bytes) -> None:
    request = urllib.request.Request(f"http://{door}/sales", body, {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()


def _arrived(story: Story) -> list[tuple[str, float]]:
    """Receipt and moment of each effect at one of the nine."""
    found = []
    for line in story.heard.read_text("utf-8").splitlines() if story.heard.exists() else []:
        one = json.loads(line)
        if one["what"] == "effect" and one["name"] != ten.LOST:
            found.append((one["body"]["reference"], one["at"]))
    return found
