"""core.sql: the same cases over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from connectors.core.sql import SqlCall, SqlConnection, SqlSink, forgetting
from connectors.core.sql.config import SqlConfig
from connectors.core.sql.fake import FakeSql
from connectors.core.sql.values import for_postgres, for_sqlite
from engine.compile.routes import KEEP
from engine.sdk import Failure, Permanent, SinkItem
from engine.testing.contracts import CallContract, CallSubject, SinkContract, SinkSubject, context

pytestmark = pytest.mark.anyio

TABLES = {
    "entries": "reference text primary key, day {date}, amount {amount}, big {big}, note text",
    "lines": "entry text not null, line_no integer not null, account text not null, debit {amount}",
    "stock": "store text, sku text, on_hand integer, version integer, unique (store, sku)",
}
KINDS = {
    "sqlite": {"amount": "text", "date": "text", "big": "integer"},
    "postgres": {"amount": "numeric(14,2)", "date": "date", "big": "bigint"},
}
QUERIES = {
    "entry": "select reference, amount, big, day from entries where reference = :reference",
    "all": "select reference from entries order by 1",
}
ENTRY = {"reference": "R-1", "day": "2026-03-14", "amount": Decimal("156.00"), "big": 2**53 + 1, "note": None}


class Database:
    """A database with the tables of these tests, and a way to look into it that is not the connector."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    async def change(self, statement: str) -> None:
        raise NotImplementedError


class Sqlite(Database):
    def __init__(self, folder: Path) -> None:
        statements = [f"create table {name} ({text.format(**KINDS['sqlite'])})" for name, text in TABLES.items()]
        self.fake = FakeSql(folder, statements)
        super().__init__(self.fake.url)

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.fake.rows(query)

    async def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.fake.path)) as db:
            db.execute(statement)
            db.commit()


class Postgres(Database):
    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        db = await asyncpg.connect(self.url)
        try:
            return [tuple(row.values()) for row in await db.fetch(query)]
        finally:
            await db.close()

    async def change(self, statement: str) -> None:
        await self.rows(statement)

    async def prepare(self) -> None:
        db = await asyncpg.connect(self.url)
        try:
            for name, text in TABLES.items():
                await db.execute(
                    f"drop table if exists {name}; create table {name} ({text.format(**KINDS['postgres'])})"
                )
            await db.execute("drop table if exists tillflow_applied")
        finally:
            await db.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Sqlite(tmp_path)
    found = Postgres(request.getfixturevalue("postgres_dsn"))
    await found.prepare()
    return found


@asynccontextmanager
async def connected(database: Database, **changes: Any) -> AsyncIterator[SqlConnection]:
    connection = SqlConnection(SqlConfig(**({"url": database.url, "queries": QUERIES} | changes)))
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


def insert(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = ENTRY | {"reference": f"R-{number}", "lines": [{"account": "4711", "debit": Decimal("0.10")}]} | changes
    children = {"lines": {"table": "lines", "link": {"entry": "reference"}, "number": "line_no"}}
    return {"table": "entries", "row": row, "children": children}


async def apply(connection: SqlConnection, *requests: Any, action: str = "insert") -> list[Failure | None]:
    items = [SinkItem(f"{n:032x}", request, action, "event") for n, request in enumerate(requests)]
    return [result.failure for result in await SqlSink(connection).deliver(items, context())]


class WithDatabase:
    """Gives the contracts the database of the running test."""

    @pytest.fixture(autouse=True)
    def _database(self, database: Database) -> None:
        self.database = database


class TestInsertContract(WithDatabase, SinkContract):
    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SinkSubject]:
        async def effects() -> list[Any]:
            rows = await self.database.rows("select reference, amount, big from entries order by 1")
            lines = await self.database.rows("select entry, line_no, debit from lines order by 1")
            return [[*entry, *line] for entry, line in zip(_exact(rows), _exact(lines), strict=True)]

        big = 2**53 + 1
        expected = [[f"R-{n}", "156.00", big, f"R-{n}", 1, "0.10"] for n in (1, 2)]
        async with connected(self.database) as connection:
            refused = insert(3, lines=[{"account": None}])
            yield SinkSubject(SqlSink(connection), "insert", [insert(1), insert(2)], effects, expected, refused)


