"""`tillflow work`: events that wait for a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.bulk import decide, replay_all
from engine.cli.decider import ActorOption, ReasonOption, login
from engine.cli.editing import edited
from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, out, print_json
from engine.cli.owner import Owner, ask
from engine.cli.project import ProjectOption, StateOption, settings_for
from engine.cli.shown import show_item, show_items
from engine.core.errors import Permanent
from engine.core.jsonx import parse

work = typer.Typer(help="Events that wait for a decision.", no_args_is_help=True)

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_:.-]*")


def _id(text: str) -> str:
    """An id or its beginning, safe in an address. Raises typer.BadParameter."""
    if not _ID.fullmatch(text):
        raise typer.BadParameter("an id has letters and digits only; `tillflow work list` shows them")
    return text


IdArgument = Annotated[
    str, typer.Argument(callback=_id, help="The item's id, or a beginning of it that only one item has.")
]


def _ids(texts: list[str] | None) -> list[str]:
    return [_id(text) for text in texts or ()]


_WHICH = "Items' ids, or beginnings that only one item has."
IdsArgument = Annotated[list[str], typer.Argument(callback=_ids, metavar="ID", help=_WHICH)]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(work, name="work")


@work.command("list")
def list_(
    text: Annotated[
        str,
        typer.Argument(
            help="A business key (`1001`, `receipt=1001`), a file (`file=day.csv`), an item id or an event id."
        ),
    ] = "",
    route: Annotated[str, typer.Option(help="Only this route.")] = "",
    reason: Annotated[str, typer.Option(help="Only this reason.")] = "",
    owner_: Annotated[str, typer.Option("--owner", help="Only this owner.")] = "",
    state: Annotated[
        list[str] | None, typer.Option("--in-state", help="open, replayed, resolved, discarded. Repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most rows.")] = 100,
    project: ProjectOption = None,
    state_folder: StateOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """List what waits: why, since when, for whom, and which sale it is."""

    name, _, value = text.partition("=") if "=" in text else ("", "", text)

    async def question(owner: Owner) -> Any:
        return await owner.get(
            "/work",
            text=value,
            name=name,
            route=route,
            reason=reason,
            owner=owner_,
            state=state or ["open"],
            limit=limit,
        )

    answer = ask(settings_for(project, state_folder), question)
    if form is Form.JSON:
        print_json(answer)
        return
    if answer["items"]:
        show_items(answer["items"])
    elif text or route or reason or owner_:
        out().print("No work item matches.")
    else:
        out().print("No work items: nothing waits for a person.")


@work.command()
def show(
    id: IdArgument,
    full: Annotated[
        bool, typer.Option("--full", help="A long text whole, not only the lines around the place.")
    ] = False,
    project: ProjectOption = None,
    state: StateOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Show one item: what failed, where, the data as people may see it, and what can be done about it."""
    item = _item(settings_for(project, state), id)
    if form is Form.JSON:
        print_json(item)
        return
    show_item(item, full=full)


def _item(settings: Any, id: str) -> Any:
    async def question(owner: Owner) -> Any:
        return await owner.get(f"/work/{id}")

    return ask(settings, question)


@work.command()
def edit(
    id: IdArgument,
    reason: ReasonOption,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="The new body; `-` reads standard input. Default: your editor.")
    ] = None,
    actor: ActorOption = "",
    project: ProjectOption = None,
    state: StateOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Change what will be replayed. Values shown as *** stay what they are if you leave them."""
    settings = settings_for(project, state)
    before = _item(settings, id)["body"]
    text = edited(before, file)
    body: Any = text
    if not isinstance(before, str):
        try:
            body = parse(text)
        except Permanent as failure:
            fail(f"the new body is not JSON: {failure.detail}", Exit.USAGE, "nothing was changed")

    async def question(owner: Owner) -> Any:
        return await owner.post(f"/work/{id}/edit", {"actor": actor or login(), "reason": reason, "body": body})

    item = ask(settings, question, changes=True)
    if form is Form.JSON:
        print_json(item)
        return
    err().print(escape(f"edited {item['id']}; `tillflow work replay {item['id']} -r ...` sends it on its way"))


@work.command()
def replay(
    reason: ReasonOption,
    ids: Annotated[list[str] | None, typer.Argument(callback=_ids, metavar="ID", help=_WHICH)] = None,
    every: Annotated[bool, typer.Option("--all", help="Every open item that --reason-is and --route leave.")] = False,
    reason_is: Annotated[str, typer.Option("--reason-is", help="With --all: only items with this reason.")] = "",
    route: Annotated[str, typer.Option(help="With --all: only this route.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --all: do it without asking.")] = False,
    actor: ActorOption = "",
    project: ProjectOption = None,
    state: StateOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Have them tried again, as they are or as they were edited. What was applied already is not applied again."""
    if every and ids:
        told = f"{', '.join(ids)} and --all were both given"
        fail(told, Exit.USAGE, "give ids to replay these, or --all for every open one")
    if not every and not ids:
        fail("replay needs an id, or --all", Exit.USAGE, "`tillflow work list` shows what waits")
    if not every and (reason_is or route or yes):
        fail("--reason-is, --route and --yes go with --all", Exit.USAGE, "with an id there is nothing to choose")
    settings, who = settings_for(project, state), {"actor": actor or login(), "reason": reason}
    if every:
        replay_all(settings, {"reason": reason_is, "route": route}, who, sure=yes, form=form)
    else:
        decide("replay", ids or [], who, settings, form)


@work.command()
def resolve(
    ids: IdsArgument,
    reason: ReasonOption,
    actor: ActorOption = "",
    project: ProjectOption = None,
    state: StateOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Close them: they were put right elsewhere."""
    who = {"actor": actor or login(), "reason": reason}
    decide("resolve", ids, who, settings_for(project, state), form)


@work.command()
def discard(
    ids: IdsArgument,
    reason: ReasonOption,
    actor: ActorOption = "",
    project: ProjectOption = None,
    state: StateOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Close them: they are not wanted. The reason stays in the audit."""
    who = {"actor": actor or login(), "reason": reason}
    decide("discard", ids, who, settings_for(project, state), form)
