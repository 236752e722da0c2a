"""Running: run, status."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Annotated, Any

import typer

from engine.app import stderr_log
from engine.cli.output import Exit, Form, FormatOption, escape, out, print_json, table
from engine.cli.owner import Owner, ask
from engine.cli.project import ProjectOption, StateOption, loaded_for, settings_for
from engine.cli.standing import headline, show_standing
from engine.console.worker import serve
from engine.core.clock import SystemClock
from engine.core.money import MINOR_UNITS, for_currency
from engine.loading import load
from engine.runtime.memory import quiet_collector
from engine.runtime.parent import Parent
from engine.settings import Settings

CHILD = "TILLFLOW_CHILD"


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(run)
    app.command()(status)


def run(
    project: ProjectOption = None,
    state: StateOption = None,
    transport: Annotated[
        str | None,
        typer.Option(help="sqlite, or amqp://user:password@host:5672/vhost. Default: TILLFLOW_TRANSPORT, else sqlite."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="sqlite, or postgresql://user:password@host/database. Default: TILLFLOW_STORE, else sqlite."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that do the work. Default: TILLFLOW_WORKERS, else 1.")
    ] = None,
    http: Annotated[
        str | None,
        typer.Option(help="host:port of /health/live, /health/ready and /metrics. Default: TILLFLOW_HTTP, else none."),
    ] = None,
    watch: Annotated[
        bool | None,
        typer.Option(
            "--watch/--no-watch",
            help="Apply files as they change; else only `tillflow apply` does. Default: TILLFLOW_WATCH, else --watch.",
        ),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Without the parent that starts the worker again after a crash.")
    ] = False,
) -> None:
    """Run all routes until stopped. A parent process watches over the workers that do the work.

    A route is the same file over every transport and store.
    """
    settings = settings_for(project, state, transport, store, workers, http, watch)
    settings.state.mkdir(parents=True, exist_ok=True)
    if alone or os.environ.get(CHILD):
        raise typer.Exit(_work(settings))
    loaded_for(settings)
    # Addresses hold passwords: the workers get them where others do not see them.
    os.environ.update({CHILD: "1", "TILLFLOW_TRANSPORT": settings.transport, "TILLFLOW_STORE": settings.store})
    os.environ |= {"TILLFLOW_WORKERS": str(settings.workers), "TILLFLOW_HTTP": settings.http}
    os.environ["TILLFLOW_WATCH"] = "yes" if settings.watch else "no"
    command = [
        sys.executable,
        "-m",
        "engine.cli",
        "run",
        "--project",
        str(settings.project),
        "--state",
        str(settings.state),
    ]
    ends = frozenset({int(Exit.OK), int(Exit.FAILED), int(Exit.USAGE), int(Exit.UNREACHABLE)})
    awaits = frozenset({int(Exit.UNREACHABLE)})
    folder = settings.state / "watch"
    parent = Parent(command, folder, ends, _parent_says(), children=settings.workers, awaits=awaits)
    raise typer.Exit(parent.run())


def _parent_says() -> Callable[[str], None]:
    """The parent's lines in the form of the worker's own."""
    log = stderr_log(SystemClock())
    return lambda text: log(text, {"part": "parent"})


def _work(settings: Settings) -> int:
    loaded = load(settings)  # with errors, perhaps: a worker that is started again goes on with what was active
    with quiet_collector():
        return asyncio.run(serve(settings, loaded))


def status(project: ProjectOption = None, state: StateOption = None, form: FormatOption = Form.HUMAN) -> None:
    """What runs in which revision, routes with their figures, queues, connections and open work items."""

    async def question(owner: Owner) -> Any:
        return {"running": owner.running, **await owner.get("/status")}

    answer = ask(settings_for(project, state), question)
    if form is Form.JSON:
        print_json(answer)
        return
    _show_status(answer)


_FIGURES = (
    "received",
    "applied",
    "not_selected",
    "filtered",
    "discarded",
    "superseded",
    "work_items",
    "in_flight",
    "duplicates",
)

_ALWAYS = ("received", "applied", "work_items", "in_flight")


def _show_status(answer: dict[str, Any]) -> None:
    console = out()
    console.print(escape(headline(answer)))
    figures = [f for f in answer["figures"] if not f.get("sink")]
    if figures:
        told = [name for name in _FIGURES if name in _ALWAYS or any(f[name] for f in figures)]
        rows = [(*_place(f), *(f[name] for name in told), "yes" if f["balanced"] else "NO") for f in answer["figures"]]
        heads = [name.replace("_", " ") for name in told]
        console.print(table(("route", "sink", *heads, "balanced"), rows, heads))
        _section("amounts", [row for f in answer["figures"] for row in _amounts(f)])
    elif answer["state"] != "store_down" and not any(w["state"] == "open" for w in answer["work"]):
        console.print("Nothing was received yet.")
    _section("problems", [(p["part"], escape(p["why"])) for p in answer["problems"]])
    show_standing(answer["revisions"])
    workers = [(w["worker"], w["state"], w["since"][:19], w["pid"], len(w["problems"])) for w in answer["workers"]]
    _section("workers", workers)
    _section("promises", [_promise(one) for one in answer["promises"]])
    _section("open work items", [(w["route"], w["reason"], w["count"]) for w in answer["work"] if w["state"] == "open"])
    for one in answer["refused"]:
        text = (
            f"{one['route']}: {one['count']} of these refused at the door (whole records or files); they are no events"
        )
        console.print(escape(f"{text} yet, so they are not among the received."))
    _section("waiting", [(q["queue"], q["ready"], q["delayed"], q["unacked"]) for q in _busy(answer["queues"])])
    _section("connections", [(c["connection"], c["breaker"]) for c in answer["connections"]])
    if any(w["state"] == "open" for w in answer["work"]):
        console.print("\nLook further with `tillflow work list` and `tillflow trace KEY`.")


def _place(figures: dict[str, Any]) -> tuple[str, str]:
    """The route stands once, above its sinks."""
    return ("", figures["sink"]) if figures["sink"] else (figures["route"], "")


def _amounts(figures: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for currency, received in sorted(figures["received_amount"].items()):
        applied = figures["applied_amount"].get(currency, "0")
        yield (*_place(figures), currency, _to_the_cent(received, currency), _to_the_cent(applied, currency))


def _to_the_cent(amount: str, currency: str) -> str:
    return str(for_currency(Decimal(amount), currency)) if currency in MINOR_UNITS else amount


def _promise(one: dict[str, Any]) -> tuple[Any, ...]:
    found = "nothing to judge by" if one["found"] is None else f"{one['found']:g}"
    return (
        one["route"],
        one["promise"],
        f"{one['wanted']:g}",
        found,
        {True: "kept", False: "BROKEN"}.get(one["kept"], ""),
    )


def _busy(queues: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (q for q in queues if q["ready"] or q["delayed"] or q["unacked"])


_HEADS = {
    "amounts": ("route", "sink", "currency", "received", "applied"),
    "promises": ("route", "promise", "wanted", "found", "state"),
    "problems": ("what", "why"),
    "workers": ("worker", "state", "since (UTC)", "pid", "problems"),
    "open work items": ("route", "reason", "count"),
    "waiting": ("queue", "ready", "delayed", "in hand"),
    "connections": ("connection", "breaker"),
}


_NUMBERS = ("received", "applied", "wanted", "found")


def _section(name: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        out().print(f"\n[bold]{name}[/]")
        out().print(table(_HEADS[name], rows, ("count", "ready", "delayed", "in hand", "pid", "problems", *_NUMBERS)))
