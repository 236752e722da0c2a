"""What runs in a process that was forked for one life of the command line. Imported once, before any fork."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module

from engine.backends.rabbitmq import aiormq_plane
from engine.backends.sqlite import SqliteDatabase
from engine.cli.main import main
from engine.discover import discover
from engine.runtime import crash
from engine.runtime.ingress import turn
from engine.runtime.people import undecided
from tests import planes

# What is imported late, here once for all lives: that is quicker, and an edit of the engine does not tear a story apart.
LATE = (
    "anyio._backends._asyncio",
    "connectors.core.http.client",
    "engine.cli.run",
    "engine.cli.trace",
    "engine.cli.work",
    "engine.expr.shape.schema",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.h11_impl",
)
for name in LATE:
    import_module(name)
discover()


def small_disk(pages: str, size: str) -> None:
    """A database that takes so many pages only and is full then; files that may not grow beyond so many bytes."""
    if pages:
        whole = SqliteDatabase.connect

        def connect(database: SqliteDatabase) -> sqlite3.Connection:
            connection = whole(database)
            connection.execute(f"pragma max_page_count = {int(pages)}")
            return connection

        SqliteDatabase.connect = connect  # type: ignore[method-assign]
    if size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))


def tillflow(arguments: Sequence[str], environ: Mapping[str, str], out: str, log: str) -> None:
    """Run `tillflow` with these arguments as if the process had been started so; ends the process."""
    os.environ.clear()
    os.environ.update(environ)
    sys.path[:0] = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    for number, path in ((1, out), (2, log)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the process's life
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.resetwarnings()
    planes.use(environ.get("PROOF_PLANE", ""))
    turn.LEASE = float(environ.get("PROOF_LEASE", turn.LEASE))
    aiormq_plane.CONNECT_WITHIN = float(environ.get("PROOF_CONNECT", aiormq_plane.CONNECT_WITHIN))
    undecided.YOUNG = float(environ.get("PROOF_YOUNG", undecided.YOUNG))
    small_disk(environ.get("PROOF_PAGES", ""), environ.get("PROOF_FILE_SIZE", ""))
    crash.arm(environ.get("TILLFLOW_CRASH_AT", ""))
    sys.argv = ["tillflow", *arguments]
    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
