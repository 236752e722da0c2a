"""The composition root: the only module that puts backends, runtime and project together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from engine.cells import command_cell
from engine.cells import engine_cell as engine_cell
from engine.cells import stderr_log as stderr_log
from engine.compile.plan import RouteSet
from engine.core.clock import SystemClock
from engine.core.jsonx import parse
from engine.loading import Loaded as Loaded
from engine.loading import load as load
from engine.loading import load_files, secrets_of
from engine.runtime.cell import Cell
from engine.runtime.control import Control
from engine.runtime.dryrun import DryRun, dry_runs
from engine.runtime.engine import Engine
from engine.runtime.tables import FolderFiles, Tables
from engine.runtime.watch import Watch
from engine.settings import Settings


def make_engine(cell: Cell, loaded: Loaded, settings: Settings, environ: Mapping[str, str] | None = None) -> Engine:
    """The engine of this process, not started."""

    def older(files: Mapping[str, bytes]) -> RouteSet:
        return load_files(files, settings, loaded.registry, environ)

    return Engine(
        cell, loaded.registry, loaded.routeset, older, FolderFiles(settings.project), Watch.from_environment()
    )


@asynccontextmanager
async def control_of(settings: Settings, *, changes: bool) -> AsyncIterator[Control]:
    """The verbs over the Store without an engine in this process. `changes`: they decide something.

    An embedded engine that does not run finds the decisions when it starts; the others take notice at once. Raises
    SettingsError when there is no Store yet, or it is owned and something is to be changed.
    """
    async with command_cell(settings, changes=changes) as cell:
        engine = make_engine(cell, load(settings), settings)
        await engine.tables.refresh()
        yield engine.control
        if changes:
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
