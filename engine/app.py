"""The composition root: the only module that puts backends, runtime and project together."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from engine.backends.blobs import FolderBlobs
from engine.backends.sqlite import (
    Owned,
    ReadTransport,
    SqliteDatabase,
    SqliteReader,
    SqliteStore,
    SqliteTransport,
)
from engine.compile.plan import RouteSet
from engine.core.clock import Clock, SystemClock, iso
from engine.core.jsonx import parse
from engine.loading import Loaded as Loaded
from engine.loading import load as load
from engine.loading import load_files, secrets_of
from engine.ports.transport import Transport
from engine.runtime.cell import Cell, Log
from engine.runtime.control import Control
from engine.runtime.dryrun import DryRun, dry_runs
from engine.runtime.engine import Engine
from engine.runtime.tables import FolderFiles, Tables
from engine.runtime.watch import Watch
from engine.settings import Settings

LOOK = 0.5  # seconds between two looks at the database's health
PATIENCE = 3.0  # seconds to wait for a command that has the database


def stderr_log(clock: Clock) -> Log:
    """One JSON object a line on stderr; control characters are escaped by JSON itself."""

    def log(text: str, facts: Mapping[str, Any]) -> None:
        line = {"time": iso(clock.now()), "text": text, **{name: _plain(value) for name, value in facts.items()}}
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")

    return log


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | None) else str(value)


@asynccontextmanager
async def embedded_cell(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    log: Log | None = None,
    broken: Callable[[str], None] | None = None,
) -> AsyncIterator[Cell]:
    """Open the embedded cell: one SQLite database that carries and remembers. Raises SettingsError when it is owned.

    broken   called once, with the reason, when the database takes nothing any more until it is opened again
    """
    time = clock or SystemClock()
    settings.state.mkdir(parents=True, exist_ok=True)
    database = SqliteDatabase(settings.database, time)
    cell = Cell(
        transport=SqliteTransport(database, time),
        store=SqliteStore(database, time),
        blobs=FolderBlobs(settings.state / "blobs"),
        secrets=secrets_of(settings, os.environ if environ is None else environ),
        clock=time,
        log=log or stderr_log(time),
        zone=settings.zone,
    )
    await _opened(cell.transport)
    watch = asyncio.create_task(_watch(database, time, broken)) if broken is not None else None
    try:
        await cell.store.open()
        yield cell
    finally:
        if watch is not None:
            watch.cancel()
        await cell.store.close()
        await cell.transport.close()


async def _watch(database: SqliteDatabase, clock: Clock, broken: Callable[[str], None]) -> None:
    """A disk that failed is never written to again: what it holds is not known until it is opened anew."""
    while not database.problem:
        await clock.sleep(LOOK)
    broken(database.problem)


def make_engine(cell: Cell, loaded: Loaded, settings: Settings, environ: Mapping[str, str] | None = None) -> Engine:
    """The engine of this process, not started."""

    def older(files: Mapping[str, bytes]) -> RouteSet:
        return load_files(files, settings, loaded.registry, environ)

    return Engine(
        cell, loaded.registry, loaded.routeset, older, FolderFiles(settings.project), Watch.from_environment()
    )


@asynccontextmanager
async def stopped_control(settings: Settings) -> AsyncIterator[Control]:
    """The verbs over the Store of an engine that does not run: decisions that wait for the next start. Takes the lock."""
    async with embedded_cell(settings) as cell, _control(cell, settings) as control:
        yield control


@asynccontextmanager
async def reading_control(settings: Settings) -> AsyncIterator[Control]:
    """The verbs that only look, beside whoever owns the database. Raises SettingsError when there is none yet."""
    clock = SystemClock()
    reader = SqliteReader(settings.database)
    await reader.open()
    cell = Cell(
        transport=ReadTransport(reader, clock),
        store=reader,
        blobs=FolderBlobs(settings.state / "blobs"),
        secrets=secrets_of(settings, os.environ),
        clock=clock,
        log=stderr_log(clock),
        zone=settings.zone,
    )
    try:
        async with _control(cell, settings) as control:
            yield control
    finally:
        await reader.close()


@asynccontextmanager
async def _control(cell: Cell, settings: Settings) -> AsyncIterator[Control]:
    engine = make_engine(cell, load(settings), settings)
    await engine.tables.refresh()
    yield engine.control
    await engine.journal.flush()
    await engine.pool.close()


async def _opened(transport: Transport) -> None:
    """Open it; a command that has the database for a moment is waited for."""
    tries = int(PATIENCE / 0.1)
    for left in range(tries, -1, -1):
        try:
            await transport.open()
            return
        except Owned:
            if not left:
                raise
            await asyncio.sleep(0.1)


async def dry_run(
    loaded: Loaded, settings: Settings, route: str, raw: bytes, name: str, answers: Mapping[str, Any] | None = None
) -> list[DryRun]:
    """Run a document or an event through a route without a side effect. Raises Permanent `bad-json`."""
    plan = loaded.routeset.plans[route]
    clock = SystemClock()
    tables = Tables(loaded.routeset.tables, FolderFiles(settings.project), clock, lambda text, facts: None)
    await tables.refresh()
    secrets = secrets_of(settings, os.environ)
    value = parse(raw) if plan.source.event else None
    return await dry_runs(plan, loaded.registry, tables, secrets, raw, value, name, answers or {})
