"""Settings of the engine itself: where things are. Not reloadable; everything about flows stands in the project's files."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import SettingsError

PREFIX = "TILLFLOW_"


@dataclass(frozen=True)
class Settings:
    """How one engine process was started.

    project     folder with routes/ and mappings/                          TILLFLOW_PROJECT, default: current folder
    state       folder of the embedded database, blobs and socket          TILLFLOW_STATE, default: <project>/.tillflow
    transport   `sqlite` (in the state folder)                             TILLFLOW_TRANSPORT
    store       `sqlite` (in the state folder)                             TILLFLOW_STORE
    secrets     folder with one file per secret, besides TILLFLOW_SECRET_<NAME>   TILLFLOW_SECRETS
    zone        where this engine stands                                   TILLFLOW_ZONE
    """

    project: Path
    state: Path
    transport: str = "sqlite"
    store: str = "sqlite"
    secrets: Path | None = None
    zone: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str], project: Path | None = None, state: Path | None = None) -> Settings:
        """From the environment; arguments win. Raises SettingsError for a backend nobody has."""
        root = (project or Path(environ.get(f"{PREFIX}PROJECT", "."))).absolute()
        folder = state or Path(environ.get(f"{PREFIX}STATE", str(root / ".tillflow")))
        secrets = environ.get(f"{PREFIX}SECRETS")
        settings = cls(
            project=root,
            state=folder.absolute(),
            transport=environ.get(f"{PREFIX}TRANSPORT", "sqlite"),
            store=environ.get(f"{PREFIX}STORE", "sqlite"),
            secrets=Path(secrets) if secrets else None,
            zone=environ.get(f"{PREFIX}ZONE", ""),
        )
        for name in ("transport", "store"):
            if getattr(settings, name) != "sqlite":
                raise SettingsError(
                    f"{PREFIX}{name.upper()} is {getattr(settings, name)!r}; this version knows `sqlite` only"
                )
        return settings

    @property
    def database(self) -> Path:
        """The embedded database."""
        return self.state / "tillflow.db"

    @property
    def socket(self) -> Path:
        """Where the owner answers the command line: in the state folder, or where that name is too long for a socket
        beside other temporary files, under a name that belongs to this state folder alone.
        """
        inside = self.state / "engine.sock"
        if len(str(inside).encode()) <= 100:
            return inside
        name = hashlib.sha256(str(self.state).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"tillflow-{os.getuid()}-{name}.sock"
