"""Finding and loading the project a command works on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.output import Exit, fail
from engine.core.errors import ConfigError
from engine.core.findings import has_errors
from engine.loading import Loaded, load
from engine.settings import Settings

ProjectOption = Annotated[
    Path | None, typer.Option("--project", "-p", help="Folder with routes/ and mappings/. Default: this folder.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="Folder of the embedded database. Default: <project>/.tillflow.")
]


def settings_for(
    project: Path | None,
    state: Path | None = None,
    transport: str | None = None,
    store: str | None = None,
    workers: int | None = None,
    http: str | None = None,
    watch: bool | None = None,
) -> Settings:
    """Settings of this command. Ends with exit code 2 where there is no project."""
    import os

    settings = Settings.read(os.environ, project, state, transport, store, workers, http, watch)
    if not (settings.project / "routes").is_dir():
        fail(
            f"{settings.project} holds no tillflow project: there is no folder routes/ in it",
            Exit.USAGE,
            "go to the project's folder, name it with --project, or lay one down with `tillflow init DIR`",
        )
    return settings


def loaded_for(settings: Settings) -> Loaded:
    """The project, compiled. Raises ConfigError when it has errors."""
    loaded = load(settings)
    if has_errors(loaded.findings):
        raise ConfigError(loaded.findings, loaded.sources)
    return loaded
