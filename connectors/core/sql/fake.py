"""A database for tests and demonstrations: a SQLite file with the tables a route writes to.

SQLite is the stand-in for PostgreSQL; the contract kit runs the same cases over both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class FakeSql:
    """A new database file in a folder. `url` is what a connection is configured with."""

    def __init__(self, folder: Path, statements: Sequence[str]) -> None:
        self.path = folder / "fake.db"
        with sqlite3.connect(self.path) as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query gives now."""
        db = sqlite3.connect(self.path)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()
