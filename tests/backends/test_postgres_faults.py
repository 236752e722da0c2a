"""What breaks between the engine and PostgreSQL: callers are told, may repeat, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from engine.backends.postgres import Patience, PostgresStore
from engine.core.errors import StoreDown
from engine.ports.store import Op
from engine.ports.store.leases import SeenAdd, SeenGet
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerFind, LedgerKey, LedgerSettle, SettleRow
from engine.ports.store.order import Birth, OrderNumber
from engine.ports.store.work import WorkFind
from tests.backends.postgres_stores import opened, table, until_up
from tests.postgres_server import SCHEMA, emptied, run
from tests.tcp_proxy import Proxy

pytestmark = [pytest.mark.anyio, pytest.mark.services]

QUICK = Patience(connect=1.0, write=0.6, read=0.6, long=0.6)
DAY = "2026-03-14"


@pytest.fixture
def dsn() -> str:
    return emptied()


class Lossy(Proxy):
    """A proxy that can lose the answer to a statement: it reaches the server, and the connection is cut."""

    lost = b""
    _losing = False

    async def _to_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.lost and self.lost in data:
                self.lost, self._losing = b"", True
            if self.cut_after is not None and len(data) >= self.cut_after:
                writer.write(data[: self.cut_after])
                return
            if not self.swallow_to_server:
                writer.write(data)

    async def _to_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._losing:
                self._losing = False
                return
            if not self.swallow_to_client:
                writer.write(data)


@asynccontextmanager
async def behind_a_proxy(dsn: str, **more: object) -> AsyncIterator[tuple[Lossy, PostgresStore]]:
    address = urlsplit(dsn)
    async with Lossy(address.hostname or "127.0.0.1", address.port or 5432) as proxy:
        assert isinstance(proxy, Lossy)
        user = f"{address.netloc.rpartition('@')[0]}@" if "@" in address.netloc else ""
        through = address._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()
        async with opened(through, **{"patience": QUICK, "writers": 1, **more}) as store:
            for op in (LedgerFind([]), LedgerClaim([], "t", 0, 1.0), WorkFind()):  # all are connected
                await store.apply(op)
            yield proxy, store


async def kill_connections(dsn: str) -> None:
    """As an administrator or a restart does."""
    ours = f"application_name = 'tillflow {SCHEMA}' AND pid <> pg_backend_pid()"
    await run(dsn, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")


async def test_killed_connections_are_told_and_made_again(dsn: str) -> None:
    async with opened(dsn) as store:
        told = []

        async def one(number: int) -> None:
            key = LedgerKey(DAY, f"d{number}")
            row = ClaimRow(key, 1, "sales", "journal", "e", f"e{number}")
            while True:
                try:
                    [claim] = await store.apply(LedgerClaim([row], f"t{number}", 0, 60.0))
                    assert claim.verdict in ("claimed", "busy", "final")  # busy: ours, and its answer was lost
                    await store.apply(LedgerSettle([SettleRow(key, "applied")], f"t{number}", 1))
                    return
                except StoreDown as down:
                    told.append(down)
                    await asyncio.sleep(0.01)

        async def killing() -> None:
            for _ in range(5):
                await asyncio.sleep(0.03)
                await kill_connections(dsn)

        killer = asyncio.create_task(killing())
        numbers = iter(range(100_000))

        async def worker() -> int:
            done = 0
            while not killer.done():
                await one(next(numbers))
                done += 1
            return done

        count = sum(await asyncio.gather(*(worker() for _ in range(40))))
        rows = await table("ledger")
        assert told
        assert len(rows) == count and {row[2] for row in rows} == {"applied"}
        assert store.problem == ""


async def test_an_idle_store_whose_connections_were_killed_just_works(dsn: str) -> None:
    async with opened(dsn) as store:
        assert await store.apply(SeenAdd("s", "k", 1))
        await kill_connections(dsn)
        await asyncio.sleep(0.05)
        assert not await store.apply(SeenAdd("s", "k", 1))
        assert await store.apply(SeenGet("s", "k")) == ""
        assert await store.apply(WorkFind()) == []


async def test_a_commit_whose_answer_is_lost_is_told_as_down_and_may_be_repeated(dsn: str) -> None:
    async with behind_a_proxy(dsn) as (proxy, store):
        # given
        births = OrderNumber([Birth("sale", "till", DAY, f"e{n}") for n in range(3)])
        assert await store.apply(OrderNumber([Birth("sale", "till", DAY, "first")])) == [1]
        proxy.lost = b"COMMIT\0"
        # when
        with pytest.raises(StoreDown, match="repeat what was asked"):
            await store.apply(births)
        # then it was written, and asking again gives what was given
        assert len(await table("order_number")) == 4
        assert await until_up(store, births) == [2, 3, 4]


ALONE: list[Op[Any]] = []  # one statement, and its own transaction
IN_COMPANY: list[Op[Any]] = [SeenAdd("s", "k", 1)]


@pytest.mark.parametrize(
    ("lost", "company"),
    [(b"INSERT INTO", ALONE), (b"BEGIN", IN_COMPANY), (b"INSERT INTO", IN_COMPANY), (b"FOR UPDATE", IN_COMPANY)],
)
async def test_what_is_lost_before_the_commit_is_not_written(dsn: str, lost: bytes, company: list[Op[Any]]) -> None:
    row = ClaimRow(LedgerKey(DAY, "d"), 1, "sales", "journal", "e", "e")
    async with behind_a_proxy(dsn) as (proxy, store):
        proxy.lost = lost
        with pytest.raises(StoreDown):
            await store.apply_all(LedgerClaim([row], "t", 0, 60.0), *company)
        assert await table("ledger") == []
        [claim] = await until_up(store, LedgerClaim([row], "t", 0, 60.0))
        assert claim.verdict == "claimed"


@pytest.mark.parametrize("direction", ["swallow_to_server", "swallow_to_client"])
async def test_a_black_hole_is_noticed_in_time(dsn: str, direction: str) -> None:
    async with behind_a_proxy(dsn) as (proxy, store):
        assert await store.apply(SeenAdd("s", "before", 1))
        await store.apply(SeenGet("s", "before"))
        setattr(proxy, direction, True)
        began = time.monotonic()
        results = await asyncio.gather(
            store.apply(SeenAdd("s", "in", 1)), store.apply(SeenGet("s", "before")), store.apply(WorkFind()),
            return_exceptions=True,
        )  # fmt: skip
        assert [type(result) for result in results] == [StoreDown] * 3
        assert time.monotonic() - began < 5.0
        proxy.heal()
        assert await until_up(store, SeenGet("s", "before")) == ""
        await until_up(store, SeenAdd("s", "in", 1))
        assert await until_up(store, SeenGet("s", "in")) == ""


async def test_a_cut_in_the_middle_of_a_statement_writes_nothing(dsn: str) -> None:
    async with behind_a_proxy(dsn) as (proxy, store):
        rows = [ClaimRow(LedgerKey(DAY, f"d{n}"), 1, "s", "j", "e", f"e{n}") for n in range(500)]
        claims = LedgerClaim(rows, "t", 0, 9.0)
        proxy.cut_after = 2000
        with pytest.raises(StoreDown):
            await store.apply(claims)
        proxy.heal()
        assert {claim.verdict for claim in await until_up(store, claims)} == {"claimed"}


async def test_while_the_server_is_away_callers_are_told_at_once(dsn: str) -> None:
    async with behind_a_proxy(dsn) as (proxy, store):
        await store.apply(SeenAdd("s", "k", 1))
        port, server = proxy.port, proxy._server
        assert server is not None
        server.close()
        proxy.swallow_to_client = proxy.swallow_to_server = True
        await kill_connections(dsn)
        # when nobody listens any more
        async with asyncio.timeout(10):
            while not store.problem:
                with pytest.raises(StoreDown):
                    await store.apply(SeenAdd("s", "k2", 1))
        assert "cannot be reached" in store.problem
        began = time.monotonic()
        with pytest.raises(StoreDown, match="cannot be reached"):
            await store.apply(SeenAdd("s", "k2", 1))
        assert time.monotonic() - began < 0.1
        # then it is found again by itself
        proxy.heal()
        proxy._server = await asyncio.start_server(proxy._connected, "127.0.0.1", port)
        assert await until_up(store, SeenAdd("s", "k2", 1))
        assert store.problem == ""


async def test_closing_does_not_wait_for_a_server_that_is_away(dsn: str) -> None:
    async with behind_a_proxy(dsn) as (proxy, store):
        await store.apply(SeenAdd("s", "k", 1))
        proxy.swallow_to_client = proxy.swallow_to_server = True
        waiting = asyncio.ensure_future(store.apply(SeenAdd("s", "k2", 1)))
        await asyncio.sleep(0)
        began = time.monotonic()
        await store.close()
        assert time.monotonic() - began < 6.0
        with pytest.raises(StoreDown):
            await waiting


async def test_who_is_in_the_way_for_too_long_makes_the_store_down_and_no_longer(dsn: str) -> None:
    """A process stopped in the middle of a transaction: its locks are the server's to break, after ten seconds."""
    row = ClaimRow(LedgerKey(DAY, "d"), 1, "sales", "journal", "e", "e")
    async with opened(dsn, patience=QUICK) as store:
        await store.apply(LedgerClaim([row], "t", 0, 60.0))
        blocker = await asyncpg.connect(dsn)
        try:
            async with blocker.transaction():
                await blocker.execute(f"SELECT * FROM {SCHEMA}.ledger FOR UPDATE")
                with pytest.raises(StoreDown, match="timeout"):
                    await store.apply(LedgerSettle([SettleRow(row.key, "applied")], "t", 1))
                assert await store.apply(SeenAdd("s", "k", 1))  # others go on
        finally:
            await blocker.close()
        assert await until_up(store, LedgerSettle([SettleRow(row.key, "applied")], "t", 1)) == [True]
        assert (await store.apply(LedgerFind([row.key])))[row.key].state == "applied"
