"""`tillflow work replay|resolve|discard`: one decision for many items, each of them made and told on its own."""

from __future__ import annotations

import sys
from typing import Any

import typer

from engine.cli.output import Exit, Form, err, escape, fail, print_json, progress
from engine.cli.owner import Owner, ask
from engine.settings import Settings

MOST_AT_ONCE = 1_000_000  # items of one decision


def decide(verb: str, ids: list[str], who: dict[str, str], settings: Settings, form: Form) -> None:
    """Replay, resolve or discard these, in this order; one that is refused says why and keeps no other from it."""

    async def question(owner: Owner) -> tuple[list[Any], list[str], bool]:
        done: list[Any] = []
        refused: list[str] = []
        for id in dict.fromkeys(ids):
            try:
                done.append(await owner.post(f"/work/{id}/{verb}", who))
            except typer.Exit:
                if len(ids) == 1:
                    raise
                err().print(escape(f"  {id} stays as it was"))
                refused.append(id)
            else:
                if form is Form.HUMAN:
                    _tell(done[-1], later=verb == "replay" and not owner.running)
        return done, refused, owner.running

    done, refused, running = ask(settings, question, changes=True)
    if form is Form.JSON:
        print_json({"items": done, "refused": refused, "running": running})
    if refused:
        raise typer.Exit(int(Exit.FAILED))


def _tell(answer: dict[str, str], *, later: bool) -> None:
    told = answer["text"] if answer["id"] in answer["text"] else f"{answer['id']}: {answer['text']}"
    err().print(escape(f"{told}{' (the engine does not run; it is done when it starts)' if later else ''}"))


def replay_all(settings: Settings, filters: dict[str, str], who: dict[str, str], *, sure: bool, form: Form) -> None:
    """Replay every open item that the filters leave; one that is refused says why and stays open.

    sure   nobody is asked. Without it a terminal is asked, and anything else is refused: a script says `--yes`.
    """

    async def question(owner: Owner) -> tuple[int, list[str]]:
        found = await owner.get("/work", **filters, state=["open"], limit=MOST_AT_ONCE)
        ids = [item["id"] for item in found["items"]]
        if ids and not sure:
            _confirm(len(ids))
        return len(ids), await _each(owner, ids, who)

    count, refused = ask(settings, question, changes=True)
    if form is Form.JSON:
        print_json({"replayed": count - len(refused), "refused": refused})
    elif not count:
        err().print("no open work item matches; nothing was replayed")
    else:
        err().print(f"{count - len(refused)} of {count} items replayed")
    if refused:
        raise typer.Exit(int(Exit.FAILED))


async def _each(owner: Owner, ids: list[str], who: dict[str, Any]) -> list[str]:
    """Replay them one by one; answers the ids of those that were refused."""
    refused: list[str] = []
    with progress() as bar:
        task = bar.add_task("replaying", total=len(ids))
        for id in ids:
            try:
                await owner.post(f"/work/{id}/replay", who)
            except typer.Exit:
                err().print(escape(f"  {id} stays open"))
                refused.append(id)
            bar.advance(task)
    return refused


def _confirm(count: int) -> None:
    items = "1 item" if count == 1 else f"{count} items"
    if not sys.stdin.isatty():
        fail(f"{items} would be replayed; nothing was done", Exit.USAGE, "say --yes to replay them without being asked")
    if not typer.confirm(f"Replay {items}?", err=True):
        fail("nothing was replayed", Exit.FAILED)
