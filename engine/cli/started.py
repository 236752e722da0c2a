"""How this command was started, so that a line printed for a person can be typed as it stands."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def started_as(*, elsewhere: bool = False) -> list[str]:
    """The words before the command: `tillflow` where the shell finds this one, else its path, else Python and -m.

    elsewhere   the line is typed in another folder: a path is whole
    """
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return [sys.executable, "-m", "engine.cli"]
    found = shutil.which(program.name)
    if found is not None and (program.parent == Path() or _same(Path(found), program)):
        return [program.name]
    return [str(program.absolute()) if elsewhere else sys.argv[0]]


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
