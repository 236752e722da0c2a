"""Sample files through the routes that ship, in a cell whose bytes can be looked at afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.backends.blobs import FolderBlobs
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.core.event import Event
from engine.core.jsonx import encode
from engine.plugins.contracts import Arrival
from engine.ports.store.work import WorkFind, WorkItem
from engine.runtime.cell import Cell
from engine.runtime.engine import Engine
from engine.testing.clock import current_clock, run_virtual
from engine.testing.runner.project import TestProject
from engine.testing.runner.standins import Outside, captured, standing_in
from engine.testing.runner.stubs import Stubs
from engine.testing.runner.tablefiles import SteadyFiles
from engine.testing.runner.taps import Tapped, TappedStore, TappedTransport


@dataclass
class Ingested:
    """What became of some files.

    events   canonical events that were published, by id
    work     open work items
    sent     requests that went to outside systems
    logged   every line of the log
    """

    events: dict[str, Event] = field(default_factory=dict)
    work: list[WorkItem] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    @property
    def receipts(self) -> list[Event]:
        """Sales and returns."""
        types = ("sale.completed@2", "return.completed@1")
        return [event for event in self.events.values() if event.type in types]


def ingest(
    project: TestProject,
    files: Mapping[str, bytes],
    route: str,
    state: Path,
    also: Mapping[str, Mapping[str, bytes]] | None = None,
) -> Ingested:
    """Take these files in through `route`, with every route running; the cell's files are in the folder `state`.

    also   files that come in through other routes, by route
    """
    return run_virtual(_ingest(project, {route: files, **(also or {})}, state))


async def _ingest(project: TestProject, files: Mapping[str, Mapping[str, bytes]], state: Path) -> Ingested:
    clock, made, seen = current_clock(), Ingested(), Tapped()
    outside = Outside(clock, Stubs(clock))
    database = SqliteDatabase(state / "cell.db", clock, inline=True)

    def log(text: str, facts: Mapping[str, Any]) -> None:
        made.logged.append(f"{text} {dict(facts)}")

    cell = Cell(
        transport=TappedTransport(SqliteTransport(database, clock), seen, clock),
        store=TappedStore(SqliteStore(database, clock), seen, clock),
        blobs=FolderBlobs(state / "blobs", inline=True),
        secrets=project.secrets,
        clock=clock,
        log=log,
    )
    await cell.transport.open()
    await cell.store.open()
    whole = project.routeset
    plans = {name: captured(plan) for name, plan in whole.plans.items()}
    regional = {name: one.with_plans(captured) for name, one in whole.regional.items()}
    routeset = replace(whole, plans=plans, regional=regional, files={})
    registry = standing_in(project.registry, list(whole.plans.values()), outside)
    engine = Engine(cell, registry, routeset, lambda files: routeset, SteadyFiles(project.routeset.files))
    await engine.start()
    for route, own in files.items():
        for name, content in own.items():
            outside.inbox(route).put_nowait(_arrival(name, content))
    await clock.sleep(60)
    made.work = await cell.store.apply(WorkFind())
    await engine.stop()
    await cell.store.close()
    await cell.transport.close()
    made.events = {event.id: event for event, _ in seen.published.values()}
    made.sent = [encode(one.request) for one in outside.applied]
    return made


def _arrival(name: str, content: bytes) -> Arrival:
    async def ack(refused: int) -> None:
        return None

    async def release(failure: Exception) -> None:
        raise AssertionError(failure)

    return Arrival(name, ack, release, content)
