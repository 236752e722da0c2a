"""Changing a running flow: plan, apply, history, diff, rollback.

Each goes through the engine that runs on the state folder, else to its Store. What is wanted are the project's files as
they are now: the engine reads them itself, so that what it runs is what it has read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from engine.cli.changing import Change, show_change, wait_for_all
from engine.cli.decider import ActorOption, ReasonOption, login
from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, inline, out, print_json
from engine.cli.owner import Owner, ask
from engine.cli.project import ProjectOption, StateOption, loaded_for, settings_for
from engine.cli.standing import show_history
from engine.compile.risks import NAMES
from engine.config.nearest import suggestion
from engine.settings import Settings

WaitOption = Annotated[bool, typer.Option("--wait", help="Until every process runs it; exit 1 when one does not.")]
WithinOption = Annotated[
    float | None,
    typer.Option("--within", min=1, max=3600, help="With --wait: seconds until it is given up. Default: 120."),
]
PATIENCE = 120.0  # seconds, with --wait


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(plan)
    app.command()(apply)
    app.command()(history)
    app.command()(diff)
    app.command()(rollback)


def plan(
    project: ProjectOption = None,
    state: StateOption = None,
    detailed: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 3 when there are changes, 0 when there are none.")
    ] = False,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Say what applying the project's files would change, in words and with its risks. Changes nothing."""
    settings = settings_for(project, state)
    loaded_for(settings)

    async def question(owner: Owner) -> Any:
        return {"running": owner.running, **await owner.post("/revisions/plan", _meant(settings))}

    answer = ask(settings, question)
    if form is Form.JSON:
        print_json(answer)
    else:
        _show_changes(answer)
        _show_what_next(answer)
    if detailed and _is_change(answer):
        raise typer.Exit(int(Exit.PENDING))


def apply(
    project: ProjectOption = None,
    state: StateOption = None,
    wait: WaitOption = False,
    within: WithinOption = None,
    accept: Annotated[
        list[str] | None, typer.Option("--accept", help="A risk that is meant, by its name in `plan`. Several times.")
    ] = None,
    author: ActorOption = "",
    reason: ReasonOption = "applied by hand",
    form: FormatOption = Form.HUMAN,
) -> None:
    """Have the project's files run everywhere, or nowhere: checked, tested, started, swapped."""
    _known_risks(accept or [])
    patience = _patience(wait, within)
    settings = settings_for(project, state)
    loaded_for(settings)
    body = {**_meant(settings), "actor": author or login(), "reason": reason, "accept": accept or []}
    _carry_out(settings, "/revisions/apply", body, patience, form)


def rollback(
    revision: Annotated[str, typer.Argument(help="Number of a revision, or the beginning of its id: see `history`.")],
    project: ProjectOption = None,
    state: StateOption = None,
    wait: WaitOption = False,
    within: WithinOption = None,
    author: ActorOption = "",
    reason: ReasonOption = "taken back by hand",
    form: FormatOption = Form.HUMAN,
) -> None:
    """Have an earlier revision run again, everywhere or nowhere.

    Your files stay as they are: correct them afterwards, or what was taken back comes back with the next save. Rows of
    reference tables (CSV) are no part of a revision: those of the files serve, whatever runs.
    """
    path, patience = f"/revisions/{_named(revision)}/rollback", _patience(wait, within)
    settings = settings_for(project, state)
    if settings.fresh:
        fail(f"nothing ran with {settings.state} yet", Exit.USAGE, "there is no revision to go back to: `tillflow run`")
    body = {**_meant(settings), "actor": author or login(), "reason": reason}
    _carry_out(settings, path, body, patience, form)


def history(
    project: ProjectOption = None,
    state: StateOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 20,
    form: FormatOption = Form.HUMAN,
) -> None:
    """What ran, newest first: who changed it, when and why, and what was not taken; under each what became of it."""

    async def question(owner: Owner) -> Any:
        return await owner.get("/revisions", limit=limit)

    answer = ask(settings_for(project, state), question)
    if form is Form.JSON:
        print_json(answer)
        return
    show_history(answer["revisions"])


