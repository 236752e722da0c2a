"""When the write-ahead log is copied back into the database file."""

from __future__ import annotations

import os
import sqlite3

_CHANGES = 4_000  # rows changed since the last one: a few thousand pages, some milliseconds of copying
_LOG_BYTES = 64 << 20


class Checkpoints:
    """Only the writing connection checkpoints, between its transactions (two that do can lose commits)."""

    def __init__(self, writer: sqlite3.Connection, path: str) -> None:
        self._writer = writer
        self._log = path + "-wal"
        self._done_at = writer.total_changes

    def after_commit(self) -> None:
        """Copy back if enough has changed. Passive: waits for no reader. Raises sqlite3.Error."""
        if self._writer.total_changes - self._done_at < _CHANGES:
            return
        self._done_at = self._writer.total_changes
        self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        if self._log_size() > _LOG_BYTES:
            # A reader kept the log from starting over; wait for it once, so that the file does not grow for ever.
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _log_size(self) -> int:
        try:
            return os.stat(self._log).st_size
        except FileNotFoundError:
            return 0
