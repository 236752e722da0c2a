"""`tillflow topology plan|apply|verify|export|adopt`: what the project needs of RabbitMQ, against what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import typer

from engine.backends.rabbitmq import Names, admin
from engine.backends.rabbitmq.belonging import identity
from engine.backends.rabbitmq.control import Control
from engine.backends.rabbitmq.layout import Layout, layout
from engine.cells import command_cell, names_of, place_of, rabbit
from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, out, print_json, table
from engine.cli.project import ProjectOption, loaded_for, settings_for
from engine.core.errors import SettingsError, StoreDown, TransportBlocked
from engine.runtime.demand import demand
from engine.settings import EMBEDDED, Settings, where

topology = typer.Typer(help="Exchanges and queues on RabbitMQ: compare, make, check, write down.", no_args_is_help=True)

TransportOption = Annotated[
    str | None, typer.Option("--transport", help="amqp://user:password@host:5672/vhost, of a user who may configure.")
]
UsersOption = Annotated[
    bool,
    typer.Option("--users", help="The users that are needed and what each may do, instead of exchanges and queues."),
]
Work = Callable[[Control, Layout], Awaitable[Sequence[admin.Step]]]
HELP = {
    "missing": "`tillflow topology apply` makes it, as a user who may configure",
    "unknown": "it exists; its arguments can be compared by a user who may configure",
}


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(topology, name="topology")


@topology.command()
def plan(project: ProjectOption = None, transport: TransportOption = None, form: FormatOption = Form.HUMAN) -> None:
    """Say what is missing and what differs. Changes nothing; exit code 3 when `apply` has something to make."""
    steps = _steps(project, transport, admin.plan)
    _show(steps, form)
    _end(steps, missing=Exit.PENDING)


@topology.command()
def apply(project: ProjectOption = None, transport: TransportOption = None, form: FormatOption = Form.HUMAN) -> None:
    """Make what is missing, and bind everything. What exists is never changed: what differs is told, exit code 1."""
    steps = _steps(project, transport, admin.apply)
    _show(steps, form)
    _end(steps, missing=Exit.FAILED)


@topology.command()
def verify(project: ProjectOption = None, transport: TransportOption = None, form: FormatOption = Form.HUMAN) -> None:
    """Check that everything an engine needs is there; exit code 1 when not. The engine's own user is enough for it."""
    steps = _steps(project, transport, admin.plan)
    _show(steps, form)
    _end(steps, missing=Exit.FAILED)


@topology.command()
def export(
    project: ProjectOption = None,
    transport: TransportOption = None,
    users: UsersOption = False,
    form: FormatOption = Form.JSON,
) -> None:
    """Write it all as a definitions file for `rabbitmqctl import_definitions`. Needs no broker."""
    settings = _settings(project, transport)
    vhost = _vhost(settings)
    if users:
        _users(names_of(settings), vhost, form)
        return
    print_json(admin.export(_wanted(settings), vhost))


@topology.command()
def adopt(project: ProjectOption = None, transport: TransportOption = None) -> None:
    """Give the cell to the store of these settings, because the one it belonged to is gone for good.

    Every engine of the cell must be stopped. What lies in the queues is posted without knowing what was posted before.
    """
    settings = _settings(project, transport)
    _needs_broker(settings)
    settings.state.mkdir(parents=True, exist_ok=True)
    out().print(escape(asyncio.run(_adopt(settings))))


async def _adopt(settings: Settings) -> str:
    async with command_cell(settings, changes=True) as cell:
        mine = await identity(cell.store, place_of(settings), cell.clock.now())
        broker = rabbit(settings, cell.clock, cell.log, look=True)
        await broker.open()
        try:
            if consumers := await broker.consumers():
                raise SettingsError(
                    f"{consumers} consumers are at work in this cell; stop every engine of it first, then adopt it"
                )
            await broker.belong(mine, adopt=True)
        finally:
            await broker.close()
    return f"the cell belongs to {mine.where} now"


def _settings(project: Any, transport: str | None) -> Settings:
    return settings_for(project, transport=transport)


def _wanted(settings: Settings) -> Layout:
    needed = demand(loaded_for(settings).routeset)
    return layout(names_of(settings), needed.topology, needed.delays)


def _vhost(settings: Settings) -> str:
    return "/" if settings.transport == EMBEDDED else unquote(urlsplit(settings.transport).path[1:]) or "/"


def _needs_broker(settings: Settings) -> None:
    if settings.transport == EMBEDDED:
        fail(
            "no broker is named: the transport is `sqlite`, which needs no topology",
            Exit.USAGE,
            "give --transport amqp://user:password@host:5672/vhost, or set TILLFLOW_TRANSPORT",
        )


def _steps(project: Any, transport: str | None, work: Work) -> Sequence[admin.Step]:
    settings = _settings(project, transport)
    _needs_broker(settings)
    wanted = _wanted(settings)

    async def run() -> Sequence[admin.Step]:
        control = Control(settings.transport)
        try:
            return await work(control, wanted)
        except TransportBlocked as error:
            raise StoreDown(str(error)) from error
        finally:
            await control.close()

    err().print(
        escape(f"{len(wanted.exchanges)} exchanges and {len(wanted.queues)} queues at {where(settings.transport)}")
    )
    return asyncio.run(run())


def _show(steps: Sequence[admin.Step], form: Form) -> None:
    told = [replace(step, text=step.text or HELP.get(step.state, "")) for step in steps]
    counts = {
        state: sum(step.state == state for step in steps)
        for state in ("there", "unknown", "made", "missing", "different")
    }
    if form is Form.JSON:
        print_json({"steps": [asdict(step) for step in told], "counts": counts})
        return
    rows = [(step.state, step.kind, step.name, step.text) for step in steps if step.state not in ("there", "unknown")]
    if rows:
        out().print(table(("", "what", "name", ""), rows))
    out().print(", ".join(f"{count} {state}" for state, count in counts.items() if count))
    for state in sorted({step.state for step in steps} & HELP.keys()):
        out().print(escape(f"{state}: {HELP[state]}"))


def _end(steps: Sequence[admin.Step], missing: Exit) -> None:
    states = {step.state for step in steps}
    if "different" in states:
        raise typer.Exit(int(Exit.FAILED))
    if "missing" in states:
        raise typer.Exit(int(missing))


def _users(names: Names, vhost: str, form: Form) -> None:
    roles = admin.permissions(names)
    if form is Form.JSON:
        print_json(
            {"vhost": vhost, "users": [{"user": f"tillflow-{role}", **asdict(one)} for role, one in roles.items()]}
        )
        return
    for role, one in roles.items():
        out().print(escape(f"# {one.may}"))
        out().print(escape(f"rabbitmqctl add_user tillflow-{role}"))
        expressions = " ".join(f"'{text}'" for text in (one.configure, one.write, one.read))
        out().print(escape(f"rabbitmqctl set_permissions --vhost '{vhost}' tillflow-{role} {expressions}\n"))
