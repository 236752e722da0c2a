"""A project's files looked at again and again: what counts is their content, and all that changed together is one look.

A file that changed a moment ago may be half written: it is waited for, but not for ever.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.config.scan import Known, scan
from engine.core.findings import Finding

YOUNG: Final = 0.1  # seconds after its last change in which a file may be half written
LONGEST: Final = 2.0  # seconds that anything is waited for

ProjectRead = tuple[Mapping[str, bytes], list[Finding]]


class Snapshots:
    """`look` answers the files when they are others than at its last answer.

    also   a folder beside the project whose changes count too, as that of the secrets
    """

    def __init__(self, root: Path, also: Path | None = None) -> None:
        self._root = root
        self._also = also
        self._known: Known = {}
        self._last: tuple[ProjectRead, object] | None = None
        self._waiting_since = 0.0
        self.linked = False  # a file is reached by a link, of whose change no watched folder tells

    @property
    def waiting(self) -> bool:
        """The last look waited for something that may be half written."""
        return self._waiting_since > 0

    def look(self) -> ProjectRead | None:
        """The files and findings about reading them; None when nothing changed, or something may be half written."""
        files, findings = scan(self._root, self._known)
        beside = self._beside()
        if self._last is not None and (files, findings, beside) == (*self._last[0], self._last[1]):
            self._waiting_since = 0.0
            return None
        if self._last is not None and self._may_be_half_written():
            return None
        self._waiting_since = 0.0
        self._last = (files, findings), beside
        real = os.path.realpath(self._root)
        self.linked = any(os.path.realpath(os.path.join(real, path)) != os.path.join(real, path) for path in files)
        return self._last[0]

    def _may_be_half_written(self) -> bool:
        now = time.monotonic()
        self._waiting_since = self._waiting_since or now
        if now - self._waiting_since > LONGEST:
            return False
        newest = max((max(stamp[3:]) for stamp, _ in self._known.values()), default=0)
        return time.time_ns() - newest < YOUNG * 1e9  # the file system's time: it gave the stamps

    def _beside(self) -> object:
        """Something that is another one when a file of the folder beside is."""
        if self._also is None:
            return None
        try:
            names = sorted(os.listdir(self._also))
        except OSError as error:
            return error.errno
        return [(name, _stamp_of(self._also / name)) for name in names]


def _stamp_of(path: Path) -> tuple[int, ...]:
    """Nothing for what is no file, cannot be reached, or went away meanwhile."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return _stamp(status) if stat.S_ISREG(status.st_mode) else ()


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
