"""What the engine needs, looked at without making or changing anything: doctor."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import typer

from engine.backends.sqlite import examined
from engine.cli.output import Form, FormatOption, fail, out, print_json, table
from engine.cli.project import ProjectOption, StateOption, settings_for
from engine.cli.services import Check, services
from engine.compile.plan import PlannedConnection
from engine.core.errors import SettingsError, StoreDown
from engine.core.findings import has_errors
from engine.core.wording import counted
from engine.loading import Loaded, exposed_secrets, load
from engine.plugins.contracts import NOT_ASKED
from engine.plugins.registry import Registry
from engine.plugins.values import constants
from engine.runtime.people.hiding import hidden_text
from engine.settings import EMBEDDED, Settings

WITHIN = 15.0  # seconds for one connection
LEAST_FREE = 200 << 20  # bytes of the disk with the state folder


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(doctor)


def doctor(project: ProjectOption = None, state: StateOption = None, form: FormatOption = Form.HUMAN) -> None:
    """Check what the engine needs: files, disk, secrets, broker, database, and whether connections answer.

    It makes and changes nothing. Of each connection the table says what was asked.
    """
    settings = settings_for(project, state)
    with chdir(settings.project):  # as `run` does: the folders and databases of connections are named from there
        loaded = load(settings)
        checks = [*_local(settings, loaded), *asyncio.run(_others(settings, loaded))]
    if form is Form.JSON:
        print_json({"checks": [_check_dict(*check) for check in checks]})
    else:
        rows = [({True: "ok", False: "FAILED", None: "warning"}[ok], name, detail) for name, ok, detail in checks]
        out().print(table(("", "check", "detail"), rows))
    if any(ok is False for _, ok, _ in checks):
        fail("something the engine needs is missing or does not work", help="the table says what and what to do")


def _check_dict(name: str, ok: bool | None, detail: str) -> dict[str, Any]:
    return {"check": name, "ok": ok is not False, "warning": ok is None, "detail": detail}


# --- here ------------------------------------------------------------------------------------------------------------


def _local(settings: Settings, loaded: Loaded) -> Iterator[Check]:
    errors = sum(f.severity == "error" for f in loaded.findings)
    told = f"{counted(errors, 'error')}; `tillflow validate` shows them"
    found = told if errors else counted(len(loaded.routeset.plans), "route")
    yield "project files", not has_errors(loaded.findings), found
    yield "Python", sys.version_info >= (3, 11), sys.version.split()[0]
    yield "SQLite", sqlite3.sqlite_version_info >= (3, 35), f"{sqlite3.sqlite_version}; one process owns the database"
    yield _state_folder(settings.state)
    if settings.store == EMBEDDED:
        yield _database(settings)
    yield from (("secrets", None, text) for text in exposed_secrets(settings))
    yield from _zone(settings.zone, loaded)


def _state_folder(folder: Path) -> Check:
    """The folder, or where it would be made."""
    name, advice = "state folder", "choose another with --state"
    try:
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free
    except OSError as error:
        return name, False, f"{folder}: {error.strerror}; {advice}"
    if not there.is_dir():
        return name, False, f"{there} is not a folder; {advice}"
    if not os.access(there, os.W_OK | os.X_OK):
        return name, False, f"nothing may be written in {there}; give the right to, or {advice}"
    if free <= LEAST_FREE:
        return name, False, f"{folder}: {free >> 20} MiB free; free some, or {advice}"
    made = "" if there == folder else "is made when the engine starts; "
    return name, True, f"{folder}: {made}{free >> 20} MiB free"


def _zone(here: str, loaded: Loaded) -> Iterator[Check]:
    """Where this engine stands, if a region says where its data must stay: work items, journal and logs stay here."""
    wanted = {name: zone for name, pack in loaded.project.packs.items() if (zone := pack.model.residency)}
    elsewhere = sorted(name for name, zone in wanted.items() if zone != here)
    if not here and wanted:
        text = f"nothing says where this engine, its store and its logs stand; data must not leave {_zones(wanted.values())}"
        yield "zone", None, f"{text}: set TILLFLOW_ZONE"
    elif elsewhere:
        text = f"this engine stands in {here}; events of {', '.join(elsewhere)} become work items `residency`, here"
        yield "zone", None, f"{text}: give them an engine in {_zones(wanted[name] for name in elsewhere)}"
    elif wanted:
        yield "zone", True, f"{here}, as every region with a residency wants it"


def _zones(zones: Iterable[str]) -> str:
    return ", ".join(sorted(set(zones)))


def _database(settings: Settings) -> Check:
    name = f"database {settings.database}"
    try:
        return name, True, examined(settings.database)
    except (StoreDown, SettingsError) as error:
        return name, False, str(error)
    except OSError as error:
        return name, False, f"it cannot be read: {error.strerror}; choose another folder with --state"


# --- elsewhere -------------------------------------------------------------------------------------------------------


async def _others(settings: Settings, loaded: Loaded) -> list[Check]:
    """Services, then connections, which are asked at the same time: one that is silent holds up no other."""
    planned = loaded.routeset.connections.values()
    sinks = _requests(loaded)
    asked = asyncio.gather(*(_connection(loaded.registry, one, sinks.get(one.name, [])) for one in planned))
    return [*await services(settings), *await asked]


def _requests(loaded: Loaded) -> dict[str, list[dict[str, Any]]]:
    """What is constant in the requests of all sinks, by connection."""
    found: dict[str, list[dict[str, Any]]] = {}
    for call in (sink.call for plan in loaded.routeset.every_plan for sink in plan.sinks if sink.call is not None):
        found.setdefault(call.connection, []).append(constants(call.values))
    return found


async def _connection(registry: Registry, planned: PlannedConnection, requests: list[dict[str, Any]]) -> Check:
    name = f"connection {planned.name}"
    connector = registry.connectors.get(planned.connector)
    if connector is None:
        why = registry.unusable(None, planned.connector) or f"{planned.connector} is not installed"
        return name, False, why
    if connector.connection is None:
        return name, True, "nothing to ask: it reaches no other system"
    try:
        connection = connector.connection(planned.config)
        async with asyncio.timeout(WITHIN):
            told = await connection.check()
            lacking = await connection.lacks(requests)
    except TimeoutError:
        return name, False, f"no answer within {WITHIN:g} s"
    except Exception as error:  # a plugin's own
        text = str(error) or type(error).__name__
        return name, False, hidden_text(text, planned)
    fine = None if told == NOT_ASKED or lacking else True
    return name, fine, hidden_text("; ".join([told, *lacking]), planned)
