"""The composition root: the only module that puts backends, runtime and project together."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from engine.backends.blobs import FolderBlobs
from engine.backends.secrets import EnvironmentSecrets, version_key
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.compile.compiler import compile_project
from engine.compile.plan import RouteSet
from engine.config.project import Project, read_project, read_project_from
from engine.core.clock import Clock, SystemClock, iso
from engine.core.findings import Finding, in_order
from engine.core.jsonx import parse
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.ports.secrets import SecretSource
from engine.runtime.cell import Cell, Log
from engine.runtime.control import Control
from engine.runtime.engine import Engine
from engine.runtime.dryrun import DryRun, dry_runs
from engine.runtime.tables import FolderFiles, Tables
from engine.runtime.watch import Watch
from engine.settings import Settings

LOOK = 0.5  # seconds between two looks at the database's health


@dataclass(frozen=True)
class Loaded:
    """A project as it was read and compiled. Where `findings` hold errors, the routes they are in have no Plan."""

    project: Project
    registry: Registry
    routeset: RouteSet
    findings: list[Finding]

    @property
    def sources(self) -> Mapping[str, bytes]:
        """Every file by path, for excerpts."""
        return self.project.files


def secrets_of(settings: Settings, environ: Mapping[str, str]) -> SecretSource:
    """Secrets from TILLFLOW_SECRET_<NAME> and the secrets folder. Their versions are keyed once a state folder exists."""
    key = version_key(settings.state / "version.key") if settings.state.is_dir() else b""
    return EnvironmentSecrets(environ, settings.secrets, key)


def load(
    settings: Settings, environ: Mapping[str, str] | None = None, registry: Registry | None = None
) -> Loaded:
    """Read and compile a project. Never raises for what stands in its files: that is in `findings`."""
    values = os.environ if environ is None else environ
    known = registry or discover()
    project, found = read_project(settings.project, values)
    routeset, more = compile_project(project, known, secrets_of(settings, values))
    return Loaded(project, known, routeset, in_order([*found, *more]))


def load_files(
    files: Mapping[str, bytes], settings: Settings, registry: Registry, environ: Mapping[str, str] | None = None
) -> RouteSet:
    """Compile a recorded revision from its bytes."""
    values = os.environ if environ is None else environ
    project, _ = read_project_from(files, values)
    routeset, _ = compile_project(project, registry, secrets_of(settings, values))
    return routeset


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
    await cell.transport.open()
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

    return Engine(cell, loaded.registry, loaded.routeset, older, FolderFiles(settings.project), Watch.from_environment())


@asynccontextmanager
async def stopped_control(settings: Settings) -> AsyncIterator[Control]:
    """The verbs over the Store of an engine that does not run: looking, and decisions that wait for the next start."""
    async with embedded_cell(settings) as cell:
        engine = make_engine(cell, load(settings), settings)
        await engine.tables.refresh()
        yield engine.control
        await engine.journal.flush()
        await engine.pool.close()


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
