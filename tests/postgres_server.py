"""A PostgreSQL for tests: one schema for the whole run, emptied before each test."""

from __future__ import annotations

import asyncio
import atexit
import os
from functools import cache

import asyncpg
import pytest

from engine.backends.postgres import PostgresStore
from engine.core.clock import SystemClock

USUAL = "postgresql://root@127.0.0.1:5432/test"
SCHEMA = f"tillflow_test_{os.getpid()}"


@cache
def server() -> str:
    """The DSN of a server that answers, with an up-to-date schema; empty when there is none."""
    named = os.environ.get("TILLFLOW_TEST_POSTGRES", "")
    return asyncio.run(_prepared(named or USUAL, needed=bool(named)))


async def _prepared(dsn: str, *, needed: bool) -> str:
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except (OSError, asyncpg.PostgresError):
        if needed:
            raise
        return ""
    await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    await connection.close()
    store = PostgresStore(dsn, SystemClock(), schema=SCHEMA)
    await store.open()
    await store.close()
    atexit.register(_dropped, dsn)
    return dsn


def _dropped(dsn: str) -> None:
    asyncio.run(run(dsn, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


def needed_server() -> str:
    """As `server`; skips where there is none, and fails in CI."""
    dsn = server()
    if not dsn:
        why = "no PostgreSQL: run through `docker/services.sh run`, or set TILLFLOW_TEST_POSTGRES"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return dsn


def emptied() -> str:
    """The DSN of a server whose tables are empty."""
    dsn = needed_server()
    asyncio.run(run(dsn, _emptying()))
    return dsn


@cache
def _emptying() -> str:
    names = asyncio.run(
        fetch(server(), f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}' AND tablename <> 'migration'")
    )
    # Deleting a handful of rows is many times faster than truncating two dozen tables.
    return "; ".join(f'DELETE FROM {SCHEMA}."{name}"' for (name,) in names)


async def run(dsn: str, sql: str) -> None:
    """Statements on a connection of their own."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()


async def fetch(dsn: str, sql: str) -> list[asyncpg.Record]:
    """Rows on a connection of their own."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(sql)
    await connection.close()
    return rows
