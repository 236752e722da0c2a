"""Edits of one route while it runs, in all the ways files change, good ones and broken ones.

Each good edit writes another number into what is posted, so that the outside sees which edit made an effect.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROUTE = "routes/posting.yaml"
BODY = "total: total}"
MOMENT = 0.25  # seconds between the halves of a file


@dataclass
class Edit:
    """One edit. `began` is when its last byte was written, on the monotonic clock.

    wave    the number it writes
    lines   of a broken one: where it has to be reported, `file:line:`
    taken   seconds until it ran everywhere, or was reported
    """

    kind: str
    wave: int
    lines: str = ""
    began: float = 0.0
    taken: float = field(default=0.0)


# What is broken -> the beginning of a line of the route, what stands in it, and what stands there instead.
BROKEN: Mapping[str, tuple[str, str, str]] = {
    "no YAML": ("from:", "sale@1}", "sale@1]"),
    "a key that does not exist": ("owner:", "owner:", "ownner:"),
    "an expression that cannot be": ("  - {id: by-key", "reference: receipt", "reference: 'receipt ||| 3'"),
    "a connection that does not exist": ("  - {id: by-key", "connection: shop", "connection: shoop"),
}
ROUND = (  # the order of a bad day
    "written", "no YAML", "renamed over", "half-written", "a key that does not exist", "linked", "linked",
    "an expression that cannot be", "as an editor", "a connection that does not exist", "a route renamed", "half-written",
)  # fmt: skip


class Desk:
    """Where the project's files are edited. `side` gives the text of the route beside under another name."""

    def __init__(self, project: Path, side: Callable[[str], str]) -> None:
        self._project = project
        self._path = project / ROUTE
        self._route = self._path.read_text("utf-8")
        assert BODY in self._route
        self._side = side
        self._sides = 0
        self.waves = 0

    def edit(self, kind: str) -> Edit:
        """Make one edit of this kind."""
        self.waves += 1
        made = Edit(kind, self.waves)
        text = self._route.replace(BODY, f"total: total, wave: {{const: {self.waves}}}}}")
        if kind in BROKEN:
            text, line = _broken(kind, text)
            made.lines = f"{ROUTE}:{line}:"
            _replace(self._path, text)
        elif kind == "a route renamed":
            _replace(self._path, text)
            self._rename_side()
        else:
            _WAYS[kind](self._path, text)
        made.began = time.monotonic()
        return made

    def _rename_side(self) -> None:
        """The route beside it goes on under another name."""
        old = self._project / f"routes/side-{self._sides}.yaml"
        self._sides += 1
        new = self._project / f"routes/side-{self._sides}.yaml"
        new.with_suffix(".tmp").write_text(self._side(new.stem), "utf-8")
        os.replace(new.with_suffix(".tmp"), old)
        os.rename(old, new)


def _broken(kind: str, text: str) -> tuple[str, int]:
    """The text, and the number of the line that is wrong in it."""
    begins, was, instead = BROKEN[kind]
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(begins))
    assert was in lines[at]
    lines[at] = lines[at].replace(was, instead)
    return "\n".join(lines) + "\n", at + 1


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(".tmp")
    new.write_text(text, "utf-8")
    os.replace(new, path)


def _write(path: Path, text: str) -> None:
    if path.is_symlink():
        path.unlink()
    path.write_text(text, "utf-8")


def _in_halves(path: Path, text: str) -> None:
    half = text.index("connection: shop")
    if path.is_symlink():
        path.unlink()
    with path.open("w", encoding="utf-8") as file:
        file.write(text[:half])
        file.flush()
        time.sleep(MOMENT)
        file.write(text[half:])


def _link(path: Path, text: str) -> None:
    """As a mounted configuration changes: only a link above the file is another one, its folder stays as it was."""
    root = path.parent.parent / ".mounted"
    folder = root / str(time.monotonic_ns())
    folder.mkdir(parents=True)
    (folder / path.name).write_text(text, "utf-8")
    new, data = root / ".new", root / "data"
    new.symlink_to(folder.name)
    os.replace(new, data)
    if not path.is_symlink():
        new.symlink_to(Path("..") / root.name / "data" / path.name)
        os.replace(new, path)


def _as_an_editor(path: Path, text: str) -> None:
    """The old one stays beside it under another name; the new one is a new file."""
    os.rename(path, path.with_name(f"{path.name}~"))
    path.write_text(text, "utf-8")


_WAYS = {
    "written": _write,
    "renamed over": _replace,
    "half-written": _in_halves,
    "linked": _link,
    "as an editor": _as_an_editor,
}
