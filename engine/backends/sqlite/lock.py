"""One owner per database file: an advisory lock that the system frees when its process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from engine.core.errors import SettingsError


class Owned(SettingsError):
    """Another process has the file; `owner` is its process id, or a word for an unknown one."""

    owner = "unknown"


class OwnerLock:
    """Held from `take` to `free`. The lock file stays; it holds the owner's process id for people and messages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises SettingsError `owned by pid N` when another process (or another object of this one) has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # flock, not lockf: a POSIX lock is lost when anything in this process closes the same file.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            refused = Owned(
                f"{self._path.with_suffix('')} is owned by pid {owner}: one process at a time may write to it. "
                "Stop that one first. (Another state folder would remember nothing of what was posted.)"
            )
            refused.owner = owner
            raise refused from None
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        with suppress(OSError):  # a full disk: it is owned all the same, only not known by whom
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def free(self) -> None:
        """Let go; safe to call twice."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
