"""The connection of `core.sql`."""

from __future__ import annotations

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


def _database(config: SqlConfig) -> Database:
    """With its driver, which only a connection that is made needs."""
    if config.path:
        from connectors.core.sql.sqlite import SqliteDatabase

        return SqliteDatabase(config)
    from connectors.core.sql.postgres import PostgresDatabase

    return PostgresDatabase(config)
