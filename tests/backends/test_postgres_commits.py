"""Commits are shared, and a unit that cannot be written harms no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec.structs import replace

from engine.backends.postgres import PostgresStore
from engine.backends.postgres.text import stored, told
from engine.core.errors import Fenced, StoreDown
from engine.ports.store.inbox import EventKey, InboxFind, InboxOpen, InboxRow, Planned
from engine.ports.store.journal import Entry, JournalAppend, JournalFind
from engine.ports.store.leases import SeenAdd, SeenGet
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerFind, LedgerKey, LedgerSettle, SettleRow, State
from engine.ports.store.order import FenceAdmit, FenceRow, FenceSettle, HeldAdd, HeldRow, LatestClaim
from engine.ports.store.steps import GroupJoin, GroupKey, GroupMembers, Member
from engine.ports.store.work import WorkChange, WorkCreate, WorkEdit, WorkFind, WorkGet, WorkItem
from tests.backends.postgres_stores import opened
from tests.postgres_server import SCHEMA, emptied, fetch, run

pytestmark = [pytest.mark.anyio, pytest.mark.services]

DAY = "2026-03-14"


@pytest.fixture
def dsn() -> str:
    return emptied()


@pytest.fixture
async def store(dsn: str, anyio_backend: str) -> AsyncIterator[PostgresStore]:
    async with opened(dsn) as one:
        yield one


async def transactions(dsn: str, table: str) -> int:
    """How many transactions wrote the rows of a table."""
    [(count,)] = await fetch(dsn, f"SELECT count(DISTINCT xmin::text) FROM {SCHEMA}.{table}")
    return int(count)


async def test_callers_of_one_moment_share_a_commit(store: PostgresStore, dsn: str) -> None:
    await asyncio.gather(*(store.apply(SeenAdd("s", str(n), 1)) for n in range(1000)))
    assert await transactions(dsn, "seen") <= 10


async def test_a_value_that_cannot_be_written_harms_only_its_caller(store: PostgresStore, dsn: str) -> None:
    asked = [SeenAdd("s", str(n), 1 << 70 if n == 7 else n) for n in range(20)]
    results = await asyncio.gather(*map(store.apply, asked), return_exceptions=True)
    assert isinstance(results[7], asyncpg.DataError)
    assert [result for result in results if result is not results[7]] == [True] * 19
    assert store.problem == ""


async def test_a_unit_that_is_fenced_leaves_no_trace_among_the_others(store: PostgresStore, dsn: str) -> None:
    """Everything an operation can leave in the group's draft is taken back: rows, lists and notes."""
    group, key = GroupKey("sales", "by-store", "A"), LedgerKey(DAY, "d")
    held = HeldRow("f", "k", 2, DAY, "d", "erp", "{}", b"", 1)
    fenced = store.apply_all(
        LedgerClaim([ClaimRow(key, 1, "sales", "s", "e", "e")], "undone", 0, 9.0),
        GroupJoin([Member(group, DAY, "undone", b"x", at=1)]),
        HeldAdd([held]),
        FenceSettle("f", [("k", 1)]),
        JournalAppend([Entry(1, DAY, "e", "undone", "sales", "applied")]),
        LatestClaim("prices", [("k", 9)]),
        WorkChange("none", 1, "resolved", "", 1),
    )
    good = [
        store.apply(LedgerClaim([ClaimRow(key, 1, "sales", "s", "e", "e")], "done", 0, 9.0)),
        store.apply(GroupJoin([Member(group, DAY, "done", b"x", at=2)])),
        store.apply(FenceAdmit("f", [FenceRow("k", 1, DAY, "d")])),
        store.apply(LatestClaim("prices", [("k", 8)])),
    ]
    refused, [claim], [joined], turns, newest = await asyncio.gather(fenced, *good, return_exceptions=True)  # type: ignore[misc]
    assert isinstance(refused, Fenced)
    assert (claim.verdict, joined.generation, joined.size, joined.first_at) == ("claimed", 1, 1, 2)
    assert (turns, newest) == (["go"], [True])
    assert await store.apply(JournalFind("undone")) == []
    assert [one.event_id for one in await store.apply(GroupMembers(group, 1))] == ["done"]
    assert await transactions(dsn, "ledger") == 1


async def test_a_row_goes_through_its_whole_life_in_one_unit(store: PostgresStore) -> None:
    key = LedgerKey(DAY, "d")
    claim = LedgerClaim([ClaimRow(key, 1, "sales", "s", "e", "e", body="b")], "t", 0, 9.0)
    again = LedgerClaim([ClaimRow(key, 2, "sales", "s", "e", "e", body="other")], "t2", 0, 9.0)
    waits, holds = SettleRow(key, "waiting", 2), SettleRow(key, "held")
    [first], waiting, [second], holding = await store.apply_all(
        claim, LedgerSettle([waits], "t", 1), again, LedgerSettle([holds], "t2", 2)
    )
    assert (first.verdict, waiting, second.same_body, holding) == ("claimed", [True], False, [True])
    row = (await store.apply(LedgerFind([key])))[key]
    assert (row.state, row.attempt, row.token, row.body, row.at) == ("held", 2, "t2", "b", 2)