class TestUpsertContract(WithDatabase, SinkContract):
    @asynccontextmanager
    async def subject(self) -> AsyncIterator[SinkSubject]:
        rows = [{"store": "0012", "sku": f"SKU-{n}", "on_hand": n, "version": 1} for n in (1, 2)]
        requests = [{"table": "stock", "key": ["store", "sku"], "row": row} for row in rows]

        async def effects() -> list[Any]:
            found = await self.database.rows("select store, sku, on_hand, version from stock order by sku")
            return [dict(zip(("store", "sku", "on_hand", "version"), row, strict=True)) for row in found]

        async with connected(self.database) as connection:
            refused = requests[0] | {"row": {"store": "1"}}
            yield SinkSubject(SqlSink(connection), "upsert", requests, effects, rows, refused)


class TestLookupContract(WithDatabase, CallContract):
    @asynccontextmanager
    async def subject(self) -> AsyncIterator[CallSubject]:
        async with connected(self.database) as connection:
            assert await apply(connection, insert(1)) == [None]
            amount: Any = "156.00" if isinstance(self.database, Sqlite) else Decimal("156.00")
            row = {"reference": "R-1", "amount": amount, "big": 2**53 + 1, "day": "2026-03-14"}
            request = {"query": "entry", "params": {"reference": "R-1"}}
            refused = {"query": "entry", "params": {}}
            yield CallSubject(SqlCall(connection), "lookup", request, {"rows": [row], "first": row}, refused)


def _exact(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [[str(value) if isinstance(value, Decimal) else value for value in row] for row in rows]


async def test_a_delivery_is_remembered_in_the_same_transaction(database: Database) -> None:
    async with connected(database) as connection:
        assert await apply(connection, insert(1)) == [None]
        await database.rows("select 1")
        item = SinkItem(f"{0:032x}", insert(2), "insert", "event")
        (again,) = await SqlSink(connection).deliver([item], context())
        assert (again.failure, again.result) == (None, {"repeat": True})
        assert await database.rows("select reference from entries") == [("R-1",)]
        assert await database.rows("select delivery from tillflow_applied") == [(f"{0:032x}",)]


async def aged(database: Database, days: int, *deliveries: str) -> None:
    """Deliveries that were applied so many days ago."""
    at = f"now() - interval '{days} days'" if isinstance(database, Postgres) else f"datetime('now', '-{days} days')"
    rows = ", ".join(f"('{delivery}', {at})" for delivery in deliveries)
    await database.change(f"insert into tillflow_applied (delivery, at) values {rows}")


async def remembered(database: Database) -> set[str]:
    return {name for (name,) in await database.rows("select delivery from tillflow_applied")}


async def test_applied_deliveries_are_forgotten_when_they_are_old_enough(database: Database) -> None:
    async with connected(database, applied_keep="500d") as connection:
        await aged(database, 501, "old")
        await aged(database, 499, "young")
        assert await apply(connection, insert(1)) == [None]
        assert await remembered(database) == {"young", f"{0:032x}"}


async def test_old_deliveries_are_forgotten_piece_by_piece_and_looked_for_seldom(database: Database) -> None:
    async with connected(database) as connection:
        await aged(database, 801, *(f"old-{n}" for n in range(forgetting.PIECE + 20)))
        ctx, look = context(), connection.forgetting.look
        assert [await look(ctx) for _ in range(3)] == [forgetting.PIECE, 20, 0]
        await aged(database, 801, "later")
        assert await look(ctx) == 0
        ctx.clock.advance(forgetting.LOOK_EVERY)  # type: ignore[attr-defined]
        assert await look(ctx) == 1 and await remembered(database) == set()


async def test_what_cannot_be_forgotten_is_told_once_and_spoils_no_delivery(database: Database) -> None:
    told: list[str] = []
    async with connected(database) as connection:
        ctx = replace(context(), log=lambda text, facts: told.append(text))

        async def refused(seconds: float, most: int) -> int:
            raise Permanent("refused", "no right to delete")

        connection.database.forget = refused  # type: ignore[method-assign]
        for number in (1, 2):
            item = SinkItem(f"{number:032x}", insert(number), "insert", "event")
            (result,) = await SqlSink(connection).deliver([item], ctx)
            assert result.failure is None
            ctx.clock.advance(forgetting.LOOK_EVERY)  # type: ignore[attr-defined]
        assert told == ["old applied deliveries could not be forgotten; the table grows until they can"]


def test_applied_deliveries_are_remembered_longer_than_the_ledger_does() -> None:
    with pytest.raises(ValueError, match="not longer than the 400 days of the ledger"):
        SqlConfig(url="sqlite:///a.db", applied_keep="400d")
    assert SqlConfig(url="sqlite:///a.db").applied_keep > KEEP


async def test_a_refused_delivery_leaves_nothing_behind_and_can_be_mended(database: Database) -> None:
    async with connected(database) as connection:
        (failure,) = await apply(connection, insert(1, lines=[{"account": "1"}, {"account": None}]))
        assert failure is not None
        assert failure.reason == "conflict"
        for table in ("entries", "lines", "tillflow_applied"):
            assert await database.rows(f"select * from {table}") == []
        assert await apply(connection, insert(1)) == [None]


async def test_a_document_of_another_delivery_with_the_same_key_is_a_conflict(database: Database) -> None:
    async with connected(database) as connection:
        first, second = await apply(connection, insert(1), insert(1))
        assert first is None
        assert second is not None
        assert second.reason == "conflict"


async def test_an_older_row_does_not_replace_a_newer_one(database: Database) -> None:
    async with connected(database) as connection:
        for version, on_hand in ((2, 20), (1, 10), (3, 30), (2, 20)):
            row = {"store": "1", "sku": "A", "on_hand": on_hand, "version": version}
            request = {"table": "stock", "key": ["store", "sku"], "newer_by": "version", "row": row}
            assert await apply(connection, request, action="upsert") == [None]
        assert await database.rows("select on_hand, version from stock") == [(30, 3)]


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"nowhere": 1}, "no-such-column"),
        ({"amount; drop table entries": 1}, "bad-name"),
        ({'amount"': 1}, "bad-name"),
        ({"lines": "x"}, "bad-item"),
    ],
)
async def test_what_cannot_be_written_says_why(database: Database, changes: Any, reason: str) -> None:
    async with connected(database) as connection:
        (failure,) = await apply(connection, insert(1, **changes))
        assert failure is not None
        assert (failure.kind, failure.reason) == ("permanent", reason)


