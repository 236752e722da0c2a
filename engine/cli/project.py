"""Finding and loading the project a command works on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from engine.cli.output import Exit, fail
from engine.core.errors import ConfigError
from engine.core.findings import has_errors
from engine.settings import Given, Settings
from engine.settings.checks import check_secrets

if TYPE_CHECKING:
    from engine.loading import Loaded

ProjectOption = Annotated[
    Path | None, typer.Option("--project", "-p", help="Folder with routes/ and mappings/. Default: this folder.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="Folder of the embedded database. Default: <project>/.tillflow.")
]

CHILD = "TILLFLOW_CHILD"  # set for workers by the parent that starts them


def settings_for(project: Path | None, state: Path | None = None, **given: Unpack[Given]) -> Settings:
    """Settings of this command. Ends with exit code 2 where there is no project, raises SettingsError for the rest.

    Where something ran before, a project without its routes/ is one that was edited badly: that is a finding.
    """
    settings = Settings.read(os.environ, project, state, **given)
    there = _what_is_missing(settings)
    if there:
        fail(
            f"{settings.project} holds no tillflow project: {there}",
            Exit.USAGE,
            "go to the project's folder, name it with --project, or lay one down with `tillflow init DIR`",
        )
    if not os.environ.get(CHILD):  # a worker that is started again goes on, and says which secret it misses
        check_secrets(settings.secrets)
    return settings


def _what_is_missing(settings: Settings) -> str:
    """Why this folder is no project; empty where it is one, or was one when it ran."""
    if not os.path.isdir(settings.project):
        return "there is no such folder"
    if not settings.fresh or os.path.isdir(settings.project / "routes"):
        return ""
    return "there is no folder routes/ in it"


def loaded_for(settings: Settings) -> Loaded:
    """The project, compiled. Raises ConfigError when it has errors."""
    from engine.loading import load

    loaded = load(settings)
    if has_errors(loaded.findings):
        raise ConfigError(loaded.findings, loaded.sources)
    return loaded
