"""The engine as a contender of the relay: `fill` puts N sales into the route's queue, `run` takes them through.

`run` prints one JSON line as the peers do: {"n", "s", "cpu"}, seconds from the start of the engine to the last confirm
and ack, and the CPU seconds of this process in between.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.app import engine_cell, load, make_engine
from engine.core.event import Event
from engine.core.garbage import quiet_collector
from engine.ports.transport import Address, Confirm, Outgoing, Topology
from engine.runtime.carrying.codec import Routed
from engine.runtime.cell import Cell
from engine.runtime.ingress.identity import identified
from engine.settings import Settings
from tests.bench.relay import sales

PROJECT = Path(__file__).with_name("project")
ROUTE = Address("route", "relay")
TARGETS = tuple(Address("route", f"{region}-target") for region in sales.REGIONS)
BOUND = (("relay.sale", "relay"), *((f"relay.{region}", f"{region}-target") for region in sales.REGIONS))
TOPOLOGY = Topology((ROUTE, *TARGETS), BOUND)
BATCH = 500


class Counted:
    """A transport that counts what was confirmed."""

    def __init__(self, inner: Any, goal: int) -> None:
        self._inner, self._left, self.done = inner, goal, asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        confirms: list[Confirm] = await self._inner.publish(batch)
        self._left -= sum(confirm.ok for confirm in confirms)
        if self._left <= 0:
            self.done.set()
        return confirms


def settings() -> Settings:
    """The project on the broker, in the cell and with the state folder that the environment names."""
    return Settings.read(os.environ, PROJECT)


def silent(text: str, facts: Any) -> None:
    """No log."""


async def fill(count: int) -> None:
    """Put this many sales into the route's queue, confirmed."""
    chosen = settings()
    type_ = load(chosen).routeset.types["relay.sale@1"]
    async with engine_cell(chosen, log=silent) as cell:
        await cell.transport.declare(TOPOLOGY)
        for start in range(0, count, BATCH):
            made = [_published(number, type_, cell) for number in range(start, min(start + BATCH, count))]
            assert all(confirm.ok for confirm in await cell.transport.publish(made))


def _published(number: int, type_: Any, cell: Cell) -> Outgoing:
    bare = Event(
        "",
        "relay.sale@1",
        "bench",
        sales.sale(number),
        cell.clock.now(),
        "2026-11-23",
        origin="0" * 32,
        trace=f"{number:032}",
    )
    return Routed(identified(bare, type_, cell.clock).event).published()


async def run(count: int) -> dict[str, float]:
    """Take them through the route."""
    chosen = settings()
    loaded = load(chosen)
    async with engine_cell(chosen, log=silent) as cell:
        counted = Counted(cell.transport, count)
        engine = make_engine(replace(cell, transport=counted), loaded, chosen)
        with quiet_collector():  # as `tillflow run` does
            begun, used = time.perf_counter(), cpu()
            await engine.start()
            await counted.done.wait()
            while (await cell.transport.depths())[ROUTE].unacked:  # noqa: ASYNC110 - the acks have no event
                await asyncio.sleep(0.005)
            facts = {"n": count, "s": time.perf_counter() - begun, "cpu": cpu() - used}
        await engine.stop()
    return facts


def cpu() -> float:
    """CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        asyncio.run(fill(int(sys.argv[2])))
        print("{}")
    else:
        print(json.dumps(asyncio.run(run(int(os.environ["N"])))), flush=True)