@pytest.mark.parametrize("table", ["nowhere", "x.y.z", "entries; drop table lines", '"entries"', "pg_catalog.nowhere"])
async def test_tables_that_are_none(database: Database, table: str) -> None:
    async with connected(database) as connection:
        (failure,) = await apply(connection, {"table": table, "row": {"a": 1}})
        assert failure is not None
        assert failure.kind == "permanent"


async def test_values_are_bound_whatever_they_hold(database: Database) -> None:
    nasty = "'; drop table entries; -- \" \\ %s $1 :x"
    async with connected(database) as connection:
        assert await apply(connection, insert(1, note=nasty)) == [None]
        assert await database.rows("select note from entries") == [(nasty,)]
        item = SinkItem("k", {"query": "entry", "params": {"reference": nasty}}, "lookup", "e")
        assert await SqlCall(connection).call(item, context()) == {"rows": [], "first": None}


async def test_queries_cannot_write(database: Database) -> None:
    writing = "with x as (delete from entries returning 1) select * from x"
    async with connected(database, queries={"bad": writing, **QUERIES}) as connection:
        await apply(connection, insert(1))
        with pytest.raises(Permanent):
            await SqlCall(connection).call(SinkItem("k", {"query": "bad"}, "lookup", "e"), context())
        with pytest.raises(Permanent, match="no query `nothing`; it has bad, entry, all"):
            await SqlCall(connection).call(SinkItem("k", {"query": "nothing"}, "lookup", "e"), context())
        assert len(await database.rows("select 1 from entries")) == 1


async def test_many_at_once_are_one_transaction_each(database: Database) -> None:
    async with connected(database) as connection:
        await asyncio.gather(*(_one(connection, number) for number in range(20)))
        assert len(await database.rows("select 1 from entries")) == 20


