"""Settings of the engine itself: where things are. Not reloadable; everything about flows stands in the project's files."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, Unpack

from engine.settings.addresses import EMBEDDED, PREFIX, check_address, listening_at, where
from engine.settings.checks import (
    MODES,
    MOST_WORKERS,
    check_log_format,
    check_names,
    check_together,
    check_workers,
    number,
    yes,
)

__all__ = ["EMBEDDED", "Given", "Settings", "where"]


class Given(TypedDict, total=False):
    """What options of a command say; None and empty text leave it to the environment."""

    transport: str | None
    store: str | None
    workers: int | None
    http: str | None
    watch: bool | None
    log_format: str | None


@dataclass(frozen=True)
class Settings:
    """How one engine process was started.

    project     folder with routes/ and mappings/                          TILLFLOW_PROJECT, default: current folder
    state       folder of the embedded database, blobs and socket          TILLFLOW_STATE, default: <project>/.tillflow
    transport   `sqlite` (in the state folder) or amqp[s]://..             TILLFLOW_TRANSPORT
    store       `sqlite` (in the state folder) or postgresql://..          TILLFLOW_STORE
    secrets     folder with one file per secret, besides TILLFLOW_SECRET_<NAME>   TILLFLOW_SECRETS
    zone        where this engine stands                                   TILLFLOW_ZONE
    workers     how many processes do the work on this host                TILLFLOW_WORKERS
    worker      which of them this one is, from 1; the parent says so      TILLFLOW_WORKER
    topology    `manage`: queues are declared; `verify`: only looked at    TILLFLOW_TOPOLOGY
    cell        a name, where several cells share a vhost or a database    TILLFLOW_CELL
    watch       files that change are applied by themselves; else by `tillflow apply`      TILLFLOW_WATCH, yes or no
    http        host:port of /health and /metrics; empty: not served       TILLFLOW_HTTP
    log_format  human, json; empty: human where stderr is a terminal       TILLFLOW_LOG_FORMAT

    Addresses hold passwords: they are shown through `where` only.
    """

    project: Path
    state: Path
    transport: str = field(default=EMBEDDED, repr=False)
    store: str = field(default=EMBEDDED, repr=False)
    secrets: Path | None = None
    zone: str = ""
    workers: int = 1
    worker: int = 1
    topology: str = "manage"
    cell: str = ""
    http: str = ""
    watch: bool = True
    log_format: str = ""

    @classmethod
    def read(
        cls,
        environ: Mapping[str, str],
        project: Path | None = None,
        state: Path | None = None,
        **given: Unpack[Given],
    ) -> Settings:
        """From the environment; what is given wins. Raises SettingsError for what cannot be, or not together."""
        root = _whole(project or Path(environ.get(f"{PREFIX}PROJECT") or "."))
        folder = state or Path(environ.get(f"{PREFIX}STATE") or root / ".tillflow")
        workers, watch, secrets = given.get("workers"), given.get("watch"), environ.get(f"{PREFIX}SECRETS")
        settings = cls(
            project=root,
            state=_whole(folder),
            transport=given.get("transport") or environ.get(f"{PREFIX}TRANSPORT") or EMBEDDED,
            store=given.get("store") or environ.get(f"{PREFIX}STORE") or EMBEDDED,
            secrets=_whole(Path(secrets)) if secrets else None,
            zone=environ.get(f"{PREFIX}ZONE", ""),
            workers=number(environ, "WORKERS") if workers is None else workers,
            worker=number(environ, "WORKER"),
            topology=environ.get(f"{PREFIX}TOPOLOGY") or MODES[0],
            cell=environ.get(f"{PREFIX}CELL", ""),
            http=given.get("http") or environ.get(f"{PREFIX}HTTP", ""),
            watch=yes(environ, "WATCH") if watch is None else watch,
            log_format=given.get("log_format") or environ.get(f"{PREFIX}LOG_FORMAT", ""),
        )
        settings._check()
        return settings

    def _check(self) -> None:
        """What can be told from the settings alone. Folders are looked at where they are needed, see `checks`."""
        check_address("transport", self.transport)
        check_address("store", self.store)
        check_workers(self.workers, self.worker)
        check_together(self.transport, self.store, self.workers)
        check_names(self.topology, self.zone, self.cell)
        check_log_format(self.log_format)
        listening_at(self.http, self.workers)

    @property
    def probes(self) -> tuple[str, int]:
        """Host and port at which this process answers /health and /metrics; ("", 0): it does not.

        Worker 2 listens on the next port, and so on. Raises SettingsError for what is no address.
        """
        return self.all_probes(self.worker)[-1]

    def all_probes(self, most: int) -> list[tuple[str, int]]:
        """The same of the first workers. Port 0 stands for any that is free."""
        host, port = listening_at(self.http, most)
        return [(host, port + place if port else 0) for place in range(most)]

    def started_with(self, only: Mapping[str, str] | None = None) -> dict[str, str]:
        """What no reload can change, by the name of its variable. Addresses hold passwords: of each value a digest.

        only   an environment: just what stands in it
        """
        values = {
            "TRANSPORT": self.transport,
            "STORE": self.store,
            "SECRETS": str(self.secrets) if self.secrets else "",
            "ZONE": self.zone,
            "WORKERS": str(self.workers),
            "TOPOLOGY": self.topology,
            "CELL": self.cell,
            "HTTP": self.http,
            "WATCH": "" if self.watch else "no",
        }
        return {
            PREFIX + name: hashlib.sha256(value.encode()).hexdigest()[:16]
            for name, value in values.items()
            if only is None or only.get(PREFIX + name)
        }

    @property
    def embedded(self) -> bool:
        """Nothing but this process and its files."""
        return self.transport == EMBEDDED and self.store == EMBEDDED

    @property
    def fresh(self) -> bool:
        """Nothing can have run here before."""
        return self.store == EMBEDDED and not self.database.exists()

    @property
    def schema(self) -> str:
        """Where the tables of this cell are, in a PostgreSQL."""
        return self.cell or "tillflow"

    @property
    def database(self) -> Path:
        """The embedded database."""
        return self.state / "tillflow.db"

    @property
    def socket(self) -> Path:
        """Where this process answers the command line: in the state folder, or where that name is too long for a socket
        beside other temporary files, under a name that belongs to this state folder alone.
        """
        return self.sockets()[self.worker - 1]

    def sockets(self, most: int = MOST_WORKERS) -> list[Path]:
        """Where the workers of this state folder answer, the first one first."""
        names = ["engine.sock", *(f"engine-{number}.sock" for number in range(2, most + 1))]
        if len(str(self.state / names[-1]).encode()) <= 100:
            return [self.state / name for name in names]
        own = hashlib.sha256(str(self.state).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir())
        return [folder / f"tillflow-{os.getuid()}-{own}-{name}" for name in names]


def _whole(path: Path) -> Path:
    """From the root, without `..`; links stay, since a project may be a link that is swapped."""
    return Path(os.path.abspath(path))
