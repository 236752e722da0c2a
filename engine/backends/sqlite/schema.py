"""Numbered migrations: each runs once, whole or not at all."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from typing import NamedTuple

from engine.core.errors import SettingsError


class Migration(NamedTuple):
    """One `NNNN_name.sql` of the package."""

    number: int
    name: str
    sql: str


def known() -> list[Migration]:
    """The migrations this version of tillflow carries, in order."""
    found = []
    for entry in files(__package__).joinpath("migrations").iterdir():
        if entry.name.endswith(".sql"):
            number, _, name = entry.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, entry.read_text("utf-8")))
    return sorted(found)


def stored(connection: sqlite3.Connection) -> int:
    """The number of the newest migration in the file; 0 for an empty one."""
    table = connection.execute("SELECT 1 FROM sqlite_schema WHERE type='table' AND name='migration'").fetchone()
    if table is None:
        return 0
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM migration").fetchone()[0])


def check(connection: sqlite3.Connection, path: str) -> int:
    """`stored`, after refusing a file from a newer version. Raises SettingsError."""
    there, newest = stored(connection), known()[-1].number
    if there > newest:
        raise SettingsError(
            f"{path} has schema {there}; this version of tillflow knows up to {newest}. "
            "Run the version that wrote it, or a newer one."
        )
    return there


def migrate(connection: sqlite3.Connection, path: str, now: int) -> None:
    """Bring the file up to date. Raises SettingsError when it is from a newer version."""
    there = check(connection, path)
    for migration in known():
        if migration.number > there:
            record = f"INSERT INTO migration VALUES ({migration.number}, '{migration.name}', {now});"
            try:
                connection.executescript(f"BEGIN IMMEDIATE;\n{migration.sql}\n{record}\nCOMMIT;")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
