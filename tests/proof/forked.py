"""What runs in a process that was forked for one life of the command line. Imported once, before any fork."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence

from engine.cli.main import main
from engine.discover import discover
from engine.runtime import crash

discover()  # connectors are imported once for all lives


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
    crash.arm(environ.get("TILLFLOW_CRASH_AT", ""))
    sys.argv = ["tillflow", *arguments]
    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
