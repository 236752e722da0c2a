"""Reload: from save to active with few and many routes, and what others notice of it: latency end to end, p99."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import httpx

from tests.bench.validation import generate
from tests.connectors.test_http_in import free_port

COUNTS = (1, 50, 500)
EDITS = 7
GOAL = 1.0  # seconds from save to active with 500 routes
RATE = 100  # events a second while latency is measured
SECONDS = 8.0
ROUNDS = 3
MORE = 1.1

PASSING = """
tillflow: 1
route: passing
version: 1.0.0
summary: A route nobody edits.
owner: bench
class: process
criticality: operational
from: {use: core.http, connection: hooks, path: /in}
to:
  - {id: out, use: core.http, connection: sink, action: post, with: {path: {const: /out}, body: {n: n}}}
"""


def run(root: Path) -> None:
    """Print seconds from save to active, and the p99 of an unchanged route with and without reloads."""
    for count in COUNTS:
        taken = asyncio.run(_saves(root, count))
        goal = f" (goal below {GOAL:g} s)" if count == max(COUNTS) else ""
        print(f"save to active, {count:>3} routes: median {median(taken):.2f} s, worst {max(taken):.2f} s{goal}")
    still, busy = asyncio.run(_latencies(root))
    print(f"p99 of an unchanged route at {RATE}/s: {_p99(still) * 1000:.1f} ms without reloads, of {_told(still)}")
    print(f"{'':>26} {_p99(busy) * 1000:.1f} ms with one a second, of {_told(busy)}")
    print(f"{'with : without':<40} {_p99(busy) / _p99(still):>8.2f} (goal {MORE})")


class Place:
    """A project and an engine that runs it."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.folder = folder
        self._process = process
        self._edits = 0

    async def line(self, text: str) -> None:
        """Wait for a line of the log that holds this."""
        assert self._process.stdout is not None
        while text not in (line := (await self._process.stdout.readline()).decode()):
            assert line, "the engine ended"

    async def edit(self) -> float:
        """Save one route with another summary; seconds until it is active."""
        path = self.folder / "routes/sales-posting.yaml"
        self._edits += 1
        text = re.sub(r"(?m)^summary: .*", f"summary: Version {self._edits}.", path.read_text("utf-8"))
        began = time.perf_counter()
        path.write_text(text, "utf-8")
        await self.line('"text": "runs"')
        return time.perf_counter() - began


@asynccontextmanager
async def _running(root: Path, count: int, change: Callable[[Path], None]) -> AsyncIterator[Place]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        generate(root, folder, count)
        change(folder)
        command = [sys.executable, "-m", "engine.cli", "run", "--alone", "--project", str(folder)]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            place = Place(folder, process)
            await place.line('"text": "running"')
            await asyncio.sleep(1.0 + count / 100)  # the reader reads everything once
            yield place
        finally:
            process.terminate()
            await process.communicate()


async def _saves(root: Path, count: int) -> list[float]:
    async with _running(root, count, lambda folder: None) as place:
        taken = []
        for _ in range(EDITS):
            taken.append(await place.edit())
            await asyncio.sleep(0.5)
        return taken


async def _latencies(root: Path) -> tuple[list[list[float]], list[list[float]]]:
    """Seconds of every event, by round: without reloads, and with them, in turns."""
    here, there = free_port(), free_port()

    def change(folder: Path) -> None:
        (folder / "routes/passing.yaml").write_text(PASSING, "utf-8")
        with (folder / "routes/connections.yaml").open("a", encoding="utf-8") as file:
            file.write(f"  hooks: {{connector: core.http, listen: '127.0.0.1:{here}'}}\n")
            file.write(f"  sink: {{connector: core.http, url: 'http://127.0.0.1:{there}', allow_private: true}}\n")

    arrived: dict[int, float] = {}
    still: list[list[float]] = []
    busy: list[list[float]] = []
    async with _sink(there, arrived), _running(root, 50, change) as place, _client(here) as client:
        await _round(client, arrived, 1.0)
        for _ in range(ROUNDS):
            still.append(await _round(client, arrived, SECONDS))
            editing = asyncio.create_task(_edits(place))
            busy.append(await _round(client, arrived, SECONDS))
            editing.cancel()
            await asyncio.gather(editing, return_exceptions=True)
    return still, busy


def _client(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)


async def _edits(place: Place) -> None:
    while True:
        await place.edit()
        await asyncio.sleep(1.0)


async def _round(client: httpx.AsyncClient, arrived: dict[int, float], seconds: float) -> list[float]:
    first = len(arrived)
    sent: dict[int, float] = {}
    tasks = []
    began = time.perf_counter()
    for step in range(int(seconds * RATE)):
        await asyncio.sleep(max(0.0, began + step / RATE - time.perf_counter()))
        number = first + step
        sent[number] = time.perf_counter()
        tasks.append(asyncio.create_task(client.post("/in", json={"n": number})))
    assert {answer.status_code for answer in await asyncio.gather(*tasks)} == {202}
    while not sent.keys() <= arrived.keys():  # noqa: ASYNC110 - the sink knows of no event
        await asyncio.sleep(0.01)
    return [arrived[number] - at for number, at in sent.items()]


@asynccontextmanager
async def _sink(port: int, arrived: dict[int, float]) -> AsyncIterator[None]:
    """An HTTP server that notes when each number came."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            found = re.search(rb"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(found[1]) if found else 0)
            if body:
                arrived.setdefault(json.loads(body)["n"], time.perf_counter())
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _p99(rounds: list[list[float]]) -> float:
    return median(_of(one) for one in rounds)


def _of(latencies: list[float]) -> float:
    return sorted(latencies)[int(len(latencies) * 0.99)]


def _told(rounds: list[list[float]]) -> str:
    return ", ".join(f"{_of(one) * 1000:.1f}" for one in rounds)
