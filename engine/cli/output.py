"""What every command shares: results to stdout, the rest to stderr, one set of exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from engine.core.jsonx import encode
from engine.core.visible import visible


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
    Exit.UNREACHABLE: "the engine, its database or a service cannot be reached, or the database is damaged",
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
    """A document that is JSON already."""
    _answer.printed = True
    sys.stdout.write(text + "\n")


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


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Iterable[str] = ()) -> Table:
    """A table; columns named in `right` hold numbers."""
    numbers = set(right)
    grid = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        grid.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(inline(str(cell)) for cell in row))
    return grid


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
