"""A database whose disk fails when told to."""

from __future__ import annotations

import sqlite3
from typing import Any

from engine.backends.sqlite import SqliteDatabase

FULL = (sqlite3.SQLITE_FULL, "database or disk is full")
IO_ERROR = (sqlite3.SQLITE_IOERR, "disk I/O error")
FSYNC = (sqlite3.SQLITE_IOERR | (4 << 8), "disk I/O error")


class FailingConnection:
    """Passes everything on, but a statement that begins with a key of `failing` raises its error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.failing: dict[str, tuple[int, str]] = {}
        self.statements: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *parameters: Any) -> Any:
        self._check(sql)
        return self._connection.execute(sql, *parameters)

    def executemany(self, sql: str, *parameters: Any) -> Any:
        self._check(sql)
        return self._connection.executemany(sql, *parameters)

    def _check(self, sql: str) -> None:
        self.statements.append(sql)
        for beginning, (code, text) in self.failing.items():
            if sql.startswith(beginning):
                error = sqlite3.OperationalError(text)
                error.sqlite_errorcode = code
                raise error


class FaultyDatabase(SqliteDatabase):
    """`disk.failing` says what fails."""

    disk: FailingConnection

    def connect(self) -> Any:
        self.disk = FailingConnection(super().connect())
        return self.disk