async def _one(connection: SqlConnection, number: int) -> None:
    (result,) = await SqlSink(connection).deliver([SinkItem(f"{number}", insert(number), "insert", "e")], context())
    assert result.failure is None


async def test_check_says_what_answered(database: Database) -> None:
    async with connected(database) as connection:
        assert await connection.check()


@pytest.mark.services
async def test_more_decimals_than_a_column_keeps_are_refused(postgres_dsn: str) -> None:
    database = Postgres(postgres_dsn)
    await database.prepare()
    async with connected(database) as connection:
        (failure,) = await apply(connection, insert(1, amount=Decimal("1.005")))
        assert failure is not None
        assert failure.reason == "inexact"
        assert await apply(connection, insert(2, amount=Decimal("1.500"))) == [None]


async def test_a_database_that_is_not_there_is_a_transient_failure() -> None:
    connection = SqlConnection(SqlConfig(url="postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(Failure) as caught:
        await connection.open()
    assert caught.value.kind == "transient"


@pytest.mark.parametrize("type", ["REAL", "DECIMAL(12,2)", "NUMERIC", "double"])
def test_sqlite_columns_that_would_make_binary_numbers_are_refused(type: str) -> None:
    with pytest.raises(Permanent, match="not exact; declare it TEXT"):
        for_sqlite(Decimal("0.10"), type, "entries.amount")
    assert for_sqlite(Decimal("0.10"), "TEXT", "c") == "0.10"
    assert for_sqlite(Decimal("156.00"), "NUMERIC", "c") == 156


def test_postgres_columns_that_are_binary_are_refused() -> None:
    with pytest.raises(Permanent, match="declare it numeric"):
        for_postgres(Decimal("0.10"), "double precision", "c")
    assert for_postgres(Decimal("1E+3"), "numeric", "c") == "1000"
    assert for_postgres({"a": Decimal("1.10")}, "jsonb", "c") == '{"a":1.10}'


async def test_tables_that_are_not_there_are_told_by_name(database: Database) -> None:
    async with connected(database) as connection:
        there = {"table": "entries", "children": {"lines": {"table": "lines"}}}
        gone = {"table": "entris", "children": {"lines": {"table": "lnes"}}}

        assert await connection.lacks([there, {}]) == []
        told = await connection.lacks([there, gone])
        assert [text.partition(":")[0] for text in told] == ["there is no table entris", "there is no table lnes"]
        assert all("make it" in text for text in told)


async def test_looking_for_tables_makes_no_database_and_no_folder(tmp_path: Path) -> None:
    connection = SqlConnection(SqlConfig(url=f"sqlite:///{tmp_path}/nowhere/club.db"))
    (told,) = await connection.lacks([{"table": "members"}])

    assert f"there is no folder {tmp_path}/nowhere" in told
    assert list(tmp_path.iterdir()) == []


async def test_a_column_is_as_it_is_now_and_not_as_it_was_first(database: Database) -> None:
    kind = "text" if isinstance(database, Sqlite) else "numeric(12, 3)"
    await database.change("create table changed (amount real)")
    request = {"table": "changed", "row": {"amount": Decimal("1.005")}}
    async with connected(database) as connection:
        (failure,) = await apply(connection, request)
        assert failure is not None and failure.reason == "inexact"

        await database.change("drop table changed")
        await database.change(f"create table changed (amount {kind})")

        assert await apply(connection, request) == [None]
    assert [str(amount) for (amount,) in await database.rows("select amount from changed")] == ["1.005"]


async def test_sqlite_keeps_no_fraction_in_a_column_that_has_become_a_number(tmp_path: Path) -> None:
    database = Sqlite(tmp_path)
    await database.change("create table changed (amount text)")
    request = {"table": "changed", "row": {"amount": Decimal("0.10")}}
    async with connected(database) as connection:
        assert await apply(connection, request) == [None]

        await database.change("drop table changed")
        await database.change("create table changed (amount numeric)")

        items = [SinkItem("another", request, "insert", "event")]
        (result,) = await SqlSink(connection).deliver(items, context())
    assert result.failure is not None and result.failure.reason == "inexact"
