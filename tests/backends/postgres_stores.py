"""Stores on one PostgreSQL, as several processes have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from engine.backends.postgres import PostgresStore
from engine.core.clock import SystemClock
from engine.core.errors import StoreDown
from engine.ports.store import Op
from tests.postgres_server import SCHEMA, fetch, server

R = TypeVar("R")

SMALL = {"writers": 2, "readers": 1, "aside": 1}


@asynccontextmanager
async def opened(dsn: str, **more: Any) -> AsyncIterator[PostgresStore]:
    """A store on the run's schema."""
    store = PostgresStore(dsn, SystemClock(), **{"schema": SCHEMA, **SMALL, **more})
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def two(dsn: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two stores on one database, each with connections of its own."""
    async with opened(dsn) as one, opened(dsn) as other:
        yield one, other


async def until_up(store: PostgresStore, op: Op[R], within: float = 20.0) -> R:
    """The answer, asked for again as long as the store is down: as the runtime does."""
    async with asyncio.timeout(within):
        while True:
            try:
                return await store.apply(op)
            except StoreDown:
                await asyncio.sleep(0.02)


async def table(name: str) -> list[tuple[Any, ...]]:
    """All rows of a table, sorted."""
    return sorted(map(tuple, await fetch(server(), f'SELECT * FROM {SCHEMA}."{name}"')), key=repr)


async def deadlocks() -> int:
    """How many the server has counted in this database."""
    [(count,)] = await fetch(server(), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(count)
