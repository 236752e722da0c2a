"""Whether the file that is written is still the one at its path: what goes into a file that was taken away is gone."""

from __future__ import annotations

import os
from collections.abc import Callable


def whereabouts(path: str) -> Callable[[], str]:
    """Asked before each transaction: empty while the file that is there now still is, else a sentence."""
    known = _identity(path)

    def lost() -> str:
        found = _identity(path)
        if found == known:
            return ""
        what = "was moved or removed" if found is None else "was replaced by another file"
        return (
            f"the database {path} {what} while the engine runs: nothing is written any more. Put it back with the "
            "files beside it (-wal, -shm), then start the engine again; another one would remember nothing"
        )

    return lost


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
