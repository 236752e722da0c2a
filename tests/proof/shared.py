"""As `place`, over RabbitMQ and PostgreSQL: several workers, on one host or as if on several."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from engine.console import PREFIX
from tests import postgres_server, rabbitmq_broker
from tests.proof.place import Life, Place

_MOVING = {
    "routed and not published": "select count(*) from inbox where state = 'open'",
    "on their way": "select count(*) from ledger where state in ('inflight', 'waiting', 'held')",
    "held for their turn": "select count(*) from held",
    "groups": "select count(*) from step_group where state <> 'done'",
    "timers": "select count(*) from timer where not done and due < (extract(epoch from now()) + 60) * 1000000",
}


class SharedPlace(Place):
    """One host of a cell. Its log tells of every worker's lives."""

    def __init__(
        self, folder: Path, files: Mapping[str, str | bytes], cell: str, environ: Mapping[str, str] | None = None
    ) -> None:
        self.cell = cell
        self.begun: list[Life] = []
        self.dsn = postgres_server.needed_server()
        given = {
            "TILLFLOW_TRANSPORT": rabbitmq_broker.broker().url,
            "TILLFLOW_STORE": self.dsn,
            "TILLFLOW_CELL": cell,
        }
        super().__init__(folder, files, {**given, **(environ or {})})

    def start(self, crash: str = "", *, alone: bool = True, fresh: bool = False) -> Life:
        life = super().start(crash, alone=alone, fresh=fresh)
        self.begun.append(life)
        return life

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Of the cell's schema."""
        whole = f"set search_path to {self.cell}; "
        return [tuple(row) for row in asyncio.run(_fetch(self.dsn, whole, sql))]

    def items(self) -> list[dict[str, Any]]:
        names = ("id", "route", "sink", "level", "reason", "detail", "event_id", "amount", "search")
        rows = self.rows(f"select {', '.join(names)} from work_item where state = 'open'")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return [{**one, "search": json.loads(one["search"])} for one in found]

    def workers(self) -> dict[str, int]:
        """Process ids of live workers by name."""
        rows = self.rows("select name, facts from worker where at > (extract(epoch from now()) - 10) * 1000000")
        return {name: json.loads(facts)["pid"] for name, facts in rows}

    def moving(self) -> dict[str, int]:
        counts = {"files": sum(1 for file in self.inbox.iterdir() if not file.name.startswith("."))}
        counts |= {name: self.rows(sql)[0][0] for name, sql in _MOVING.items()}
        if not any(counts.values()):
            counts["in queues"] = sum(map(_queued, self.state.glob("engine*.sock")))
        return {name: count for name, count in counts.items() if count}


def _queued(path: Path) -> int:
    """What lies in queues, and in the hand of the worker behind this socket: others know it only as of its last beat. One
    that does not answer, since it begins or died, moves.
    """
    try:
        with socket.socket(socket.AF_UNIX) as worker:  # httpx does not close one that is refused
            worker.connect(str(path))
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://engine") as client:
            answer = client.get(f"{PREFIX}/status", timeout=10.0)
            answer.raise_for_status()
    except (OSError, httpx.HTTPError):
        return 1
    return sum(queue["ready"] + queue["delayed"] + queue["unacked"] for queue in answer.json()["queues"])


async def _fetch(dsn: str, before: str, sql: str) -> list[Any]:
    import asyncpg

    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(before)
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


class Cell:
    """A cell that nobody else has. `name` is that of its log outside too."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.name = f"t{uuid4().hex[:10]}"
        self.places: list[SharedPlace] = []

    def place(
        self, folder: Path, files: Mapping[str, str | bytes], environ: Mapping[str, str] | None = None
    ) -> SharedPlace:
        """A host of it."""
        self.places.append(SharedPlace(folder, files, self.name, environ))
        return self.places[-1]


@contextmanager
def cell() -> Iterator[Cell]:
    """Whatever still lives in the end is killed, and its tables go."""
    made = Cell(postgres_server.needed_server())
    rabbitmq_broker.broker()
    try:
        yield made
    finally:
        for life in (life for place in made.places for life in place.begun):
            life.signal(signal.SIGKILL)
        name = made.name
        asyncio.run(postgres_server.run(made.dsn, f"DROP SCHEMA IF EXISTS {name} CASCADE"))
        rabbitmq_broker.done_with(name)
