"""Disks that are full or broken: nothing is answered as written that is not, and nothing else is harmed."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from engine.backends.sqlite import SqliteStore, SqliteTransport
from engine.core.clock import SystemClock
from engine.core.errors import StoreDown, StoreFull, TransportBlocked
from engine.ports.store.leases import SeenAdd, SeenGet
from engine.ports.transport import Address, Confirm, Outgoing, Topology
from tests.backends.sqlite_faults import FSYNC, FULL, IO_ERROR, FaultyDatabase

pytestmark = pytest.mark.anyio

SALES = Address("route", "sales")


@pytest.fixture(params=["threads", "inline"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str):  # type: ignore[no-untyped-def]
    made = FaultyDatabase(tmp_path / "tillflow.db", SystemClock(), inline=request.param == "inline")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def store(database: FaultyDatabase):  # type: ignore[no-untyped-def]
    made = SqliteStore(database, SystemClock())
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def transport(database: FaultyDatabase):  # type: ignore[no-untyped-def]
    made = SqliteTransport(database, SystemClock())
    await made.open()
    await made.declare(Topology((SALES,)))
    yield made
    await made.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_was_taken_away_is_not_written_any_more(
    database: FaultyDatabase, store: SqliteStore, replaced: bool
) -> None:
    """What is written into it nobody would ever see again."""
    await store.apply(SeenAdd("s", "k", 1))
    path = Path(database.path)
    path.rename(path.with_suffix(".old"))
    if replaced:
        path.write_bytes(b"")
    with pytest.raises(StoreDown, match="replaced" if replaced else "moved or removed"):
        await store.apply(SeenAdd("s", "l", 1))
    assert "Put it back" in database.problem


@pytest.mark.parametrize("statement", ["BEGIN", "INSERT OR IGNORE INTO seen", "COMMIT"])
async def test_a_full_disk_is_store_down_until_there_is_room(
    database: FaultyDatabase, store: SqliteStore, statement: str
) -> None:
    # given
    database.disk.failing[statement] = FULL
    # when
    with pytest.raises(StoreDown, match="full"):
        await store.apply(SeenAdd("s", "k", 1))
    assert await store.apply(SeenGet("s", "k")) is None
    # then, with room again
    database.disk.failing.clear()
    assert await store.apply(SeenAdd("s", "k", 1))
    assert database.problem == ""


@pytest.mark.parametrize(("statement", "fault"), [("COMMIT", FSYNC), ("INSERT OR IGNORE INTO seen", IO_ERROR)])
async def test_after_an_io_error_nothing_is_written_until_it_is_opened_again(
    database: FaultyDatabase, store: SqliteStore, statement: str, fault: tuple[int, str]
) -> None:
    await store.apply(SeenAdd("s", "before", 1))
    database.disk.failing[statement] = fault
    with pytest.raises(StoreDown, match="started again"):
        await store.apply(SeenAdd("s", "failed", 1))
    # when the disk seems well again, a repeated fsync would answer for pages that are lost
    database.disk.failing.clear()
    with pytest.raises(StoreDown, match="started again"):
        await store.apply(SeenAdd("s", "after", 1))
    assert "I/O" in database.problem
    # then
    await store.close()
    await database.close()
    await database.open()
    await store.open()
    assert await store.apply(SeenGet("s", "before")) == ""
    assert await store.apply(SeenAdd("s", "after", 1))


async def test_all_callers_of_a_group_that_failed_hear_of_it(database: FaultyDatabase, store: SqliteStore) -> None:
    database.disk.failing["COMMIT"] = FSYNC
    results = await asyncio.gather(*(store.apply(SeenAdd("s", str(n), 1)) for n in range(30)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreDown] * 30
    assert len({id(result) for result in results}) == 30


async def test_a_rollback_that_fails_breaks_the_database(database: FaultyDatabase, store: SqliteStore) -> None:
    database.disk.failing |= {"COMMIT": FULL, "ROLLBACK": IO_ERROR}
    with pytest.raises(StoreDown):
        await store.apply(SeenAdd("s", "k", 1))
    assert database.problem


async def test_what_was_committed_before_a_failed_checkpoint_is_answered(
    database: FaultyDatabase, store: SqliteStore
) -> None:
    database.disk.failing["PRAGMA wal_checkpoint"] = IO_ERROR
    connection_changes = [SeenAdd("s", str(n), 1) for n in range(4_100)]
    assert all(await store.apply_all(*connection_changes))
    assert await store.apply(SeenGet("s", "4099")) == ""
    with pytest.raises(StoreDown):
        await store.apply(SeenAdd("s", "next", 1))


async def test_a_full_disk_blocks_publishing_and_acks_and_loses_nothing(
    database: FaultyDatabase, transport: SqliteTransport
) -> None:
    # given
    await transport.publish([Outgoing(SALES, {}, b"first")])
    subscription = await transport.subscribe(SALES, 10)
    held = await subscription.receive(1)
    database.disk.failing["COMMIT"] = FULL
    # when
    with pytest.raises(TransportBlocked):
        await transport.publish([Outgoing(SALES, {}, b"second")])
    with pytest.raises(TransportBlocked):
        await subscription.ack(held)
    # then the publish did not happen, the receipt is still in hand and can be acked
    database.disk.failing.clear()
    depth = (await transport.depths())[SALES]
    assert (depth.ready, depth.unacked) == (0, 1)
    await subscription.ack(held)
    assert await transport.publish([Outgoing(SALES, {}, b"third")]) == [Confirm(True)]
    assert [receipt.body for receipt in await subscription.receive(5)] == [b"third"]


async def test_a_broken_disk_blocks_receiving_too(database: FaultyDatabase, transport: SqliteTransport) -> None:
    subscription = await transport.subscribe(SALES, 10)
    await transport.publish([Outgoing(SALES, {}, b"first")])
    database.disk.failing["COMMIT"] = FSYNC
    with pytest.raises(TransportBlocked):
        await transport.publish([Outgoing(SALES, {}, b"second")])
    with pytest.raises(TransportBlocked):
        await subscription.receive(1)


async def test_a_topology_that_was_not_written_is_not_there(
    database: FaultyDatabase, transport: SqliteTransport
) -> None:
    lane = Address("lane", "erp")
    database.disk.failing["COMMIT"] = FULL
    with pytest.raises(TransportBlocked):
        await transport.declare(Topology((lane,)))
    with pytest.raises(TransportBlocked):
        await transport.remove(SALES)
    database.disk.failing.clear()
    confirms = await transport.publish([Outgoing(lane, {}, b""), Outgoing(SALES, {}, b"")])
    assert confirms == [Confirm(False, "unroutable"), Confirm(True)]


async def test_sqlite_s_own_disk_full_is_told_the_same_way(database: FaultyDatabase, store: SqliteStore) -> None:
    pages = database.disk.execute("PRAGMA page_count").fetchone()[0]
    database.disk.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StoreFull, match="full"):
        await store.apply_all(*(SeenAdd("s", "x" * 900 + str(n), 1) for n in range(100)))
    database.disk.execute("PRAGMA max_page_count=1000000")
    assert await store.apply(SeenAdd("s", "k", 1))


async def test_a_programming_error_harms_only_its_caller(database: FaultyDatabase) -> None:
    def wrong(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO seen VALUES ('s', 'wrong', 1, '')")
        connection.execute("SELECT * FROM no_such_table")

    def right(connection: sqlite3.Connection) -> int:
        return connection.execute("INSERT OR IGNORE INTO seen VALUES ('s', 'right', 1, '')").rowcount

    results = await asyncio.gather(
        database.submit(right), database.submit(wrong), database.submit(right), return_exceptions=True
    )
    assert (results[0], type(results[1]), results[2]) == (1, sqlite3.OperationalError, 0)
    rows = database.read(lambda connection: connection.execute("SELECT key FROM seen").fetchall())
    assert rows == [("right",)]
    assert database.problem == ""
