"""Options of every command that decides something: who, and why. The rules are the API's own, see `console.said`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Annotated

import typer

from engine.cli.output import Exit, fail
from engine.console import said
from engine.core.errors import Permanent


def _checked(rule: Callable[[str], str]) -> Callable[[str], str]:
    """The rule as the parser of options asks it; an option that is not given is not judged."""

    def check(text: str) -> str:
        try:
            return rule(text)
        except Permanent as refused:
            raise typer.BadParameter(refused.detail) from None

    return check


def _unless_empty(rule: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: rule(text) if text else text


ReasonOption = Annotated[
    str, typer.Option("--reason", "-r", callback=_checked(said.reason), help="Why; it goes into the audit.")
]
ActorOption = Annotated[
    str,
    typer.Option(
        "--actor",
        "--author",
        envvar="TILLFLOW_ACTOR",
        callback=_checked(_unless_empty(said.actor)),
        help="Who decides. Default: your login.",
    ),
]


def login() -> str:
    """Who is at the terminal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        fail("it is not known who you are", Exit.USAGE, "name yourself with --actor or TILLFLOW_ACTOR")
