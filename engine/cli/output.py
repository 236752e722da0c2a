"""What every command shares: results to stdout, the rest to stderr, one set of exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from engine.core.jsonx import encode
from engine.core.visible import visible, visible_json


class Exit(IntEnum):
    """Exit codes; they never change meaning."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PENDING = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


EXIT_CODES = {
    Exit.OK: "done; nothing is wrong",
    Exit.FAILED: "findings, failed tests, or a refusal: the output says which",
    Exit.USAGE: "wrong use: an option, a name or a file that cannot be used",
    Exit.PENDING: "changes are pending: of `plan --detailed-exitcode` and `topology plan`",
    Exit.UNREACHABLE: "the engine, its database or a service cannot be reached, the database is damaged, or a disk is full",
    Exit.INTERRUPTED: "interrupted by a person",
}


class Form(StrEnum):
    """How results are printed."""

    HUMAN = "human"
    JSON = "json"


class FindingForm(StrEnum):
    """How findings are printed."""

    HUMAN = "human"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


FormatOption = Annotated[Form, typer.Option("--format", help="human or json")]
FindingFormatOption = Annotated[FindingForm, typer.Option("--format", help="human, json, sarif or github")]


def plain() -> bool:
    """True when colour is not wanted."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


WIDE = 240  # columns where nobody looks: a file or another program gets whole lines


def out() -> Console:
    """For results."""
    width = None if sys.stdout.isatty() else WIDE
    return Console(no_color=plain(), highlight=False, soft_wrap=True, width=width)


def err() -> Console:
    """For progress and errors."""
    return Console(stderr=True, no_color=plain(), highlight=False, soft_wrap=True)


@dataclass
class _Answer:
    """What the command of this process has said so far: whether its document is printed, and what went wrong."""

    printed: bool = False
    wrong: dict[str, str] = field(default_factory=dict)


_answer = _Answer()


def begin() -> None:
    """A command begins; nothing was answered yet."""
    global _answer
    _answer = _Answer()


def end(code: int, text: str = "") -> None:
    """A command that was asked for JSON ends: where it failed before its document, the document is the error.

    text   what went wrong, where `fail` was not asked to tell it
    """
    if code and not _answer.printed:
        print_json({"error": {"text": text, "help": "", **_answer.wrong, "exit_code": code}})


def print_json(value: Any) -> None:
    """One JSON document on stdout, numbers exact."""
    print_document(pretty(value))


def print_document(text: str) -> None:
    """A document that is JSON already; what a terminal would obey is escaped in it."""
    _answer.printed = True
    sys.stdout.write(visible_json(text) + "\n")


def pretty(value: Any) -> str:
    """Indented JSON with exact numbers."""
    import msgspec

    return msgspec.json.format(encode(value), indent=2).decode()


def fail(text: str, code: Exit = Exit.FAILED, help: str = "") -> NoReturn:
    """Say what is wrong and what to do, then end."""
    console = err()
    _answer.wrong = {"text": text, "help": help}
    console.print(f"[bold red]error[/]: {escape(text)}")
    if help:
        console.print(f"  help: {escape(help)}")
    raise typer.Exit(int(code))


def escape(text: str) -> str:
    """Text from files and events, without control characters and without markup. Its lines stay lines."""
    return _markup(visible(text, keep="\n\t"))


def inline(text: str) -> str:
    """The same for what belongs on one line: a key, a name, a cell of a table. A line end in it is shown as one."""
    return _markup(visible(text))


def _markup(text: str) -> str:
    from rich.markup import escape as markup

    return markup(text)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Iterable[str] = (), whole: Iterable[str] = ()
) -> Table:
    """A table; columns named in `right` hold numbers, cells of those in `whole` are never broken over lines."""
    numbers, unbroken = set(right), set(whole)
    grid = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in numbers else "left"
        grid.add_column(column, justify=justify, overflow="fold", no_wrap=column in unbroken)
    for row in rows:
        grid.add_row(*(inline(str(cell)) for cell in row))
    return grid


def print_fitting(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], whole: Sequence[str], drop: Sequence[str]
) -> None:
    """A table as wide as the terminal. Where cells of `whole` would be broken, the columns `drop` go, one by one.

    A column of `drop` without a value goes at once. What is still too wide goes over the edge.
    """
    console = out()
    needed = {name: _needed(name, [row[place] for row in rows], whole) for place, name in enumerate(columns)}
    dropped = [name for name in drop if name in columns]
    shown = [name for place, name in enumerate(columns) if name not in drop or any(row[place] for row in rows)]
    while dropped and sum(needed[name] + 1 for name in shown) > console.width:
        gone = dropped.pop(0)
        shown = [name for name in shown if name != gone]
    least = sum((needed[name] if name in whole else min(needed[name], LEAST)) + 1 for name in shown)
    console.width = max(console.width, least)
    places = [columns.index(name) for name in shown]
    console.print(table(shown, ([row[place] for place in places] for row in rows), whole=whole))


ROOM = 28  # characters that a cell is folded to while columns can go
LEAST = 16  # and when none can go any more


def _needed(name: str, cells: Iterable[Any], whole: Sequence[str]) -> int:
    """Characters of the widest cell; where cells may be folded at most those that make it readable."""
    from rich.cells import cell_len

    widest = max([cell_len(name), *(cell_len(visible(str(cell))) for cell in cells)])
    return widest if name in whole else min(widest, ROOM)


def progress() -> Progress:
    """A bar on a terminal, nothing elsewhere."""
    console = err()
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
