"""The connection of `core.sql`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.core.sql.client import Database
from connectors.core.sql.config import SqlConfig
from connectors.core.sql.forgetting import Forgetting
from engine.sdk import Connection


class SqlConnection(Connection):
    """One database, PostgreSQL or SQLite."""

    Config = SqlConfig

    def __init__(self, config: SqlConfig) -> None:
        self.config = config
        self.database: Database = _database(config)
        self.forgetting = Forgetting(self.database, config.applied_keep)

    async def open(self) -> None:
        """Connect, and make the table of applied deliveries. Raises Transient or Permanent."""
        await self.database.open()

    async def close(self) -> None:
        """Disconnect."""
        await self.database.close()

    async def check(self) -> str:
        """Version of the database that answers; nothing is made in it. Raises Failure."""
        return await self.database.version()

    async def lacks(self, requests: Sequence[Mapping[str, Any]]) -> list[str]:
        """Tables that sinks write to and that are not there; a folder that is missing."""
        tables = sorted({table for request in requests for table in _tables(request)})
        return await self.database.lacks(tables)


def _tables(request: Mapping[str, Any]) -> Iterator[str]:
    children = request.get("children")
    nested = children.values() if isinstance(children, Mapping) else ()
    for one in (request, *(child for child in nested if isinstance(child, Mapping))):
        if isinstance(one.get("table"), str):
            yield one["table"]


def _database(config: SqlConfig) -> Database:
    """With its driver, which only a connection that is made needs."""
    if config.path:
        from connectors.core.sql.sqlite import SqliteDatabase

        return SqliteDatabase(config)
    from connectors.core.sql.postgres import PostgresDatabase

    return PostgresDatabase(config)
