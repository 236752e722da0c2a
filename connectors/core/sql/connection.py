"""The connection of `core.sql`."""

from __future__ import annotations

from connectors.core.sql.client import Database
from connectors.core.sql.config import SqlConfig
from connectors.core.sql.postgres import PostgresDatabase
from connectors.core.sql.sqlite import SqliteDatabase
from engine.sdk import Connection


class SqlConnection(Connection):
    """One database, PostgreSQL or SQLite."""

    Config = SqlConfig

    def __init__(self, config: SqlConfig) -> None:
        self.config = config
        self.database: Database = SqliteDatabase(config) if config.path else PostgresDatabase(config)

    async def open(self) -> None:
        """Connect, and make the table of applied deliveries. Raises Transient or Permanent."""
        await self.database.open()

    async def close(self) -> None:
        """Disconnect."""
        await self.database.close()

    async def check(self) -> str:
        """Version of the database that answered."""
        return await self.database.version()
