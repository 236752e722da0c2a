"""Numbered migrations: each runs once, whole or not at all, however many processes start at the same moment."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

import asyncpg

from engine.backends.postgres.connection import Server
from engine.backends.postgres.draft import Connection
from engine.core.errors import SettingsError

_TURN = "SELECT pg_advisory_xact_lock(hashtext('tillflow migration'), hashtext($1))"
_MIGRATION = "CREATE TABLE migration (number bigint PRIMARY KEY, name text NOT NULL, at bigint NOT NULL)"


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


async def stored(connection: Connection, schema: str) -> int:
    """The number of the newest migration in the schema; 0 where there is none."""
    if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{schema}.migration"):
        return 0
    return int(await connection.fetchval(f"SELECT coalesce(max(number), 0) FROM {schema}.migration"))


async def check(connection: Connection, server: Server) -> int:
    """The number of the newest migration, which must be this version's. Raises SettingsError."""
    there = await _not_newer(connection, server)
    if there < known()[-1].number:
        state = f"is version {there}, which is older than this tillflow" if there else "is not there"
        raise SettingsError(f"the schema {server.schema} in {server} {state}; start the engine to bring it up to date")
    return there


async def _not_newer(connection: Connection, server: Server) -> int:
    there, newest = await stored(connection, server.schema), known()[-1].number
    if there > newest:
        raise SettingsError(
            f"the schema {server.schema} in {server} is version {there}; this version of tillflow knows up to "
            f"{newest}. Run the version that wrote it, or a newer one."
        )
    return there


async def migrate(connection: Connection, server: Server, now: int) -> None:
    """Bring the schema up to date. Raises SettingsError when it is from a newer version or must not be changed.

    A user without the right to create anything may start once somebody else has migrated.
    """
    migrations = known()
    there = await _not_newer(connection, server)
    try:
        await connection.execute("SET statement_timeout = 0")
        for migration in migrations:
            if migration.number > there:
                await _run(connection, server.schema, migration, now)
        await connection.execute("RESET statement_timeout")
    except asyncpg.InsufficientPrivilegeError as error:
        raise SettingsError(
            f"the schema {server.schema} in {server} must be brought to version {migrations[-1].number}, and this user "
            f"must not ({error}). Start once as a user who may create it."
        ) from None


async def _run(connection: Connection, schema: str, migration: Migration, now: int) -> None:
    """One migration, unless somebody else has done it while we waited for our turn."""
    async with connection.transaction():
        await connection.execute(_TURN, schema)
        there = await stored(connection, schema)
        if there >= migration.number:
            return
        if there == 0:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            await connection.execute(_MIGRATION)
        await connection.execute(migration.sql)
        await connection.execute("INSERT INTO migration VALUES ($1, $2, $3)", migration.number, migration.name, now)
