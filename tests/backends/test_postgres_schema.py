"""Starting on a PostgreSQL: migrations, and servers that cannot be used."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from engine.backends.postgres import Patience, PostgresStore, schema
from engine.backends.postgres.connection import Server
from engine.core.clock import SystemClock
from engine.core.errors import SettingsError, StoreDown
from engine.ports.store.leases import SeenAdd, SeenGet
from tests.postgres_server import SCHEMA, fetch, needed_server, run

pytestmark = [pytest.mark.anyio, pytest.mark.services]

FRESH = f"{SCHEMA}_fresh"


@pytest.fixture
def dsn() -> Iterator[str]:
    found = needed_server()
    yield found
    asyncio.run(run(found, f"DROP SCHEMA IF EXISTS {FRESH} CASCADE; DROP SCHEMA IF EXISTS {FRESH}_2 CASCADE"))


def store(dsn: str, name: str = FRESH) -> PostgresStore:
    return PostgresStore(dsn, SystemClock(), schema=name, writers=1, readers=1, aside=1, patience=Patience(connect=2.0))


async def recorded(dsn: str) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in await fetch(dsn, f"SELECT number, name FROM {FRESH}.migration ORDER BY number")]


async def test_many_that_start_at_once_migrate_once(dsn: str) -> None:
    stores = [store(dsn) for _ in range(6)]
    await asyncio.gather(*(one.open() for one in stores))
    assert await recorded(dsn) == [(migration.number, migration.name) for migration in schema.known()]
    assert [migration.number for migration in schema.known()] == list(range(1, len(schema.known()) + 1))
    assert await stores[0].apply(SeenAdd("s", "k", 1))
    assert not await stores[5].apply(SeenAdd("s", "k", 1))
    for one in stores:
        await one.close()
        await one.close()
    with pytest.raises(StoreDown, match="not open"):
        await stores[0].apply(SeenGet("s", "k"))


async def test_schemas_in_one_database_are_apart(dsn: str) -> None:
    first, second = store(dsn), store(dsn, f"{FRESH}_2")
    await first.open()
    await second.open()
    assert await first.apply(SeenAdd("s", "k", 1))
    assert await second.apply(SeenGet("s", "k")) is None
    await first.close()
    await second.close()


async def test_a_migration_that_fails_leaves_nothing(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = schema.known()
    broken = schema.Migration(len(known) + 1, "broken", "CREATE TABLE half (a int); CREATE TABLE seen (b int);")
    monkeypatch.setattr(schema, "known", lambda: [*known, broken])
    with pytest.raises(asyncpg.DuplicateTableError, match="seen"):
        await store(dsn).open()
    assert [number for number, _ in await recorded(dsn)] == [migration.number for migration in known]
    assert not await fetch(dsn, f"SELECT 1 FROM pg_tables WHERE schemaname = '{FRESH}' AND tablename = 'half'")


async def test_a_later_migration_finds_what_is_there(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = store(dsn)
    await first.open()
    await first.apply(SeenAdd("s", "k", 1, "note"))
    await first.close()
    known = schema.known()
    later = schema.Migration(len(known) + 1, "later", "ALTER TABLE seen ADD COLUMN more text NOT NULL DEFAULT ''")
    monkeypatch.setattr(schema, "known", lambda: [*known, later])
    again = [store(dsn) for _ in range(3)]
    await asyncio.gather(*(one.open() for one in again))
    assert await again[0].apply(SeenGet("s", "k")) == "note"
    assert (await recorded(dsn))[-1] == (later.number, "later")
    for one in again:
        await one.close()


async def test_a_schema_of_a_newer_version_is_refused(dsn: str) -> None:
    one = store(dsn)
    await one.open()
    await one.close()
    await run(dsn, f"INSERT INTO {FRESH}.migration VALUES (999, 'later', 0)")
    with pytest.raises(SettingsError, match="version 999; this version of tillflow knows up to"):
        await one.open()


async def test_a_user_who_may_create_nothing_starts_once_it_is_migrated(dsn: str) -> None:
    role = f"{SCHEMA}_plain"
    await run(dsn, f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN")
    plain = urlsplit(dsn)
    user = plain._replace(netloc=f"{role}@{plain.netloc.rpartition('@')[2]}").geturl()
    try:
        with pytest.raises(SettingsError, match="this user must not"):
            await store(user).open()
        owner = store(dsn)
        await owner.open()
        await owner.close()
        await run(
            dsn,
            f"GRANT USAGE ON SCHEMA {FRESH} TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA {FRESH} TO {role}; "
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {FRESH} TO {role}",
        )
        one = store(user)
        await one.open()
        assert await one.apply(SeenAdd("s", "k", 1))
        await run(dsn, f"REVOKE ALL ON {FRESH}.seen FROM {role}")
        with pytest.raises(StoreDown, match="permission denied"):
            await one.apply(SeenAdd("s", "k2", 1))
        await one.close()
    finally:
        await run(dsn, f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize("name", ["", "Tillflow", "a b", 'x"; DROP SCHEMA public; --', "1st", "x" * 64])
def test_a_schema_has_a_plain_name(name: str) -> None:
    with pytest.raises(SettingsError, match="no name for a schema"):
        store("postgresql://h/d", name)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("mysql://anna:s3cret@h/d", "must begin with postgresql://"),
        ("postgresql://anna:s3cret@127.0.0.1:notaport/d", "malformed"),
        ("postgresql://anna:s3cret@127.0.0.1:5432/d?sslmode=perhaps", "malformed"),
    ],
)
async def test_an_address_that_is_none_is_refused_without_telling_it(address: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        await store(address).open()
    assert "s3cret" not in str(caught.value)


async def test_a_database_that_is_not_there_is_a_wrong_setting(dsn: str) -> None:
    with pytest.raises(SettingsError, match='database "no_such_database" does not exist'):
        await store(urlsplit(dsn)._replace(path="/no_such_database").geturl()).open()


async def test_a_server_that_does_not_answer_is_down_and_its_password_not_told() -> None:
    with pytest.raises(StoreDown, match=r"PostgreSQL 127\.0\.0\.1:1/d cannot be reached") as caught:
        await store("postgresql://anna:s3cret@127.0.0.1:1/d").open()
    assert "s3cret" not in str(caught.value)
    assert "Start it, or correct host and port of the store's address" in str(caught.value)


async def test_a_server_that_only_reads_is_down(dsn: str) -> None:
    first = store(dsn)
    await first.open()
    await first.close()
    standby = store(f"{dsn}?default_transaction_read_only=on")
    await standby.open()
    with pytest.raises(StoreDown, match="read-only"):
        await standby.apply(SeenAdd("s", "k", 1))
    assert await standby.apply(SeenGet("s", "k")) is None
    await standby.close()


@pytest.mark.parametrize(("asked", "kept"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
async def test_what_was_answered_is_durable_whatever_the_server_does_usually(dsn: str, asked: str, kept: str) -> None:
    server = Server(f"{dsn}?synchronous_commit={asked}", FRESH, Patience())
    connection = await server.connect(by_key=True, seconds=4.0)
    names = ("synchronous_commit", "statement_timeout", "idle_in_transaction_session_timeout", "search_path")
    settings = [await connection.fetchval(f"SHOW {name}") for name in names]
    assert settings == [kept, "3s", "10s", FRESH]
    await connection.close()
