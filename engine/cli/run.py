"""Running: the parent with its workers, and what one worker does.

The parent imports neither backends nor runtime: it has nothing to do with them, and a start would take twice as long.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import chdir
from typing import Annotated

import typer

from engine.cli.output import Exit, fail
from engine.cli.project import CHILD, ProjectOption, StateOption, loaded_for, settings_for
from engine.core.clock import SystemClock
from engine.core.garbage import quiet_collector
from engine.logs import StderrLog
from engine.runtime.parent import Parent
from engine.settings import Settings
from engine.settings.checks import make_state
from engine.settings.environment import unknown

TransportOption = Annotated[
    str | None,
    typer.Option(help="sqlite, or amqp://user:password@host:5672/vhost. Default: TILLFLOW_TRANSPORT, else sqlite."),
]
StoreOption = Annotated[
    str | None,
    typer.Option(help="sqlite, or postgresql://user:password@host/database. Default: TILLFLOW_STORE, else sqlite."),
]
WorkersOption = Annotated[
    int | None, typer.Option(help="Processes that do the work. Default: TILLFLOW_WORKERS, else 1.")
]
HttpOption = Annotated[
    str | None,
    typer.Option(help="host:port of /health/live, /health/ready and /metrics. Default: TILLFLOW_HTTP, else none."),
]
WatchOption = Annotated[
    bool | None,
    typer.Option(
        "--watch/--no-watch",
        help="Apply files as they change; else only `tillflow apply` does. Default: TILLFLOW_WATCH, else --watch.",
    ),
]
LogFormatOption = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        help="human or json, a line each on stderr. Default: TILLFLOW_LOG_FORMAT, else human on a terminal, json elsewhere.",
    ),
]
AloneOption = Annotated[
    bool, typer.Option("--alone", help="Without the parent that starts the worker again after a crash.")
]
ENDS = frozenset({int(Exit.OK), int(Exit.FAILED), int(Exit.USAGE), int(Exit.UNREACHABLE)})
AWAITS = frozenset({int(Exit.UNREACHABLE)})


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(run)


def run(
    project: ProjectOption = None,
    state: StateOption = None,
    transport: TransportOption = None,
    store: StoreOption = None,
    workers: WorkersOption = None,
    http: HttpOption = None,
    watch: WatchOption = None,
    log_format: LogFormatOption = None,
    alone: AloneOption = False,
) -> None:
    """Run all routes until stopped. A parent process watches over the workers that do the work.

    A route is the same file over every transport and store.
    """
    if alone and (workers or 1) > 1:
        fail(f"--alone is one process, and --workers {workers} are more", Exit.USAGE, "give one of them")
    settings = settings_for(
        project,
        state,
        transport=transport,
        store=store,
        workers=workers,
        http=http,
        watch=watch,
        log_format=log_format,
    )
    make_state(settings.state)
    with chdir(settings.project):  # where the folders and databases of connections are named from
        raise typer.Exit(_started(settings, alone=alone))


def _started(settings: Settings, *, alone: bool) -> int:
    if os.environ.get(CHILD):
        return _work(settings)
    for host, port in settings.all_probes(1 if alone else settings.workers):
        _check_free(host, port)
    _warn_of_variables(settings)
    if alone:
        return _work(settings)
    if settings.fresh and settings.workers > 1:
        loaded_for(settings)  # its errors are told once, and not by each worker
    return _watch_over(settings)


def _check_free(host: str, port: int) -> None:
    if host:
        from engine.console.serve import check_free

        check_free(host, port)


def _watch_over(settings: Settings) -> int:
    """Be the parent until the workers end."""
    folders = ("--project", str(settings.project), "--state", str(settings.state))
    command = [sys.executable, "-m", "engine.cli", "run", *folders]
    parent = Parent(
        command,
        settings.state / "watch",
        ENDS,
        _parent_says(settings),
        children=settings.workers,
        awaits=AWAITS,
        variables=_for_workers(settings),
    )
    return parent.run()


def _for_workers(settings: Settings) -> dict[str, str]:
    """What the options said, as workers are told it: addresses hold passwords, and an environment is not seen by others."""
    return {
        CHILD: "1",
        "TILLFLOW_TRANSPORT": settings.transport,
        "TILLFLOW_STORE": settings.store,
        "TILLFLOW_WORKERS": str(settings.workers),
        "TILLFLOW_HTTP": settings.http,
        "TILLFLOW_WATCH": "yes" if settings.watch else "no",
        "TILLFLOW_LOG_FORMAT": settings.log_format,
    }


def _parent_says(settings: Settings) -> Callable[[str], None]:
    """The parent's lines, each about a death, in the form of the worker's own."""
    log = StderrLog(SystemClock(), settings.log_format)
    return lambda text: log(text, {"level": "error", "part": "parent"})


def _warn_of_variables(settings: Settings) -> None:
    """Misspelt ones would be ignored without a word."""
    log = StderrLog(SystemClock(), settings.log_format)
    for name, help in unknown(os.environ):
        log(
            "an environment variable is no setting; it is ignored", {"level": "warning", "variable": name, "help": help}
        )


def _work(settings: Settings) -> int:
    from engine.console.worker import serve
    from engine.loading import load

    # What ran before runs on, whatever stands in the files. Where nothing ran yet, their errors are all there is to say.
    loaded = loaded_for(settings) if settings.fresh else load(settings)
    with quiet_collector():
        return asyncio.run(serve(settings, loaded))
