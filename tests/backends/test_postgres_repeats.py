"""A commit whose answer was lost is asked for again: what each operation does the second time.

What is not the same the second time stands, in the runtime, in a unit with a condition that then fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.backends.postgres import PostgresStore, ops
from engine.backends.postgres.ops.blobs import BlobDrop, BlobPut
from engine.core.errors import Fenced
from engine.ports.store import Op
from engine.ports.store.audit import AuditAppend, AuditRow
from engine.ports.store.inbox import EventKey, InboxDuplicates, InboxOpen, InboxReplay, InboxRouted, InboxRow
from engine.ports.store.journal import Entry, JournalAppend, JournalPrune
from engine.ports.store.leases import CursorSet, LeaseDrop, LeaseTake, SeenAdd
from engine.ports.store.ledger import (
    ClaimRow,
    LedgerClaim,
    LedgerClose,
    LedgerKey,
    LedgerRevive,
    LedgerSettle,
    SettleRow,
)
from engine.ports.store.order import (
    Birth,
    FenceAdmit,
    FenceOpen,
    FenceRow,
    FenceSettle,
    HeldAdd,
    HeldRemove,
    HeldRow,
    LatestClaim,
    OrderNumber,
)
from engine.ports.store.retention import DayForget, RouteForget
from engine.ports.store.revisions import (
    Report,
    Revision,
    RevisionMark,
    RevisionPrune,
    RevisionPut,
    RevisionReport,
)
from engine.ports.store.steps import (
    ChainPut,
    GroupClose,
    GroupDone,
    GroupJoin,
    GroupKey,
    Member,
    Timer,
    TimerDone,
    TimerSet,
)
from engine.ports.store.tables import TablePut, TableRow
from engine.ports.store.work import WorkChange, WorkCreate, WorkEdit, WorkItem
from engine.ports.store.workers import WorkerBeat, WorkerGone, WorkerRow
from tests.backends.postgres_stores import opened, table
from tests.postgres_server import SCHEMA, emptied, fetch

pytestmark = [pytest.mark.anyio, pytest.mark.services]

DAY = "2026-03-14"
EVENT, KEY, GROUP = EventKey(DAY, "e"), LedgerKey(DAY, "d"), GroupKey("sales", "by-store", "A")
CLAIM = LedgerClaim([ClaimRow(KEY, 1, "sales", "journal", "e", "e")], "t", 0, 60.0)
ITEM, ENTRY = WorkItem("w", "event", "sales", "bad", "e", DAY), Entry(1, DAY, "e", "t", "sales", "applied")
FAILED = InboxRow("sales", EVENT, "plan", "work_item")
HELD = HeldRow("f", "k", 2, DAY, "d", "erp", "{}", b"", 1)
JOIN = GroupJoin([Member(GROUP, DAY, "e", b"x")])
TIMER = TimerSet([Timer("t", 5, "delay", "sales", "wait", "e")])
WORKER = WorkerRow("a", 1, 2, "{}")
LATER = 1 << 60
REVISION = RevisionPut(Revision("r", {"sales": "plan"}, {"a": b"b"}))


def settle(state: Any) -> LedgerSettle:
    return LedgerSettle([SettleRow(KEY, state)], "t", 1)


# operation, what comes before it, the second answer where it is another one
SAME: list[tuple[Op[Any], list[Op[Any]], Any]] = [
    (InboxOpen([InboxRow("sales", EVENT, "plan", "deliveries")]), [], [InboxRow("sales", EVENT, "plan", "deliveries")]),
    (InboxRouted("sales", [EVENT]), [InboxOpen([InboxRow("sales", EVENT, "plan", "deliveries")])], None),
    (settle("applied"), [CLAIM], [False]),
    (settle("waiting"), [CLAIM], [False]),
    (LedgerRevive(KEY, 2), [CLAIM, settle("work_item")], 0),
    (LedgerClose(KEY, "discarded", "", 2), [CLAIM, settle("work_item")], False),
    (WorkChange("w", 1, "resolved", "", 2, required=False), [WorkCreate([ITEM])], False),
    (WorkEdit("w", 1, "{}", b"", "", 2), [WorkCreate([ITEM])], False),
    (OrderNumber([Birth("sale", "k", DAY, "e")]), [], [1]),
    (FenceOpen("f", "sale"), [OrderNumber([Birth("sale", "k", DAY, "e")])], None),
    (FenceAdmit("f", [FenceRow("k", 1, DAY, "d")]), [], ["go"]),
    (FenceSettle("f", [("k", 1)]), [HeldAdd([HELD])], [HELD]),
    (HeldAdd([HELD]), [], None),
    (HeldRemove("f", [("k", 2)]), [HeldAdd([HELD])], None),
    (LatestClaim("prices", [("k", 5)]), [], [True]),
    (GroupClose(GROUP, 1, "count", 5), [JOIN], False),
    (GroupDone(GROUP, 1), [JOIN, GroupClose(GROUP, 1, "count", 5)], None),
    (TIMER, [], None),
    (TimerDone(["t"]), [TIMER], None),
    (ChainPut("k", "e", 0, b"v", b"r"), [], False),
    (LeaseTake("leader", "a", 5, 10.0), [], 1),
    (LeaseDrop("leader", "a"), [LeaseTake("leader", "a", 5, 10.0)], None),
    (CursorSet("files", "page", 1), [LeaseTake("files", "a", 5, 10.0)], True),
    (SeenAdd("s", "k", 1), [], False),
    (REVISION, [], 1),
    (RevisionPrune(0), [REVISION], 0),
    (RevisionMark("r", 0, "active", "rejected", "no"), [REVISION], False),
    (RevisionReport("r", 0, Report("a", "running")), [REVISION], True),
    (JournalPrune(9), [JournalAppend([ENTRY])], 0),
    (WorkerBeat(WORKER), [], None),
    (WorkerGone("a"), [WorkerBeat(WORKER)], None),
    (BlobDrop("digest", LATER), [BlobPut("digest", b"content")], False),
    (DayForget("sales", DAY, 99), [InboxOpen([FAILED])], 0),
    (RouteForget("s", 99), [SeenAdd("s", "k", 1)], 0),
]
# The answer says that it was done already, or what is counted twice decides nothing.
OTHERWISE: list[tuple[Op[Any], list[Op[Any]]]] = [
    (CLAIM, []),  # busy until the lease is over, then unknown: nothing is sent twice without a look
    (JOIN, []),  # a duplicate, which is set to a timer like the first
    (BlobPut("digest", b"content"), []),  # put again is new again
    (WorkCreate([ITEM]), []),  # another version: who read the item in between reads it again
    (InboxDuplicates("sales", [EVENT]), [InboxOpen([FAILED])]),  # told beside the balance, not in it
    (JournalAppend([ENTRY]), []),  # the story, not the truth
    (TablePut([TableRow("prices", "k", b"", 1)]), []),  # the stamp: the table is read once more
    (AuditAppend(AuditRow(1, "anna", "do", "it")), []),  # in one unit with what it is about
    (InboxReplay("sales", EVENT), [InboxOpen([FAILED])]),  # in one unit with the item it closes
]


@pytest.fixture
def dsn() -> str:
    return emptied()


@pytest.fixture
async def store(dsn: str, anyio_backend: str) -> AsyncIterator[PostgresStore]:
    async with opened(dsn) as one:
        yield one


async def everything(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    names = await fetch(
        dsn, f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}' AND tablename <> 'migration'"
    )
    return {name: await table(name) for (name,) in names}


def named(case: Any) -> str:
    return type(case).__name__ if isinstance(case, Op) else ""


def test_every_writing_operation_is_looked_at() -> None:
    looked_at = {type(op) for op, *_ in (*SAME, *OTHERWISE)}
    assert looked_at == {*ops.WRITES, *ops.DIRECT}


@pytest.mark.parametrize(("op", "before", "second"), SAME, ids=named)
async def test_asking_again_changes_nothing(
    store: PostgresStore, dsn: str, op: Op[Any], before: list[Op[Any]], second: Any
) -> None:
    for earlier in before:
        await store.apply(earlier)
    await store.apply(op)
    once = await everything(dsn)
    assert await store.apply(op) == second
    assert await everything(dsn) == once


@pytest.mark.parametrize(("op", "before"), OTHERWISE, ids=named)
async def test_asking_again_behind_a_condition_that_was_met_once_changes_nothing(
    store: PostgresStore, dsn: str, op: Op[Any], before: list[Op[Any]]
) -> None:
    await store.apply_all(*before, WorkCreate([WorkItem("decided", "event", "sales", "bad", "e", DAY)]))
    unit = (op, WorkChange("decided", 1, "replayed", "", 2))
    await store.apply_all(*unit)
    once = await everything(dsn)
    with pytest.raises(Fenced):
        await store.apply_all(*unit)
    assert await everything(dsn) == once


async def test_a_claim_whose_answer_was_lost_is_busy_and_then_unknown(store: PostgresStore) -> None:
    await store.apply(CLAIM)
    [again] = await store.apply(CLAIM)
    assert (again.verdict, again.wait) == ("busy", 60.0)
    [later] = await store.apply(LedgerClaim(CLAIM.rows, "t", 61_000_000, 60.0))
    assert later.verdict == "unknown"


async def test_a_member_whose_answer_was_lost_is_told_as_a_duplicate_of_its_group(store: PostgresStore) -> None:
    [first], [again] = await store.apply(JOIN), await store.apply(JOIN)
    assert (again.generation, again.size, again.duplicate) == (first.generation, first.size, True)
