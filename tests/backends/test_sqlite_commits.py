"""Commits are shared, kept in order, and copied back into the file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from engine.backends.sqlite import SqliteStore
from engine.core.clock import SystemClock
from engine.ports.store.leases import SeenAdd
from tests.backends.sqlite_faults import FaultyDatabase

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["threads", "inline"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str):  # type: ignore[no-untyped-def]
    made = FaultyDatabase(tmp_path / "tillflow.db", SystemClock(), inline=request.param == "inline")
    await made.open()
    yield made
    await made.close()


async def test_callers_of_one_moment_share_a_commit(database: FaultyDatabase) -> None:
    store = SqliteStore(database, SystemClock())
    await store.open()
    database.disk.statements.clear()
    await asyncio.gather(*(store.apply(SeenAdd("s", str(n), 1)) for n in range(500)))
    assert database.disk.statements.count("COMMIT") < 20
    assert not [sql for sql in database.disk.statements if "SAVEPOINT" in sql]
    await store.close()


async def test_units_run_in_the_order_they_were_handed_in(database: FaultyDatabase) -> None:
    order: list[int] = []

    def unit(number: int):  # type: ignore[no-untyped-def]
        return lambda connection: order.append(number)

    await asyncio.gather(*(database.submit(unit(number)) for number in range(300)))
    assert order == list(range(300))


async def test_after_is_called_once_also_when_the_caller_has_gone(database: FaultyDatabase) -> None:
    told: list[BaseException | None] = []
    future = database.submit(lambda connection: 1, told.append)
    future.cancel()
    await database.submit(lambda connection: 2)
    assert told == [None]


async def test_after_hears_of_a_failure(database: FaultyDatabase) -> None:
    told: list[BaseException | None] = []

    def wrong(connection: sqlite3.Connection) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.submit(wrong, told.append)
    assert [type(one) for one in told] == [ValueError]


async def test_the_log_is_copied_back_and_does_not_grow_for_ever(database: FaultyDatabase) -> None:
    store = SqliteStore(database, SystemClock())
    await store.open()
    sizes = []
    for round_ in range(12):
        await store.apply_all(*(SeenAdd("s", f"{round_}-{n}", 1, "x" * 200) for n in range(4_100)))
        sizes.append(os.stat(database.path + "-wal").st_size)
    assert max(sizes) < 3 * sizes[0]
    await store.close()
