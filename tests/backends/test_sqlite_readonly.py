"""Reading a store's file beside its owner, and without one."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from engine.backends.sqlite import SqliteDatabase, SqliteReader, SqliteStore, SqliteTransport
from engine.backends.sqlite.connection import open_reader
from engine.core.clock import SystemClock
from engine.core.errors import SettingsError, StoreDamaged, StoreDown
from engine.ports.store.figures import FiguresOf
from engine.ports.store.inbox import EventKey, InboxOpen, InboxRow
from engine.ports.store.leases import SeenAdd, SeenGet
from engine.ports.store.work import WorkCount
from engine.ports.transport import Address, Depth, Outgoing, Topology

pytestmark = pytest.mark.anyio

SALES, LANE = Address("route", "sales"), Address("lane", "erp")


async def test_a_reader_sees_what_is_committed_while_the_owner_writes(tmp_path: Path) -> None:
    # given
    store = SqliteStore(SqliteDatabase(tmp_path / "tillflow.db", SystemClock()), SystemClock())
    reader = SqliteReader(tmp_path / "tillflow.db")
    await store.open()
    await reader.open()
    # when
    for number in range(20):
        await store.apply(SeenAdd("s", str(number), 1, f"note {number}"))
        assert await reader.apply(SeenGet("s", str(number))) == f"note {number}"
    # then
    with pytest.raises(SettingsError, match="SeenAdd writes"):
        await reader.apply(SeenAdd("s", "k", 1))
    await reader.close()
    await store.close()


async def test_a_reader_works_without_an_owner(tmp_path: Path) -> None:
    store = SqliteStore(SqliteDatabase(tmp_path / "tillflow.db", SystemClock()), SystemClock())
    await store.open()
    await store.apply(InboxOpen([InboxRow("sales", EventKey("2026-03-14", "e"), "p", "filtered", reason="training")]))
    await store.close()
    reader = SqliteReader(tmp_path / "tillflow.db")
    await reader.open()
    [figures], counts = await reader.apply_all(FiguresOf(), WorkCount())
    assert (figures.filtered, counts) == (1, [])
    await reader.close()
    await reader.close()
    with pytest.raises(StoreDown, match="not open"):
        await reader.apply(WorkCount())
    # and it left the owner's place as it was
    await store.open()
    await store.close()


async def test_a_reader_counts_queues(tmp_path: Path) -> None:
    clock = SystemClock()
    transport = SqliteTransport(SqliteDatabase(tmp_path / "tillflow.db", clock), clock)
    await transport.open()
    await transport.declare(Topology((SALES, LANE)))
    await transport.publish([Outgoing(SALES, {}, b""), Outgoing(SALES, {}, b"", delay=60.0), Outgoing(SALES, {}, b"")])
    reader = SqliteReader(tmp_path / "tillflow.db")
    await reader.open()
    depths = await reader.depths(clock.now() + 1_000_000)
    assert (depths[SALES].ready, depths[SALES].delayed) == (2, 1)
    assert 1.0 <= depths[SALES].oldest < 60.0
    assert depths[LANE] == Depth()
    await reader.close()
    await transport.close()


def _on_read_only_media(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file can be made beside the database: what SQLite says then. (Rights would not stop a test run as root.)"""

    def refused(path: str) -> sqlite3.Connection:
        return open_reader(f"{path}.not-there")

    monkeypatch.setattr("engine.backends.sqlite.readonly.open_reader", refused)


async def test_a_file_on_read_only_media_is_read_as_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(SqliteDatabase(tmp_path / "tillflow.db", SystemClock()), SystemClock())
    await store.open()
    await store.apply(SeenAdd("s", "k", 1, "a note"))
    await store.close()
    before = sorted(tmp_path.iterdir())
    _on_read_only_media(monkeypatch)
    reader = SqliteReader(tmp_path / "tillflow.db")
    await reader.open()
    assert await reader.apply(SeenGet("s", "k")) == "a note"
    await reader.close()
    assert sorted(tmp_path.iterdir()) == before


async def test_what_lies_in_the_log_beside_such_a_file_is_never_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a running engine's folder: the file alone is older than what was decided."""
    store = SqliteStore(SqliteDatabase(tmp_path / "tillflow.db", SystemClock()), SystemClock())
    await store.open()
    await store.apply(SeenAdd("s", "k", 1, "a note"))
    _on_read_only_media(monkeypatch)
    with pytest.raises(StoreDown, match=f"Copy the folder {tmp_path} to a place that can be written"):
        await SqliteReader(tmp_path / "tillflow.db").open()
    await store.close()


async def test_there_has_to_be_a_file_of_this_schema(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has not run"):
        await SqliteReader(tmp_path / "none.db").open()
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(SettingsError, match="has not run"):
        await SqliteReader(tmp_path / "empty.db").open()
    (tmp_path / "text.db").write_text("no database\n" * 100)
    with pytest.raises(StoreDamaged, match="is damaged"):
        await SqliteReader(tmp_path / "text.db").open()


async def test_a_long_read_is_one_snapshot_and_holds_nobody_up(tmp_path: Path) -> None:
    # given
    database = SqliteDatabase(tmp_path / "tillflow.db", SystemClock())
    store = SqliteStore(database, SystemClock())
    await store.open()
    await store.apply(SeenAdd("s", "0", 1))
    loop, began, may_end = asyncio.get_running_loop(), asyncio.Event(), __import__("threading").Event()
    count = "SELECT count(*) FROM seen"

    def slow(connection: sqlite3.Connection) -> tuple[int, int]:
        before = connection.execute(count).fetchone()[0]
        loop.call_soon_threadsafe(began.set)
        may_end.wait(10)
        return before, connection.execute(count).fetchone()[0]

    # when writes go on meanwhile
    reading = asyncio.ensure_future(database.read_aside(slow))
    await began.wait()
    for number in range(1, 50):
        await store.apply(SeenAdd("s", str(number), 1))
    may_end.set()
    # then
    assert await reading == (1, 1)
    assert database.read(lambda connection: connection.execute(count).fetchone()[0]) == 50
    await store.close()
