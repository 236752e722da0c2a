"""Two stores on one PostgreSQL, as two processes have them, racing each other for the same rows."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from engine.ports.store import Op, Store
from engine.ports.store.audit import AuditAppend, AuditList, AuditRow, AuditVerify
from engine.ports.store.inbox import EventKey, InboxFind, InboxOpen, InboxRouted, InboxRow
from engine.ports.store.journal import Entry, JournalAppend, JournalFind
from engine.ports.store.leases import CursorGet, CursorSet, LeaseDrop, LeaseTake, SeenAdd
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerFind, LedgerKey, LedgerSettle, SettleRow
from engine.ports.store.order import (
    Birth,
    FenceAdmit,
    FenceOpen,
    FenceRow,
    FenceSettle,
    HeldAdd,
    HeldReady,
    HeldRemove,
    HeldRow,
    LatestClaim,
    OrderNumber,
)
from engine.ports.store.steps import (
    ChainGet,
    ChainPut,
    Full,
    GroupClose,
    GroupJoin,
    GroupKey,
    GroupMembers,
    Member,
    Timer,
    TimersDue,
    TimerSet,
)
from engine.ports.store.tables import TableAll, TablePut, TableRow, TableStamp
from engine.ports.store.work import WorkChange, WorkCreate, WorkGet, WorkItem
from tests.backends.postgres_stores import deadlocks, two
from tests.postgres_server import emptied

pytestmark = [pytest.mark.anyio, pytest.mark.services]

R = TypeVar("R")
DAY, SECOND = "2026-03-14", 1_000_000
Stores = tuple[Store, Store]


@pytest.fixture
def dsn() -> str:
    return emptied()


@pytest.fixture
async def stores(dsn: str, anyio_backend: str) -> AsyncIterator[Stores]:
    before = await deadlocks()
    async with two(dsn) as both:
        yield both
    assert await deadlocks() == before


async def at_once(asked: Iterable[Awaitable[R]]) -> list[R]:
    return list(await asyncio.gather(*asked))


async def race(stores: Stores, ops: Iterable[Op[R]]) -> list[R]:
    """Each operation in the stores in turn, all at once."""
    return await at_once(stores[place % 2].apply(op) for place, op in enumerate(ops))


def claim_row(number: int) -> ClaimRow:
    return ClaimRow(LedgerKey(DAY, f"d{number:04}"), 1, "sales", "journal", "sales/journal", f"e{number}", origin="o")


def shuffled(rng: random.Random, count: int) -> list[int]:
    numbers = list(range(count))
    rng.shuffle(numbers)
    return numbers


# --- inbox and ledger -----------------------------------------------------------------------------------------------


async def test_each_delivery_is_claimed_once(stores: Stores) -> None:
    # given 40 batches that overlap, each in an order of its own
    rng, asked = random.Random(1), []
    for number in range(40):
        rows = [claim_row(place) for place in shuffled(rng, 300)[:100]]
        asked.append(LedgerClaim(rows, f"t{number}", 0, 60.0))
    # when
    answers = await race(stores, asked)
    # then
    claimed = [
        row.key for op, claims in zip(asked, answers, strict=True) for row, one in zip(op.rows, claims, strict=True)
        if one.verdict == "claimed"
    ]  # fmt: skip
    assert len(claimed) == len(set(claimed)) == len({row.key for op in asked for row in op.rows})
    assert {one.verdict for claims in answers for one in claims} == {"claimed", "busy"}


async def test_an_expired_lease_is_taken_by_one(stores: Stores) -> None:
    await stores[0].apply(LedgerClaim([claim_row(1)], "dead", 0, 1.0))
    answers = await race(stores, [LedgerClaim([claim_row(1)], f"t{n}", 2 * SECOND, 60.0) for n in range(20)])
    assert Counter(claim.verdict for [claim] in answers) == {"unknown": 1, "busy": 19}


async def test_a_lost_lease_is_either_settled_or_taken(stores: Stores) -> None:
    # given
    rows = [claim_row(n) for n in range(60)]
    await stores[0].apply(LedgerClaim(rows, "old", 0, 1.0))
    # when the old owner settles while a new one takes over
    settles = [LedgerSettle([SettleRow(row.key, "applied")], "old", 2 * SECOND) for row in rows]
    claims = [LedgerClaim([row], "new", 2 * SECOND, 60.0) for row in rows]
    settled, taken = await asyncio.gather(
        at_once(stores[0].apply(op) for op in settles), at_once(stores[1].apply(op) for op in claims)
    )
    # then
    found = await stores[0].apply(LedgerFind([row.key for row in rows]))
    for row, [owned], [claim] in zip(rows, settled, taken, strict=True):
        assert (owned, claim.verdict) in ((True, "final"), (False, "unknown"))
        assert (found[row.key].state, found[row.key].token) == (("applied", "old") if owned else ("inflight", "new"))


async def test_an_event_has_one_outcome(stores: Stores) -> None:
    keys = [EventKey(DAY, f"e{n}") for n in range(50)]
    opened = [InboxRow("sales", key, f"plan-{plan}", "deliveries") for plan in range(8) for key in keys]
    batches = [InboxOpen(random.Random(plan).sample(opened[plan * 50 : plan * 50 + 50], 50)) for plan in range(8)]
    answers = await race(stores, batches)
    await race(stores, [InboxRouted("sales", keys), InboxRouted("sales", keys[::-1])])
    # then one plan won each event, and the others were told which
    found = await stores[1].apply(InboxFind("sales", keys))
    for op, rows in zip(batches, answers, strict=True):
        for asked, there in zip(op.rows, rows, strict=True):
            assert (there or asked).plan == found[asked.key].plan
    assert sum(there is None for rows in answers for there in rows) == 50
    assert {row.state for row in found.values()} == {"routed"}


async def test_units_that_name_rows_in_any_order_do_not_wait_in_a_circle(stores: Stores) -> None:
    rng = random.Random(7)

    def unit(number: int) -> list[Op[Any]]:
        ops: list[Op[Any]] = [
            LedgerClaim([claim_row(n) for n in shuffled(rng, 30)], f"t{number}", 0, 60.0),
            WorkCreate([WorkItem(f"w{n}", "event", "sales", "bad", "e", DAY) for n in shuffled(rng, 10)]),
            InboxOpen([InboxRow("sales", EventKey(DAY, f"e{n}"), "p", "filtered") for n in shuffled(rng, 30)]),
            OrderNumber([Birth("t", f"k{n}", DAY, f"e{n}-{number}") for n in shuffled(rng, 10)]),
            LatestClaim("prices", [(f"k{n}", number) for n in shuffled(rng, 10)]),
            TablePut([TableRow(f"t{n % 3}", f"k{n}", b"", number) for n in shuffled(rng, 10)]),
            JournalAppend([Entry(1, DAY, "e", "t", "sales", "x", keys={f"k{n}": "v" for n in shuffled(rng, 10)})]),
            AuditAppend(AuditRow(number, "anna", "do", "it")),
        ]
        rng.shuffle(ops)
        return ops

    await at_once(stores[number % 2].apply_all(*unit(number)) for number in range(60))
    assert await stores[0].apply(AuditVerify()) == 0
    assert len(await stores[0].apply(JournalFind("t"))) == 60
    item = await stores[0].apply(WorkGet("w1"))
    assert item is not None and item.version == 60


# --- order ----------------------------------------------------------------------------------------------------------


async def test_numbers_are_dense_and_an_event_has_one(stores: Stores) -> None:
    # given each event is born in both stores
    rng = random.Random(3)
    births = [Birth("sale", f"till-{n % 5}", DAY, f"e{n}") for n in range(200)]
    batches = [OrderNumber(rng.sample(births, 20)) for _ in range(40)]
    batches += [OrderNumber(births[start : start + 20]) for start in range(0, 200, 20)]
    # when
    answers = await race(stores, batches)
    # then
    given: dict[str, set[int]] = {}
    for op, numbers in zip(batches, answers, strict=True):
        for birth, number in zip(op.births, numbers, strict=True):
            given.setdefault(birth.event_id, set()).add(number)
    assert {len(numbers) for numbers in given.values()} == {1}
    for till in range(5):
        assert sorted(given[f"e{n}"].pop() for n in range(till, 200, 5)) == list(range(1, 41))


class Fenced:
    """Workers of two processes in front of one fence; `arriving` is what the transport still holds."""

    def __init__(self, stores: Stores, arriving: list[tuple[str, int]]) -> None:
        self.stores, self.arriving = stores, arriving
        self.applied: dict[str, list[int]] = {}

    async def work(self, place: int, rng: random.Random) -> None:
        store = self.stores[place % 2]
        while self.arriving:
            key, number = self.arriving.pop(rng.randrange(len(self.arriving)))
            await self.deliver(store, key, number)

    async def deliver(self, store: Store, key: str, number: int) -> None:
        asked = FenceAdmit("f", [FenceRow(key, number, DAY, f"{key}-{number}")])
        [turn] = await store.apply(asked)
        if turn == "early":
            held = HeldRow("f", key, number, DAY, f"{key}-{number}", "erp", "{}", b"body", 1)
            _, [turn] = await store.apply_all(HeldAdd([held]), asked)
            if turn != "early":
                await self.release(store, [held])
        elif turn == "go" and number not in self.applied.setdefault(key, []):  # the ledger's part
            self.applied[key].append(number)
            await self.release(store, await store.apply(FenceSettle("f", [(key, number)])))

    async def release(self, store: Store, rows: list[HeldRow]) -> None:
        self.arriving += [(row.order_key, row.number) for row in rows]
        await store.apply(HeldRemove("f", [(row.order_key, row.number) for row in rows]))


@pytest.mark.parametrize("seed", range(3))
async def test_a_fence_lets_all_through_in_order_and_forgets_nobody(stores: Stores, seed: int) -> None:
    # given
    await race(stores, [FenceOpen("f", "sale"), FenceOpen("f", "sale")])
    fenced = Fenced(stores, [(key, number) for key in "abc" for number in range(1, 31)])
    # when
    while fenced.arriving:
        await at_once(fenced.work(place, random.Random(seed * 100 + place)) for place in range(12))
    # then nothing was left held that nobody would look at again
    assert fenced.applied == {key: list(range(1, 31)) for key in "abc"}
    assert await stores[0].apply(HeldReady()) == []


async def test_the_newest_version_wins(stores: Stores) -> None:
    versions = shuffled(random.Random(4), 60)
    answers = await race(stores, [LatestClaim("prices", [("a", version)]) for version in versions])
    assert await stores[0].apply(LatestClaim("prices", [("a", 59), ("a", 58)])) == [True, False]
    assert answers[versions.index(59)] == [True]


# --- steps ----------------------------------------------------------------------------------------------------------


async def test_groups_fill_up_one_after_the_other(stores: Stores) -> None:
    groups = [GroupKey("sales", "by-store", name) for name in "xy"]
    placed: dict[tuple[str, int], list[int]] = {}

    async def join(number: int) -> None:
        store, group = stores[number % 2], groups[number % 3 % 2]
        members = [Member(group, DAY, f"e{number}-{part}", b"x", at=number) for part in range(3)]
        for joined in await store.apply(GroupJoin(members, [Full(10, "count")] * 3)):
            placed.setdefault((group.group, joined.generation), []).append(joined.size)

    await at_once(join(number) for number in range(80))
    assert sum(map(len, placed.values())) == 240
    for (name, generation), sizes in placed.items():
        assert sorted(sizes) == list(range(1, len(sizes) + 1)) and len(sizes) <= 10
        members = await stores[0].apply(GroupMembers(GroupKey("sales", "by-store", name), generation))
        assert len(members) == len(sizes)


async def test_a_generation_is_closed_by_one_and_a_member_is_in_one_group(stores: Stores) -> None:
    group, other = GroupKey("sales", "by-store", "x"), GroupKey("sales", "by-store", "y")
    joins = [GroupJoin([Member(one, DAY, f"e{n}", b"x")]) for n in range(20) for one in (group, other)]
    answers = await race(stores, joins)
    assert Counter(joined.duplicate for [joined] in answers) == {False: 20, True: 20}
    found = {joined.group for [joined] in answers}
    closed = await race(
        stores, [GroupClose(group._replace(group=name), 1, "time", 5) for name in found for _ in "1234"]
    )
    assert sum(closed) == len(found)


async def test_a_chain_is_advanced_by_one_at_a_time(stores: Stores) -> None:
    async def advance(number: int) -> None:
        store, event = stores[number % 2], f"e{number // 2}"  # each event in both stores
        while True:
            chain = await store.apply(ChainGet("till", event))
            if chain.recorded is not None:
                return
            await store.apply(ChainPut("till", event, chain.version, chain.value + b"x", b"done"))

    await at_once(advance(number) for number in range(60))
    chain = await stores[0].apply(ChainGet("till", "e0"))
    assert (chain.version, chain.value) == (30, b"x" * 30)


async def test_a_timer_is_set_once(stores: Stores) -> None:
    timers = [[Timer(f"t{n}", due, "delay", "sales", "wait", "e") for n in range(20)] for due in range(1, 9)]
    await race(stores, [TimerSet(random.Random(place).sample(one, 20)) for place, one in enumerate(timers)])
    assert len(await stores[0].apply(TimersDue(99))) == 20


# --- leases, tables, work, audit ------------------------------------------------------------------------------------


async def test_a_lease_has_one_owner_and_each_owner_a_larger_token(stores: Stores) -> None:
    tokens = []
    for now in range(0, 100 * SECOND, 10 * SECOND):
        takes = [LeaseTake("leader", f"p{n}-{now}", now, 10.0) for n in range(8)]
        [token] = [token for token in await race(stores, takes) if token]
        tokens.append(token)
        if now % (20 * SECOND) == 0:
            await race(stores, [LeaseDrop("leader", take.owner) for take in takes])
    assert tokens == sorted(set(tokens))


async def test_a_cursor_never_moves_under_an_old_token(stores: Stores) -> None:
    for round_ in range(10):
        now = round_ * 10 * SECOND
        old = await stores[0].apply(LeaseTake("files", f"a{round_}", now, 1.0))
        take = LeaseTake("files", f"b{round_}", now + 5 * SECOND, 1.0)
        moved, new = await asyncio.gather(
            stores[0].apply(CursorSet("files", "old", old)),
            stores[1].apply_all(take, CursorSet("files", "new", old + 1)),
        )
        assert new == [old + 1, True]
        assert await stores[0].apply(CursorGet("files")) == "new", moved


async def test_a_file_is_taken_in_once(stores: Stores) -> None:
    answers = await race(stores, [SeenAdd("files", f"digest-{n % 10}", n) for n in range(100)])
    assert sum(answers) == 10


async def test_a_row_of_a_table_ends_with_its_newest_version(stores: Stores) -> None:
    puts = []
    for version in shuffled(random.Random(5), 30):
        rows = [TableRow("prices", f"k{n}", str(version).encode(), version) for n in range(5)]
        puts.append(TablePut(random.Random(version).sample(rows, 5)))
    answers = await race(stores, puts)
    assert {(row.row, row.version) for row in await stores[0].apply(TableAll("prices"))} == {(b"29", 29)}
    assert await stores[0].apply(TableStamp("prices")) == sum(any(written) for written in answers)


async def test_of_two_people_one_decides(stores: Stores) -> None:
    await stores[0].apply(WorkCreate([WorkItem(f"w{n}", "event", "sales", "bad", "e", DAY) for n in range(10)]))
    changes = [
        WorkChange(f"w{n}", 1, state, by, 5, required=False)
        for n in range(10)
        for state, by in (("discarded", "anna"), ("resolved", "ben"), ("replayed", "carla"))
    ]  # type: ignore[arg-type]
    answers = await race(stores, changes)
    for n in range(10):
        [won] = [op for op, done in zip(changes, answers, strict=True) if op.id == f"w{n}" and done]
        item = await stores[1].apply(WorkGet(f"w{n}"))
        assert item is not None and (item.state, item.note, item.version) == (won.state, won.note, 2)


async def test_the_audit_is_one_whole_chain(stores: Stores) -> None:
    row = AuditRow(1, "anna", "work.discard", "w1", "double entry")
    numbers = await race(stores, [AuditAppend(replace(row, at=n)) for n in range(100)])
    assert sorted(numbers) == list(range(1, 101))
    assert await stores[0].apply(AuditVerify()) == 0
    assert len(await stores[0].apply(AuditList(200))) == 100
