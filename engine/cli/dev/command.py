"""The command `tillflow dev`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from typer import Typer

from engine.cli.dev.screen import Screen
from engine.cli.dev.session import Session
from engine.cli.project import ProjectOption, settings_for
from engine.settings import Settings


def add_to(app: Typer) -> None:
    """Add this group's commands."""
    app.command()(dev)


def dev(project: ProjectOption = None) -> None:
    """Run the project on local stand-ins while you write it: every save is checked, tested and runs.

    Sources bring what you drop into a temporary folder, sinks only show what they are sent, calls answer as the
    routes' tests say. Nothing of it is left when it ends.
    """
    given = settings_for(project)
    with tempfile.TemporaryDirectory(prefix="tillflow-dev-") as folder:
        state = Path(folder) / "state"
        state.mkdir()  # versions of secrets are keyed in it: made later, the first look and the second would differ
        settings = Settings(given.project, state, secrets=given.secrets, zone=given.zone)
        asyncio.run(Session(settings, Path(folder) / "drop", Screen()).run())