def diff(
    before: Annotated[str, typer.Argument(help="Number of a revision, or the beginning of its id.")],
    after: Annotated[str, typer.Argument(help="The same of another one.")],
    project: ProjectOption = None,
    state: StateOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """What is different between two revisions: in words, and the text of their files."""

    async def question(owner: Owner) -> Any:
        return await owner.get("/revisions/diff", before=_named(before), after=_named(after))

    answer = ask(settings_for(project, state), question)
    if form is Form.JSON:
        print_json(answer)
        return
    _show_changes(answer)
    for one in answer["files"]:
        rows = " (rows of a reference table: they serve at once, whatever revision runs)" if one["table"] else ""
        out().print(f"\n[bold]{inline(one['file'])}[/] {one['change']}{rows}")
        for line in one["text"].splitlines():
            out().print(_coloured(line))


def _meant(settings: Settings) -> dict[str, Any]:
    """What is asked for, and what the engine must have been started with."""
    return {"project": str(settings.project), "settings": settings.started_with(os.environ)}


def _named(revision: str) -> str:
    if not revision.isalnum() or not revision.isascii():
        fail(f"{revision!r} names no revision", Exit.USAGE, "`tillflow history` shows numbers and ids")
    return revision


def _patience(wait: bool, within: float | None) -> float:
    """Seconds to wait for every process; 0: it is not waited for."""
    if within is not None and not wait:
        fail("--within goes with --wait", Exit.USAGE, "without --wait nothing is waited for")
    return (within or PATIENCE) if wait else 0.0


def _known_risks(names: list[str]) -> None:
    for name in names:
        if name not in NAMES:
            near = suggestion(name, NAMES)
            advice = f"did you mean `{near}`? " if near else ""
            fail(f"no risk is called {name!r}", Exit.USAGE, f"{advice}risks are {', '.join(NAMES)}")


def _carry_out(settings: Settings, path: str, body: Mapping[str, Any], within: float, form: Form) -> None:
    """Have it done, wait for all where that is wanted, tell what became of it, and end with its exit code."""

    async def question(owner: Owner) -> Change:
        change = Change(await owner.post(path, body), owner.running)
        waited = await wait_for_all(owner, change, within)
        if not path.endswith("/rollback") or waited.state != "active":
            return waited
        files = await owner.get("/revisions/files")
        return replace(waited, answer={**waited.answer, "differ": files["differ"]})

    change = ask(settings, question, changes=True, first=path.endswith("/apply"))
    if form is Form.JSON:
        print_json(change.as_dict())
    else:
        show_change(change)
    if not change.good:
        raise typer.Exit(int(Exit.FAILED))


def _is_change(answer: Mapping[str, Any]) -> bool:
    return bool(answer["changes"] or answer["others"])


def _show_changes(answer: Mapping[str, Any]) -> None:
    console = out()
    for change in answer["changes"]:
        for text in change["texts"]:
            console.print(escape(text))
        causes = [f"{one['kind']} {one['name']}" for one in change["causes"] if one["kind"] != "file"]
        if causes and change["kind"] == "changed":
            console.print(f"  [dim]because of {inline(', '.join(causes))}[/]")
        if change["was"]:
            console.print(inline(f"  renamed, it was {change['was']}"))
        for risk in change["risks"]:
            colour = "bold red" if risk["refused"] else "yellow"
            console.print(f"  [{colour}]risk {risk['name']}[/]: {escape(risk['text'])}")
            for said in risk.get("accepted", ()):
                by = f"with revision {said['number']} by {said['actor']}"
                console.print(inline(f"    accepted {by}: {said['reason']}"))
        name = change["was"] or change["route"]
        if name in answer.get("waiting", {}):
            console.print(inline(f"  {answer['waiting'][name]} events wait for {name}; they are finished first"))
    for text in answer["others"]:
        console.print(escape(text))
    if not _is_change(answer):
        console.print("nothing changes")


def _show_what_next(answer: Mapping[str, Any]) -> None:
    refused = sorted({r["name"] for c in answer["changes"] for r in c["risks"] if r["refused"]})
    if refused:
        accepted = " ".join(f"--accept {name}" for name in refused)
        err().print(f"\n`tillflow apply` refuses this; if it is meant: `tillflow apply {accepted}`")
    elif _is_change(answer):
        err().print("\n`tillflow apply` carries it out.")


def _coloured(line: str) -> str:
    colour = {"+": "green", "-": "red", "@": "dim"}.get(line[:1])
    return f"[{colour}]{escape(line)}[/]" if colour else escape(line)
