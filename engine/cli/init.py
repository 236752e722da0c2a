"""`tillflow init`: a working project to start from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.output import Exit, Form, FormatOption, err, escape, fail, print_json
from engine.cli.started import started_as
from engine.core.wording import counted


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Where the project is laid down; made if missing.")],
    form: FormatOption = Form.HUMAN,
) -> None:
    """Lay down a small working project: a till's CSV becomes sales, and sales are posted as files, once each."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        fail(f"{folder} exists and is not an empty folder", Exit.USAGE, "name a new folder")
    count = _lay_down(files("engine.cli") / "starter", folder)
    if form is Form.JSON:
        print_json({"folder": str(folder), "files": count})
        return
    err().print(escape(f"laid down {counted(count, 'file')} in {folder}. Next:"))
    for line in _next(folder):
        err().print(escape(f"  {line}"))


def _next(folder: Path) -> Iterator[str]:
    """Lines that can be typed as they stand, one after the other."""
    moves = folder.resolve() != Path.cwd().resolve()
    if moves:
        yield shlex.join(["cd", str(folder)])
    for command in ("validate", "test", "run", "status"):
        yield shlex.join([*started_as(elsewhere=moves), command])


def _lay_down(source: Traversable, target: Path) -> int:
    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for entry in source.iterdir():
        if entry.name.startswith("__"):
            continue
        if entry.is_dir():
            count += _lay_down(entry, target / entry.name)
        else:
            (target / entry.name.replace("dot-", ".", 1)).write_bytes(entry.read_bytes())
            count += 1
    return count