async def test_a_unit_that_reads_sees_what_it_wrote_and_nobody_else_does_before(store: PostgresStore) -> None:
    item = WorkItem("w1", "event", "sales", "bad", "e", DAY)
    found = await store.apply_all(
        WorkCreate([item]), WorkGet("w1"), WorkEdit("w1", 1, "{}", b"new", "", 5), WorkFind(), SeenGet("s", "k")
    )
    assert found[1] == item and found[3][0].body == b"new" and found[4] is None
    with pytest.raises(Fenced):
        await store.apply_all(SeenAdd("s", "k", 1), SeenGet("s", "k"), WorkChange("w1", 1, "resolved", "", 6))
    assert await store.apply(SeenGet("s", "k")) is None


async def test_members_keep_the_order_they_joined_in(store: PostgresStore) -> None:
    group = GroupKey("sales", "by-store", "A")
    await store.apply(GroupJoin([Member(group, DAY, f"e{n}", b"x") for n in (3, 1, 2)]))
    assert [one.event_id for one in await store.apply(GroupMembers(group, 1))] == ["e3", "e1", "e2"]


async def test_large_batches_are_one_statement(store: PostgresStore, dsn: str) -> None:
    rows = [ClaimRow(LedgerKey(DAY, f"d{n}"), 1, "sales", f"s{n % 3}", "e", f"e{n}") for n in range(5000)]
    claims = await store.apply(LedgerClaim(rows, "t", 0, 60.0))
    assert {claim.verdict for claim in claims} == {"claimed"}
    states: list[State] = ["applied", "waiting", "held"]
    settles = [SettleRow(row.key, states[n % 3], result=b"%d" % n) for n, row in enumerate(rows)]
    assert all(await store.apply(LedgerSettle(settles, "t", 1)))
    found = await store.apply(LedgerFind([row.key for row in rows]))
    assert [found[row.key].result for row in rows] == [b"%d" % n for n in range(5000)]
    assert await transactions(dsn, "ledger") == 1


@pytest.mark.parametrize("text", ["a\0b", "\0", "\x1b", "\x1b0", "\x1be", "a\x1b\0e", "plain", ""])
def test_any_text_is_told_as_it_was_stored(text: str) -> None:
    assert "\0" not in stored(text)
    assert told(stored(text)) == text


async def test_text_that_postgresql_does_not_know_is_kept_exactly(store: PostgresStore) -> None:
    odd = ["a\0", "a", "a\x1b0", "\U0010ffff", "ä\u0301"]
    rows = [
        InboxRow("sales", EventKey(DAY, key), "p", "deliveries", (Planned(key, DAY, key, "lane"),), reason=key)
        for key in odd
    ]
    await store.apply(InboxOpen(rows))
    assert await store.apply(InboxFind("sales", [row.key for row in rows])) == {row.key: row for row in rows}
    item = WorkItem("w\0", "event", "sales", "bad", "e", DAY, search='{"receipt":"10\\u000001"}', detail="\0")
    other = replace(item, id="v", search="{}", detail="")
    await store.apply(WorkCreate([item, other]))
    assert await store.apply(WorkFind(text="10\x0001")) == [item]
    entries = [Entry(n, DAY, f"e{n}", f"t{n}", "sales", "x", keys={"receipt": key}) for n, key in enumerate(odd)]
    await store.apply(JournalAppend(entries))
    assert [await store.apply(JournalFind(key)) for key in odd] == [[entry] for entry in entries]


async def test_a_slow_read_holds_up_no_quick_one(store: PostgresStore, dsn: str) -> None:
    blocker = await asyncpg.connect(dsn)
    try:
        async with blocker.transaction():
            await blocker.execute(f"LOCK TABLE {SCHEMA}.work_item IN ACCESS EXCLUSIVE MODE")
            slow = asyncio.ensure_future(store.apply(WorkFind()))
            assert await store.apply(SeenAdd("s", "k", 1))
            assert await store.apply(SeenGet("s", "k")) == ""
            assert not slow.done()
        assert await slow == []
    finally:
        await blocker.close()


async def test_what_conflicts_all_the_time_is_told_as_down(store: PostgresStore, dsn: str) -> None:
    """A row appears that no look finds, as if somebody always came first."""
    hidden = f"""
        CREATE FUNCTION {SCHEMA}.never() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER never BEFORE INSERT ON {SCHEMA}.seen FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.never()
    """
    await run(dsn, hidden)
    try:
        with pytest.raises(StoreDown, match="others change the same rows"):
            await store.apply(SeenAdd("s", "k", 1))
    finally:
        await run(dsn, f"DROP FUNCTION {SCHEMA}.never() CASCADE")
    assert await store.apply(SeenAdd("s", "k", 1))
