"""One owner per file, and files that cannot be opened."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.backends.sqlite.schema import known, stored
from engine.core.clock import SystemClock
from engine.core.errors import SettingsError, StoreDamaged, StoreDown
from engine.ports.store.leases import SeenAdd, SeenGet

pytestmark = pytest.mark.anyio

OWNER = """
import asyncio, sys
from engine.backends.sqlite import SqliteDatabase
from engine.core.clock import SystemClock

async def main():
    await SqliteDatabase(sys.argv[1], SystemClock()).open()
    print("owned", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def database(folder: Path) -> SqliteDatabase:
    return SqliteDatabase(folder / "tillflow.db", SystemClock())


def start_owner(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", OWNER, str(path)], stdout=subprocess.PIPE, text=True)


async def test_a_second_owner_is_refused_and_told_who_owns_it(tmp_path: Path) -> None:
    first = database(tmp_path)
    await first.open()
    with pytest.raises(SettingsError, match=f"tillflow.db is owned by pid {os.getpid()}"):
        await database(tmp_path).open()
    await first.close()
    second = database(tmp_path)
    await second.open()
    await second.close()


async def test_an_owner_that_was_killed_owns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tillflow.db"
    with start_owner(path) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == "owned\n"
        with pytest.raises(SettingsError, match=f"owned by pid {owner.pid}"):
            await database(tmp_path).open()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    taken_over = database(tmp_path)
    await taken_over.open()
    assert (tmp_path / "tillflow.db.lock").read_text() == f"{os.getpid()}\n"
    await taken_over.close()
    assert (tmp_path / "tillflow.db.lock").read_text() == ""


async def test_a_refused_owner_can_try_again(tmp_path: Path) -> None:
    first, second = database(tmp_path), database(tmp_path)
    store = SqliteStore(second, SystemClock())
    await first.open()
    with pytest.raises(SettingsError):
        await store.open()
    await first.close()
    await store.open()
    assert await store.apply(SeenAdd("s", "k", 1))
    await store.close()


async def test_transport_and_store_share_the_file_until_the_last_one_closes(tmp_path: Path) -> None:
    shared = database(tmp_path)
    transport, store = SqliteTransport(shared, SystemClock()), SqliteStore(shared, SystemClock())
    await transport.open()
    await store.open()
    await transport.close()
    assert await store.apply(SeenAdd("s", "k", 1))
    await store.close()
    with pytest.raises(StoreDown, match="not open"):
        await store.apply(SeenGet("s", "k"))


async def test_a_closed_file_is_one_file(tmp_path: Path) -> None:
    store = SqliteStore(database(tmp_path), SystemClock())
    await store.open()
    await store.apply(SeenAdd("s", "k", 1))
    await store.close()
    assert sorted(os.listdir(tmp_path)) == ["tillflow.db", "tillflow.db.lock"]


async def test_what_survives_is_as_safe_as_promised(tmp_path: Path) -> None:
    opened = database(tmp_path)
    await opened.open()
    connection = opened._writer
    assert connection is not None
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "wal_autocheckpoint")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 0}
    with pytest.raises(StoreDown, match="readonly"):
        opened.read(lambda reader: reader.execute("DELETE FROM seen"))
    await opened.close()


async def test_migrations_run_once_and_are_recorded(tmp_path: Path) -> None:
    for _ in range(2):
        opened = database(tmp_path)
        await opened.open()
        await opened.close()
    connection = sqlite3.connect(tmp_path / "tillflow.db")
    rows = connection.execute("SELECT number, name FROM migration").fetchall()
    connection.close()
    assert rows == [(migration.number, migration.name) for migration in known()]
    assert [migration.number for migration in known()] == list(range(1, len(known()) + 1))


async def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.backends.sqlite import schema

    broken = schema.Migration(len(known()) + 1, "broken", "CREATE TABLE half (a); CREATE TABLE seen (b);")
    monkeypatch.setattr(schema, "known", lambda known=known: [*known(), broken])
    with pytest.raises(sqlite3.OperationalError, match="seen"):
        await database(tmp_path).open()
    connection = sqlite3.connect(tmp_path / "tillflow.db")
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    assert "half" not in tables and "seen" in tables
    assert stored(connection) == broken.number - 1
    connection.close()


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    opened = database(tmp_path)
    await opened.open()
    await opened.submit(
        lambda connection: connection.execute("INSERT INTO migration VALUES (999, 'later', 0)").rowcount
    )
    await opened.close()
    with pytest.raises(SettingsError, match="schema 999"):
        await database(tmp_path).open()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tillflow.db").write_text("sku;price\n" * 500)
    with pytest.raises(StoreDamaged, match=r"is damaged .* keep a copy of the folder"):
        await database(tmp_path).open()


async def test_a_place_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be opened"):
        await SqliteDatabase(tmp_path / "file" / "tillflow.db", SystemClock()).open()


async def test_a_full_disk_is_no_wrong_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps it running tries again."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    owned = database(tmp_path)
    await owned.open()  # nobody learns who owns it; it is owned
    with pytest.raises(SettingsError, match="owned by pid unknown"):
        await database(tmp_path).open()
    await owned.close()
    monkeypatch.setattr(os, "open", full)
    with pytest.raises(StoreDown, match="No space left on device; free disk space"):
        await database(tmp_path).open()


async def test_in_memory_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqliteStore(SqliteDatabase(":memory:", SystemClock()), SystemClock())
    await store.open()
    assert await store.apply(SeenAdd("s", "k", 1))
    await store.close()
    await store.open()
    assert await store.apply(SeenGet("s", "k")) is None
    await store.close()
    assert os.listdir(tmp_path) == []
