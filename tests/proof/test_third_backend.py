"""The architecture bears a stranger: a transport, a store and a synchronous source that only tests have, on the engine
as it is, with the routes that ship.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.app import make_engine
from engine.backends.blobs import FolderBlobs
from engine.core.clock import SystemClock
from engine.core.findings import has_errors
from engine.loading import load, secrets_of
from engine.runtime.cell import Cell
from engine.runtime.engine import Engine
from engine.settings import Settings
from tests.contracts.memory.state import Memory
from tests.contracts.memory_store import MemoryStore
from tests.contracts.memory_transport import Broker, MemoryTransport
from tests.proof import checker, projects, till
from tests.proof.conftest import Outside
from tests.proof.place import PATIENCE, ROOT, Place
from tests.proof.shop import Shop, csv_de, pieces, poslog, receipts, reference
from tests.runtime.killing import kill

ANSWERING = """from: {use: proof, connection: desk}
accepts: sale@1
steps:
  - {id: small, check: [{that: "total < `100`", otherwise: {work_item: too-much}}]}
reply: {body: {receipt: receipt, total: total}}
to:
"""


@dataclass
class World:
    """What a restart keeps."""

    broker: Broker = field(default_factory=Broker)
    memory: Memory = field(default_factory=Memory)


@asynccontextmanager
async def living(place: Place, world: World, *, killed: bool = False) -> AsyncIterator[Engine]:
    """An engine on the third transport and store, put together as `tillflow run` does it; stopped or killed at the end."""
    settings = Settings.read({}, place.project, place.state)
    loaded = load(settings, place.environ)
    assert not has_errors(loaded.findings), loaded.findings
    clock = SystemClock()
    transport, store = MemoryTransport(clock, world.broker), MemoryStore(world.memory)
    secrets, blobs = secrets_of(settings, place.environ), FolderBlobs(place.state / "blobs")
    cell = Cell(transport, store, blobs, secrets, clock, lambda text, facts: None, zone=settings.zone)
    await transport.open()
    await store.open()
    engine = make_engine(cell, loaded, settings, place.environ)
    await engine.start()
    try:
        yield engine
    finally:
        await (kill(engine) if killed else engine.stop())
        await store.close()
        await transport.close()


async def happens(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, "it did not happen"
        await asyncio.sleep(0.02)


def quiet(place: Place, world: World) -> bool:
    """Every file was taken and every queue is empty."""
    files = [file for file in place.inbox.iterdir() if not file.name.startswith(".")]
    return not files and not any(world.broker.queues.values())


def test_the_shipped_routes_run_through_a_kill_on_a_transport_and_store_the_runtime_has_never_seen(
    tmp_path: Path,
) -> None:
    shop, made, world = Shop(tmp_path), receipts(4), World()
    shop.drop("day.xml", poslog(made))
    shop.drop("day.csv", csv_de(made[1:]))

    async def lives() -> list[dict[str, Any]]:
        async with living(shop, world, killed=True):
            await happens(lambda: bool(world.broker.queues and any(world.broker.queues.values())))
        async with living(shop, world) as engine:
            await happens(lambda: quiet(shop, world))
            return list((await engine.control.figures())["figures"])

    figures = asyncio.run(lives())

    assert shop.posted() == {reference(receipt): 1 for receipt in made}
    assert shop.balance() == 0
    assert shop.moved() == {reference(receipt): pieces(receipt) for receipt in made}
    whole = {one["route"]: one for one in figures if not one["sink"]}
    assert all(one["balanced"] for one in figures)
    assert whole["sales-posting"]["applied"] == len(made)


def test_a_synchronous_source_only_this_test_has_gets_its_reply(
    tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "proof" / "site")
    import proof_plugin  # type: ignore[import-not-found]

    files = projects.project(projects.INGEST) | {
        "routes/posting.yaml": projects.route("posting", ANSWERING + projects.sink("idempotency_key")),
        "routes/connections.yaml": projects.CONNECTIONS + "  desk: {connector: proof, zone: eu}\n",
    }
    place = Place(tmp_path, files, {"OUTSIDE": f"{outside.url}/asked/none"})
    questions = [till.sale(1), till.sale(500), {"store": "A"}]
    answers: list[list[Any]] = [[] for _ in questions]

    async def asked() -> None:
        async with living(place, world := World()):
            asking = zip(questions, answers, strict=True)
            proof_plugin.Link.asked += [(json.dumps(question).encode(), answer) for question, answer in asking]
            await happens(lambda: all(answers) and quiet(place, world))

    asyncio.run(asked())

    assert [json.loads(json.dumps(one, default=str)) for one in answers] == [
        [{"body": {"receipt": "A0001", "total": "1.25"}}, "acked"],
        ["too-much"],
        ["schema-violation"],
    ]
    assert checker.of_log(outside.folder / "asked", "once") == {"A0001": ["1.25"]}
