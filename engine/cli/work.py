"""`tillflow work`: events that wait for a person."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, out, pretty, print_json, table
from engine.cli.owner import Owner, ask
from engine.cli.project import ProjectOption, StateOption, settings_for
from engine.core.errors import Permanent
from engine.core.jsonx import parse

work = typer.Typer(help="Events that wait for a decision.", no_args_is_help=True)

MOST_AT_ONCE = 1_000_000  # items of one `replay --all`

IdArgument = Annotated[str, typer.Argument(help="The item's id, or a beginning of it that only one item has.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the audit.")]
ActorOption = Annotated[str, typer.Option("--actor", envvar="TILLFLOW_ACTOR", help="Who decides. Default: your login.")]


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
    limit: Annotated[int, typer.Option(min=1, help="Most rows.")] = 100,
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
    if not answer["items"]:
        out().print(
            "No work item matches."
            if text or route or reason or owner_
            else "No work items: nothing waits for a person."
        )
        return
    rows = [
        (i["id"], i["created"][:19], i["route"], i["sink"], i["reason"], i["detail"], _keys(i["search"]), i["owner"])
        for i in answer["items"]
    ]
    out().print(table(("id", "since (UTC)", "route", "sink", "reason", "detail", "keys", "owner"), rows))


def _keys(search: Any) -> str:
    if not isinstance(search, dict):
        return str(search)
    named = any(name not in ("key", "file") for name in search)
    left_out = {"key"} if named else set()
    return " ".join(f"{k}={v}" for k, v in search.items() if k not in left_out and not k.startswith("key."))


@work.command()
def show(
    id: IdArgument, project: ProjectOption = None, state: StateOption = None, form: FormatOption = Form.HUMAN
) -> None:
    """Show one item: what failed, where, and the data as people may see it."""
    item = _item(settings_for(project, state), id)
    if form is Form.JSON:
        print_json(item)
        return
    console = out()
    if place := _place(item["headers"]):
        item = {**item, "record": place}
    for name in (
        "id",
        "state",
        "level",
        "route",
        "sink",
        "owner",
        "reason",
        "detail",
        "record",
        "created",
        "attempts",
        "note",
    ):
        if item.get(name):
            console.print(f"[bold]{name:<9}[/] {escape(str(item[name]))}")
    if item["data"]:
        console.print(f"[bold]facts[/]\n{escape(pretty(item['data']))}")
    body = item["body"]
    console.print(f"[bold]body[/]\n{escape(body if isinstance(body, str) else pretty(body))}")


def _place(headers: dict[str, Any]) -> str:
    """File and line of the source record."""
    return ":".join(str(headers[name]) for name in ("h-file", "h-line") if headers.get(name))


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
) -> None:
    """Change what will be replayed. Values shown as *** stay what they are if you leave them."""
    settings = settings_for(project, state)
    before = _item(settings, id)["body"]
    text = _edited(before, file)
    body: Any = text
    if not isinstance(before, str):
        try:
            body = parse(text)
        except Permanent as failure:
            fail(f"the new body is not JSON: {failure.detail}", Exit.USAGE, "nothing was changed")

    async def question(owner: Owner) -> Any:
        return await owner.post(f"/work/{id}/edit", {"actor": actor or _login(), "reason": reason, "body": body})

    item = ask(settings, question, changes=True)
    err().print(escape(f"edited {item['id']}; `tillflow work replay {item['id']} -r ...` sends it on its way"))


def _edited(before: Any, file: Path | None) -> str:
    if file is not None:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    editor = os.environ.get("EDITOR", "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "body.json"
        path.write_text(before if isinstance(before, str) else pretty(before), encoding="utf-8")
        if subprocess.run([*editor.split(), str(path)], check=False).returncode:
            fail(f"{editor} ended with an error", help="nothing was changed; give the new body with --file")
        return path.read_text(encoding="utf-8")


def _decide(verb: str, id: str, reason: str, actor: str, project: Path | None, state: Path | None) -> None:
    async def question(owner: Owner) -> Any:
        answer = await owner.post(f"/work/{id}/{verb}", {"actor": actor or _login(), "reason": reason})
        return answer, owner.running

    answer, running = ask(settings_for(project, state), question, changes=True)
    later = "" if running else " (the engine does not run; it is done when it starts)"
    told = answer["text"] if answer["id"] in answer["text"] else f"{answer['id']}: {answer['text']}"
    err().print(escape(f"{told}{later}"))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        fail("it is not known who you are", Exit.USAGE, "name yourself with --actor or TILLFLOW_ACTOR")


@work.command()
def replay(
    reason: ReasonOption,
    id: Annotated[str, typer.Argument(help="The item's id, or a beginning of it that only one item has.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every open item that --reason-is and --route leave.")] = False,
    reason_is: Annotated[str, typer.Option("--reason-is", help="With --all: only items with this reason.")] = "",
    route: Annotated[str, typer.Option(help="With --all: only this route.")] = "",
    actor: ActorOption = "",
    project: ProjectOption = None,
    state: StateOption = None,
) -> None:
    """Have it tried again, as it is or as it was edited. What was applied already is not applied again."""
    if every == bool(id) or (every and not (reason_is or route)):
        fail(
            "replay needs an id, or --all with --reason-is or --route",
            Exit.USAGE,
            "`tillflow work list` shows what waits",
        )
    if every:
        _replay_all(reason_is, route, reason, actor, project, state)
    else:
        _decide("replay", id, reason, actor, project, state)


def _replay_all(wanted: str, route: str, reason: str, actor: str, project: Path | None, state: Path | None) -> None:
    """One decision, and one row in the audit, for each; one that is refused says why and stays open."""
    who = {"actor": actor or _login(), "reason": reason}

    async def question(owner: Owner) -> tuple[int, int]:
        found = await owner.get("/work", reason=wanted, route=route, state=["open"], limit=MOST_AT_ONCE)
        refused = 0
        for item in found["items"]:
            try:
                await owner.post(f"/work/{item['id']}/replay", who)
            except typer.Exit:
                err().print(escape(f"  {item['id']} stays open"))
                refused += 1
        return len(found["items"]), refused

    count, refused = ask(settings_for(project, state), question, changes=True)
    err().print(f"{count - refused} of {count} items replayed")
    if refused:
        raise typer.Exit(int(Exit.FAILED))


@work.command()
def resolve(
    id: IdArgument,
    reason: ReasonOption,
    actor: ActorOption = "",
    project: ProjectOption = None,
    state: StateOption = None,
) -> None:
    """Close it: it was put right elsewhere."""
    _decide("resolve", id, reason, actor, project, state)


@work.command()
def discard(
    id: IdArgument,
    reason: ReasonOption,
    actor: ActorOption = "",
    project: ProjectOption = None,
    state: StateOption = None,
) -> None:
    """Close it: it is not wanted. The reason stays in the audit."""
    _decide("discard", id, reason, actor, project, state)
