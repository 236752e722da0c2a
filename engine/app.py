"""The composition root: the only module that puts backends, runtime and project together."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from engine.cells import command_cell
from engine.cells import engine_cell as engine_cell
from engine.compile.partial import build
from engine.compile.plan import RouteSet
from engine.core.clock import SystemClock
from engine.core.errors import ConfigError
from engine.core.findings import Finding, has_errors
from engine.core.garbage import Settling
from engine.loading import Compiling, compile_files, load_files, secrets_of
from engine.loading import Loaded as Loaded
from engine.loading import load as load
from engine.ports.store.revisions import Revision, RevisionGet
from engine.reader import ReaderProcess, ReadOnce, line_of
from engine.runtime.cell import Cell
from engine.runtime.engine import Engine
from engine.runtime.people.control import Control
from engine.runtime.people.dryrun import DryRun, dry_runs, subscribed
from engine.runtime.plans import SHORT
from engine.runtime.reload.record import standing
from engine.runtime.reload.verbs import Reload
from engine.runtime.reload.wanted import Project
from engine.runtime.tables import FolderFiles, Tables
from engine.runtime.watch import Watch
from engine.settings import Settings

GIVING_WAY = 0.00005  # seconds after which a compiling thread lets another run
USUAL = sys.getswitchinterval()
MOST_TOLD = 20  # errors of files that do not run


def make_engine(
    cell: Cell,
    loaded: Loaded,
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    reader: ReaderProcess | ReadOnce | None = None,
) -> Engine:
    """The engine of this process, not started. `reader`: it watches the project's files."""

    def older(files: Mapping[str, bytes]) -> RouteSet:
        return load_files(files, settings, loaded.registry, environ)

    compiling = Compiling(settings, os.environ if environ is None else environ, loaded.registry)
    one_at_a_time, settling = asyncio.Lock(), Settling()

    def again(files: Mapping[str, bytes]) -> RouteSet:
        return compiling.compile(files)[0]

    async def built(revision: Revision, before: RouteSet) -> RouteSet:
        """In a thread that lets go of the interpreter often: events go on meanwhile."""
        async with one_at_a_time:
            sys.setswitchinterval(GIVING_WAY)
            try:
                with settling():
                    return await asyncio.to_thread(build, revision.files, revision.id, revision.plans, before, again)
            finally:
                sys.setswitchinterval(USUAL)

    files, watch = FolderFiles(settings.project), Watch.from_environment()
    project = Project(reader, built, reader.test, settings.watch) if reader is not None else Project(None, built)
    return Engine(cell, loaded.registry, loaded.routeset, older, files, watch, project)


async def starting(cell: Cell, loaded: Loaded, settings: Settings, environ: Mapping[str, str] | None = None) -> Loaded:
    """What a process of this cell runs when it starts: the active revision, or its files where nothing ran yet.

    A change of files is one whether an engine ran meanwhile or not: it passes its checks first, and comes to all
    processes or to none. Raises ConfigError when there is nothing else than files with errors.
    """
    values = os.environ if environ is None else environ
    active = (await standing(cell)).active
    why = await _why_not_the_files(cell, active, loaded, settings) if active is not None else ""
    kept = await _compiled_again(cell, active, loaded, settings, values) if active is not None and why else None
    if active is None or kept is None:
        if has_errors(loaded.findings):
            raise ConfigError(loaded.findings, loaded.sources)
        return loaded
    facts = {"revision": active.id[:SHORT], "number": active.number}
    cell.log(f"revision {active.number} runs, not the files: {why}", facts)
    _tell_errors(cell, "this must be corrected in the files", loaded.findings, facts)
    return replace(loaded, routeset=kept, findings=[])


def _tell_errors(cell: Cell, text: str, findings: Sequence[Finding], facts: Mapping[str, Any]) -> None:
    for finding in [one for one in findings if one.severity == "error"][:MOST_TOLD]:
        cell.log(text, {"why": line_of(finding), **facts})


async def _why_not_the_files(cell: Cell, active: Revision, loaded: Loaded, settings: Settings) -> str:
    """Empty where they are what ran last."""
    if has_errors(loaded.findings):
        return "they have errors"
    if active.id == loaded.routeset.digest:
        return ""
    known = await cell.store.apply(RevisionGet(loaded.routeset.digest))
    if known is not None and known.state == "rejected":
        return "they were not taken before"
    taken = "are checked before they are taken" if settings.watch else "wait for `tillflow apply`"
    return f"they were changed since, and {taken}"


async def _compiled_again(
    cell: Cell, active: Revision, loaded: Loaded, settings: Settings, environ: Mapping[str, str]
) -> RouteSet | None:
    """The active revision. None where its files are not kept, or do not give all of its routes any more: one that is
    missing would be taken for one that was removed.
    """
    whole = await cell.store.apply(RevisionGet(active.id))
    if whole is None or not whole.files:
        return None
    routeset, findings = compile_files(whole.files, settings, loaded.registry, environ)
    lost = sorted(whole.plans.keys() - routeset.plans.keys())
    if lost:
        text = f"revision {active.number} cannot run here: some of its routes do not compile any more"
        cell.log(text, {"level": "error", "routes": ", ".join(lost)})
        _tell_errors(cell, "this keeps it from running", findings, {"number": active.number})
        return None
    return routeset


@asynccontextmanager
async def verbs_of(settings: Settings, *, changes: bool) -> AsyncIterator[tuple[Control, Reload]]:
    """The verbs over the Store without an engine in this process. `changes`: they decide something.

    An embedded engine that does not run finds the decisions when it starts; the others take notice at once. Raises
    SettingsError when there is no Store yet, or it is owned and something is to be changed.
    """
    async with command_cell(settings, changes=changes) as cell:
        loaded = load(settings)
        engine = make_engine(cell, loaded, settings, reader=ReadOnce(settings, loaded))
        await engine.tables.refresh()
        yield engine.control, engine.reload
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
    value = subscribed(loaded.routeset, plan, raw, name) if plan.source.event else None
    regional = loaded.routeset.regional.get(route)
    return await dry_runs(plan, loaded.registry, tables, secrets, raw, value, name, answers or {}, regional)
