"""The queues that the peers work on, and their runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pika

from tests.bench.relay.sales import REGIONS, sale

INTO = "tf.in"
EXCHANGE = "tf.x"
QUORUM = {"x-queue-type": "quorum"}
PATIENCE = 120.0  # seconds for one run of one contender
PREFETCH = 200


@contextmanager
def channel(url: str) -> Iterator[Any]:
    """A channel for set-up and counting."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        connection.close()


def fill(url: str, count: int) -> None:
    """Make the peers' queues anew and put this many sales in."""
    with channel(url) as made:
        outs = {region: f"tf.out.{region}" for region in REGIONS}
        made.exchange_declare(EXCHANGE, "direct", durable=True)
        for queue in (INTO, *outs.values()):
            made.queue_delete(queue)
            made.queue_declare(queue, durable=True, arguments=QUORUM)
        for region, queue in outs.items():
            made.queue_bind(queue, EXCHANGE, region)
        persistent = pika.BasicProperties(delivery_mode=2, content_type="application/json")
        for number in range(count):
            body = json.dumps(sale(number), separators=(",", ":")).encode()
            made.basic_publish("", INTO, body, persistent)
    wait_for(url, [INTO], count)


def wait_for(url: str, queues: list[str], count: int) -> None:
    """Until these queues hold so many in all. Raises AssertionError with what they hold."""
    until, held = time.monotonic() + 30, -1
    with channel(url) as made:
        while held != count:
            assert time.monotonic() < until, f"{queues} hold {held} instead of {count}"
            time.sleep(0.05)
            held = sum(made.queue_declare(queue, passive=True).method.message_count for queue in queues)


def run(url: str, folder: Path, script: str, count: int) -> dict[str, float]:
    """One run of one peer: {"n", "s", "cpu"}. Raises CalledProcessError, AssertionError."""
    fill(url, count)
    facts = timed([sys.executable, script], folder, url, count)
    wait_for(url, [f"tf.out.{region}" for region in REGIONS], count)
    return facts


def timed(command: list[str], folder: Path, url: str, count: int, **environ: str) -> dict[str, float]:
    """Run a contender; its last line says what it took."""
    own = {"N": str(count), "PREFETCH": str(PREFETCH), "AMQP_URL": url, "PYTHONDONTWRITEBYTECODE": "1", **environ}
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    facts: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return facts
