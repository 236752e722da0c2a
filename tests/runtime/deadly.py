"""One life of an engine whose step or format kills the process at certain sales.

The first life brings the sales in; the last one, which lives until everything is done, writes what became of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from connectors.core.formats import connector as formats
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.core.jsonx import encode, parse
from engine.plugins.build import Build
from engine.plugins.contracts import BadRecord, Format, Record, Step
from engine.plugins.fields import Options
from engine.plugins.frame import Frame
from engine.plugins.registry import Registry
from engine.plugins.spec import Connector, format, step
from engine.runtime.watch import FOLDER, NUMBER
from engine.steps import BUILTIN
from engine.testing.clock import START, VirtualClock, VirtualLoop, run_virtual
from tests.runtime.lab import Bench, lab_connector, running, sale
from tests.runtime.routes import CHECKED, TO_BUS, TO_ERP, posting, route

KILLERS = ("step", "waiting")  # notes of sales that kill in the route
HOUR = 3_600_000_000


def die() -> None:
    os._exit(9)


class Nothing(Options):
    pass


@step("deadly")
class Deadly(Step):
    """Kills the process at once, or after waiting in company."""

    Config = Nothing

    def __init__(self, config: Nothing, build: Build) -> None:
        return None

    def run(self, frame: Frame) -> Any:
        if frame.data.get("note") == "step":
            die()
        return self._wait(frame.data.get("note") == "waiting")

    async def _wait(self, deadly: bool) -> None:
        await asyncio.sleep(1.0)
        if deadly:
            die()


@format("deadly")
class DeadlyFormat(Format):
    """JSON, but a document about `format` kills the process."""

    Config = Nothing

    def __init__(self, config: Nothing) -> None:
        return None

    def decode(self, content: bytes, name: str) -> Iterator[Record | BadRecord]:
        if b"format" in content:
            die()
        for number, item in enumerate(parse(content)):
            yield Record(item, number)

    def encode(self, items: Sequence[Any]) -> bytes:
        return encode(list(items))


STEP = "steps:\n  - {id: deadly, deadly: {}}\n"
FILES = posting(STEP, TO_ERP) | {
    "routes/ingest.yaml": route("ingest", "from: {use: lab, connection: outside, format: deadly}\n" + CHECKED + TO_BUS),
    "routes/copying.yaml": route("copying", "from: {event: sale@1}\n" + TO_ERP),
}
DOCUMENTS = {
    "good.json": [sale("1"), sale("2"), sale("3", note="step"), sale("4"), sale("5", note="waiting"), sale("6")],
    "deadly.json": [sale("7", note="format")],
}


def outcome(connection: Connection) -> Any:
    items = connection.execute("SELECT level, route, reason, search FROM work_item ORDER BY level, search")
    applied = "SELECT route, count(*) FROM ledger WHERE state = 'applied' GROUP BY route ORDER BY route"
    return {
        "items": items.fetchall(),
        "applied": connection.execute(applied).fetchall(),
        "waiting": connection.execute("SELECT count(*) FROM item").fetchone()[0],
    }


async def main(folder: Path) -> None:
    life = len(list(folder.glob("life-*")))
    (folder / f"life-{life}").touch()
    made = Bench()
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    made.clock = VirtualClock(loop, START + life * HOUR)
    made.database = SqliteDatabase(folder / "engine.db", made.clock, inline=True)
    made.transport, made.store = SqliteTransport(made.database, made.clock), SqliteStore(made.database, made.clock)
    deadly = Connector("deadly", (Deadly, DeadlyFormat))
    made.registry = Registry([formats, lab_connector(made.lab), deadly], BUILTIN)
    await made.transport.open()
    await made.store.open()
    for name, document in DOCUMENTS.items():
        if not (folder / name).exists():
            made.lab.offer(document, name)
    async with running(made, FILES):
        await asyncio.sleep(5)
        for name, _ in made.lab.acked:
            (folder / name).touch()
        await asyncio.sleep(600)
        (folder / "outcome.json").write_bytes(encode(made.database.read(outcome)))
    await made.store.close()
    await made.transport.close()


def life(folder: Path, watch: Path, number: int) -> None:
    """All that this process does. One that does not end fails the test instead of holding it up."""
    os.environ |= {FOLDER: str(watch), NUMBER: str(number)}
    signal.alarm(60)
    run_virtual(main(folder))
