"""`tillflow trace`: what happened to a receipt, an order, an event."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.cli.output import Exit, Form, FormatOption, fail, inline, out, print_fitting, print_json, table
from engine.cli.owner import Owner, ask
from engine.cli.project import ProjectOption, StateOption, settings_for
from engine.cli.shown import told


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(trace)


def trace(
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY..",
            help="A business key (`1001`, `receipt=1001`), a file (`file=day.csv`), an event id, a trace id or the id "
            "of a work item. Of several keys (`receipt=1001 store=0012`) all must hold.",
        ),
    ],
    project: ProjectOption = None,
    state: StateOption = None,
    form: FormatOption = Form.HUMAN,
) -> None:
    """Show everything that happened to what a business key names, from the till's file to each sink.

    Found by: the file, the `path` and `sender_id` of a webhook, and the `search` keys of the types that a route
    `accepts`, that an `event:` sink publishes, or that a `validate` step before the first mapping names. A refused
    record is found by those that can be read.
    """
    if not all(key.strip() for key in keys):
        fail("there is no key to look for", Exit.USAGE, "give a business key, a file (`file=day.csv`) or an event id")
    (name, value), *more = map(_parted, keys)
    for key, (_, wanted) in zip(keys, ((name, value), *more), strict=True):
        if not wanted.strip():
            fail(f"{key!r} has no value after the `=`", Exit.USAGE, "write the key as `receipt=1001`, or its value")

    async def question(owner: Owner) -> Any:
        also = {"and": [f"{other}={text}" for other, text in more]} if more else {}
        return await owner.get("/trace", text=value, name=name, **also)

    answer = ask(settings_for(project, state), question)
    if form is Form.JSON:
        print_json(answer)
    if not answer["entries"] and not answer["work"]:
        asked = repr(keys[0]) if not more else " and ".join(keys) + " together"
        fail(f"nothing is known of {asked}", Exit.FAILED, answer.get("unknown") or _FOUND_BY)
    if form is Form.HUMAN:
        _show(answer)


_FOUND_BY = (
    "keys are `file`, `path` and `sender_id` of a webhook, and the `search` keys of types that are accepted, published "
    "or validated; ids may be shortened"
)


def _parted(key: str) -> tuple[str, str]:
    """Its name, empty where none is given, and its value."""
    name, _, value = key.partition("=") if "=" in key else ("", "", key)
    return name, value


def _show(answer: dict[str, Any]) -> None:
    """One block for each source record, its lines in order."""
    console = out()
    blocks: dict[str, list[dict[str, Any]]] = {}
    for entry in answer["entries"]:
        blocks.setdefault(entry["trace"], []).append(entry)
    for trace_id, entries in blocks.items():
        console.print(f"[bold]{_title(entries)}[/]  trace {inline(trace_id)}")
        rows = [(e["at"][11:23], e["route"], e["what"], e["sink"], e["attempt"] or "", e["detail"]) for e in entries]
        console.print(table(("UTC", "route", "what", "sink", "try", "detail"), rows, ("try",)))
        console.print()
    if answer["work"]:
        console.print("[bold]work items[/]")
        columns = ("id", "state", "route", "sink", "reason", "tries", "detail")
        cells = [
            (w["id"], w["state"], w["route"], w["sink"], w["reason"], w["attempts"] or "", told(w))
            for w in answer["work"]
        ]
        print_fitting(columns, cells, ("id", "state", "route", "reason", "tries"), ("tries", "sink"))


def _title(entries: list[dict[str, Any]]) -> str:
    keys = {name: value for e in entries for name, value in e.get("keys", {}).items()}
    day = entries[0]["at"][:10]
    return inline(f"{day}  " + (" ".join(f"{k}={v}" for k, v in keys.items()) or entries[0]["event_type"]))
