"""A webhook is switched while its senders send: nobody is refused, and every event is posted once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from connectors.core.formats import connector as formats
from connectors.core.http import connector as http
from engine.backends.secrets import DictSecrets
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.core.clock import SystemClock
from engine.plugins.registry import Registry
from engine.steps import BUILTIN
from tests.connectors.test_http_in import free_port
from tests.reload.yard import Yard
from tests.runtime.lab import Bench, Lab, MemoryBlobs, lab_connector, sale
from tests.runtime.routes import CHECKED, POSTING, TO_BUS, route

pytestmark = pytest.mark.anyio

HOOK = "from: {use: core.http, connection: hooks, path: /sales, keep_headers: [x-one]}\n"


class RealBench(Bench):
    """In real time, with the webhooks of core.http beside the lab."""

    def __init__(self, folder: Path) -> None:
        self.lab = Lab()
        self.clock = SystemClock()  # type: ignore[assignment]
        self.database = SqliteDatabase(folder / "tillflow.db", self.clock)
        self.transport = SqliteTransport(self.database, self.clock)
        self.store = SqliteStore(self.database, self.clock)
        self.blobs = MemoryBlobs()
        self.secrets = DictSecrets({})
        self.table_files = {}
        self.reading = None
        self.registry = Registry([formats], BUILTIN)


def connections(port: int, more: str = "") -> str:
    return (
        "tillflow: 1\nconnections:\n  outside: {connector: lab, zone: eu}\n"
        f"  hooks: {{connector: core.http, listen: '127.0.0.1:{port}'{more}}}\n"
    )


async def test_no_request_is_refused_while_a_webhook_is_switched(tmp_path: Path) -> None:
    made = RealBench(tmp_path)
    await made.transport.open()
    await made.store.open()
    yard, port = Yard(made), free_port()
    made.registry = Registry([formats, http, lab_connector(made.lab)], BUILTIN)
    yard.files = {
        "routes/hook.yaml": route("hook", HOOK + CHECKED + TO_BUS),
        "routes/posting.yaml": POSTING,
        "routes/connections.yaml": connections(port),
    }
    answers: list[int] = []
    done = asyncio.Event()

    async def sends(sender: int) -> int:
        number = 0
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            while not done.is_set():
                number += 1
                answers.append((await client.post("/sales", json=sale(f"{sender}-{number}"))).status_code)
        return number

    async with yard.running() as engine:
        await yard.until(lambda: engine.sources["hook"].problem == "" and engine.sources["hook"]._source is not None)
        await asyncio.sleep(0.2)
        senders = [asyncio.create_task(sends(number)) for number in range(4)]
        for number in range(6):
            yard.files["routes/hook.yaml"] = route("hook", HOOK.replace("x-one", f"x-{number}") + CHECKED + TO_BUS)
            if number % 3 == 0:
                yard.files["routes/connections.yaml"] = connections(port, f", max_body: {number + 1}MiB")
            await yard.saved(engine)
        done.set()
        sent = sum(await asyncio.gather(*senders))
        assert set(answers) == {202} and len(answers) == sent > 0
        await yard.until(lambda: len(yard.posted()) >= sent)
        assert len(set(yard.posted())) == len(yard.posted()) == sent
        assert engine.sources["hook"].taken == sent
    await made.store.close()
    await made.transport.close()
