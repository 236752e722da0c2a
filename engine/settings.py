"""Settings of the engine itself: where things are. Not reloadable; everything about flows stands in the project's files."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from engine.core.errors import SettingsError

PREFIX = "TILLFLOW_"
EMBEDDED = "sqlite"
MODES = ("manage", "verify")
MOST_WORKERS = 64
_FORMS = {
    "transport": (("amqp", "amqps"), "`sqlite`, or the address of a RabbitMQ: amqp://user:password@host:5672/vhost"),
    "store": (
        ("postgresql", "postgres"),
        "`sqlite`, or the address of a PostgreSQL: postgresql://user:password@host:5432/database",
    ),
}
_CELL = re.compile(r"[a-z][a-z0-9_]{0,30}")


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

    @classmethod
    def read(
        cls,
        environ: Mapping[str, str],
        project: Path | None = None,
        state: Path | None = None,
        transport: str | None = None,
        store: str | None = None,
        workers: int | None = None,
        http: str | None = None,
        watch: bool | None = None,
    ) -> Settings:
        """From the environment; arguments win. Raises SettingsError for what cannot be, or not together."""
        root = (project or Path(environ.get(f"{PREFIX}PROJECT", "."))).absolute()
        folder = state or Path(environ.get(f"{PREFIX}STATE", str(root / ".tillflow")))
        secrets = environ.get(f"{PREFIX}SECRETS")
        settings = cls(
            project=root,
            state=folder.absolute(),
            transport=transport or environ.get(f"{PREFIX}TRANSPORT") or EMBEDDED,
            store=store or environ.get(f"{PREFIX}STORE") or EMBEDDED,
            secrets=Path(secrets) if secrets else None,
            zone=environ.get(f"{PREFIX}ZONE", ""),
            workers=workers if workers is not None else _number(environ, "WORKERS"),
            worker=_number(environ, "WORKER"),
            topology=environ.get(f"{PREFIX}TOPOLOGY") or MODES[0],
            cell=environ.get(f"{PREFIX}CELL", ""),
            http=http or environ.get(f"{PREFIX}HTTP", ""),
            watch=_yes(environ, "WATCH") if watch is None else watch,
        )
        settings._check()
        return settings

    def _check(self) -> None:
        for name in _FORMS:
            _check_address(name, getattr(self, name))
        if self.transport == EMBEDDED and self.store != EMBEDDED:
            raise SettingsError(
                f"the store is {where(self.store)} and the transport `sqlite`: that is refused. A SQLite transport "
                "belongs to one process of one host, while engines on other hosts may work over the same PostgreSQL "
                "and would wait for events they cannot see. Give a RabbitMQ with --transport amqp://.., or leave both "
                "at `sqlite`"
            )
        if not 1 <= self.workers <= MOST_WORKERS:
            raise SettingsError(f"{self.workers} workers are not possible; choose 1 to {MOST_WORKERS}")
        if self.workers > 1 and self.store == EMBEDDED:
            raise SettingsError(
                f"{self.workers} workers need a store that several processes can share, and SQLite has one owner. Give "
                "--transport amqp://.. and --store postgresql://.., or run one worker"
            )
        if self.topology not in MODES:
            raise SettingsError(f"{PREFIX}TOPOLOGY is {self.topology!r}; it is one of {', '.join(MODES)}")
        _ = self.probes
        if self.cell and not _CELL.fullmatch(self.cell):
            raise SettingsError(
                f"{PREFIX}CELL is {self.cell!r}; a name begins with a lower case letter, and goes on with at most 30 "
                "lower case letters, digits and _"
            )

    @property
    def probes(self) -> tuple[str, int]:
        """Host and port at which this process answers /health and /metrics; ("", 0): it does not.

        Worker 2 listens on the next port, and so on. Raises SettingsError for what is no address.
        """
        if not self.http:
            return "", 0
        host, separator, port = self.http.rpartition(":")
        if not separator or not host or not re.fullmatch(r"[0-9]{1,5}", port):
            raise SettingsError(
                f"{self.http!r} is no address to listen at (--http or {PREFIX}HTTP); write host:port, as in 127.0.0.1:9464"
            )
        return host.strip("[]"), int(port) + self.worker - 1 if int(port) else 0

    def started_with(self, only: Mapping[str, str] | None = None) -> dict[str, str]:
        """What no reload can change, by the name of its variable. Addresses hold passwords: of each value a digest.

        only   an environment: just what stands in it
        """
        values = {
            "TRANSPORT": self.transport,
            "STORE": self.store,
            "SECRETS": str(self.secrets.absolute()) if self.secrets else "",
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


def _yes(environ: Mapping[str, str], name: str) -> bool:
    """Raises SettingsError for what is neither yes nor no; yes where nothing is said."""
    text = environ.get(PREFIX + name, "") or "yes"
    if text not in ("yes", "no"):
        raise SettingsError(f"{PREFIX}{name} is {text!r}; it is yes or no")
    return text == "yes"


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(f"{PREFIX}{name}") or "1"
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise SettingsError(f"{PREFIX}{name} is {text!r}; it is a whole number")
    return int(text)


def _check_address(name: str, value: str) -> None:
    """Says what is wrong without telling the address: a mistyped one holds the password all the same."""
    schemes, forms = _FORMS[name]
    if value == EMBEDDED:
        return
    scheme, separator, _ = value.partition("://")
    told = f"the {name} (--{name} or {PREFIX}{name.upper()})"
    if not separator:
        known = repr(value) if re.fullmatch(r"[a-z0-9_-]{1,30}", value) else "what was given"
        raise SettingsError(f"{told} cannot be {known}; it is {forms}")
    if scheme not in schemes:
        raise SettingsError(f"{told} cannot begin with {scheme!r}://; it is {forms}")
    try:
        parts = urlsplit(value)
        good = bool(parts.hostname or scheme.startswith("postgres")) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise SettingsError(f"{told} is no address: host or port are not right. It is {forms}")


def where(address: str) -> str:
    """An address as people may see it: without user's password and without what stands behind `?`."""
    if "://" not in address:
        return address
    scheme, _, rest = address.partition("://")
    plain = rest.partition("?")[0]
    front, at, host = plain.rpartition("@")
    user = front.partition(":")[0]
    return f"{scheme}://{user}{at}{host}"
