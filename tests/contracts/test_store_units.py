"""What every store does with units: all or nothing, many callers, restarts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced, StoreDown
from engine.ports.store import Store
from engine.ports.store.inbox import EventKey, InboxFind, InboxOpen, InboxRow
from engine.ports.store.journal import Entry, JournalAppend, JournalFind
from engine.ports.store.leases import SeenAdd, SeenGet
from engine.ports.store.ledger import (
    ClaimRow,
    LedgerClaim,
    LedgerFind,
    LedgerKey,
    LedgerRevive,
    LedgerSettle,
    SettleRow,
)
from engine.ports.store.order import Birth, OrderNumber
from engine.ports.store.work import WorkChange, WorkCreate, WorkGet, WorkItem

pytestmark = pytest.mark.anyio

KEY = LedgerKey("2026-03-14", "d1")
CLAIM = ClaimRow(KEY, 1, "sales", "journal", "sales/journal", "e1")
ITEM = WorkItem("w1", "delivery", "sales", "refused", "d1", "2026-03-14")


async def failed_delivery(store: Store) -> None:
    await store.apply(LedgerClaim([CLAIM], "t", 0, 60.0))
    await store.apply_all(LedgerSettle([SettleRow(KEY, "work_item")], "t", 1), WorkCreate([ITEM]))


async def test_a_unit_answers_each_operation_in_order(store: Store) -> None:
    await failed_delivery(store)
    answers = await store.apply_all(
        WorkChange("w1", 1, "replayed", "again", 2), LedgerRevive(KEY, 2), WorkGet("w1"), SeenAdd("s", "k", 2)
    )
    assert answers == [True, 2, replace(ITEM, state="replayed", note="again", version=2, updated=2), True]


async def test_an_empty_unit_is_nothing(store: Store) -> None:
    assert await store.apply_all() == []


async def test_a_required_condition_that_fails_undoes_the_whole_unit(store: Store) -> None:
    await failed_delivery(store)
    before = await store.apply(LedgerFind([KEY])), await store.apply(WorkGet("w1"))
    # when the item was changed by somebody else meanwhile
    with pytest.raises(Fenced, match="WorkChange"):
        await store.apply_all(
            LedgerRevive(KEY, 2),
            SeenAdd("s", "k", 2),
            OrderNumber([Birth("t", "k", "2026-03-14", "e")]),
            WorkChange("w1", 7, "replayed", "again", 2),
            InboxOpen([InboxRow("sales", EventKey("2026-03-14", "e1"), "p", "deliveries")]),
        )
    # then
    assert (await store.apply(LedgerFind([KEY])), await store.apply(WorkGet("w1"))) == before
    assert await store.apply(SeenGet("s", "k")) is None
    assert await store.apply(InboxFind("sales", [EventKey("2026-03-14", "e1")])) == {}
    assert await store.apply(OrderNumber([Birth("t", "k", "2026-03-14", "other")])) == [1]


async def test_a_batch_with_one_lost_row_undoes_the_unit_when_required(store: Store) -> None:
    rows = [replace(CLAIM, key=LedgerKey("2026-03-14", f"d{n}")) for n in range(2)]
    await store.apply(LedgerClaim(rows[:1], "mine", 0, 60.0))
    await store.apply(LedgerClaim(rows[1:], "theirs", 0, 60.0))
    settle = LedgerSettle([SettleRow(row.key, "work_item") for row in rows], "mine", 1, required=True)
    with pytest.raises(Fenced):
        await store.apply_all(settle, WorkCreate([ITEM]))
    assert {row.state for row in (await store.apply(LedgerFind([r.key for r in rows]))).values()} == {"inflight"}
    assert await store.apply(WorkGet("w1")) is None


async def test_a_condition_that_is_not_required_undoes_nothing(store: Store) -> None:
    answers = await store.apply_all(
        LedgerRevive(KEY, 1), WorkChange("none", 1, "resolved", "", 1, required=False), SeenAdd("s", "k", 1)
    )
    assert answers == [0, False, True]
    assert await store.apply(SeenGet("s", "k")) == ""


async def test_an_operation_that_is_wrong_undoes_its_unit_and_harms_no_other(store: Store) -> None:
    from engine.ports.store.ledger import LedgerClose

    wrong = store.apply_all(SeenAdd("s", "bad", 1), LedgerClose(KEY, "inflight", "", 1))
    good = [store.apply(SeenAdd("s", f"good-{n}", 1)) for n in range(20)]
    results = await asyncio.gather(*good[:10], wrong, *good[10:], return_exceptions=True)
    assert isinstance(results[10], ValueError)
    assert [result for result in results if result is not results[10]] == [True] * 20
    assert await store.apply(SeenGet("s", "bad")) is None
    assert await store.apply(SeenGet("s", "good-19")) == ""


async def test_what_was_answered_is_seen_by_the_next_read(store: Store) -> None:
    for number in range(50):
        await store.apply(SeenAdd("s", str(number), number, f"note {number}"))
        assert await store.apply(SeenGet("s", str(number))) == f"note {number}"


async def test_many_callers_get_their_own_answers(store: Store) -> None:
    async def one(number: int) -> None:
        key = LedgerKey("2026-03-14", f"d{number}")
        row = replace(CLAIM, key=key, event_id=f"e{number}")
        [claim] = await store.apply(LedgerClaim([row], f"t{number}", number, 60.0))
        assert claim.verdict == "claimed"
        entry = Entry(number, "2026-03-14", f"e{number}", f"trace{number:03}", "sales", "applied")
        settled, _ = await store.apply_all(
            LedgerSettle([SettleRow(key, "applied", result=str(number).encode())], f"t{number}", number),
            JournalAppend([entry]),
        )
        assert settled == [True]
        assert (await store.apply(LedgerFind([key])))[key].result == str(number).encode()
        assert await store.apply(JournalFind(f"trace{number:03}")) == [entry]

    await asyncio.gather(*(one(number) for number in range(200)))


async def test_racing_callers_claim_a_row_once(store: Store) -> None:
    claims = [store.apply(LedgerClaim([CLAIM], f"t{n}", 0, 60.0)) for n in range(30)]
    verdicts = [claim.verdict for [claim] in await asyncio.gather(*claims)]
    assert sorted(verdicts) == ["busy"] * 29 + ["claimed"]


async def test_racing_births_get_dense_numbers(store: Store) -> None:
    births = [store.apply(OrderNumber([Birth("t", "k", "2026-03-14", f"e{n}")])) for n in range(40)]
    numbers = [number for [number] in await asyncio.gather(*births)]
    assert sorted(numbers) == list(range(1, 41))


async def test_a_caller_that_goes_away_leaves_the_others_alone(store: Store) -> None:
    going = asyncio.ensure_future(store.apply(SeenAdd("s", "going", 1)))
    staying = [asyncio.ensure_future(store.apply(SeenAdd("s", f"staying-{n}", 1))) for n in range(5)]
    await asyncio.sleep(0)
    going.cancel()
    assert await asyncio.gather(*staying) == [True] * 5


async def test_what_was_answered_is_there_after_a_restart(place: Any) -> None:
    first = place.store()
    await first.open()
    await failed_delivery(first)
    await first.apply_all(WorkChange("w1", 1, "replayed", "again", 2), LedgerRevive(KEY, 2))
    with pytest.raises(Fenced):
        await first.apply_all(SeenAdd("s", "undone", 1), WorkChange("w1", 1, "discarded", "", 3))
    await first.close()
    second = place.store()
    await second.open()
    assert (await second.apply(LedgerFind([KEY])))[KEY].state == "waiting"
    item = await second.apply(WorkGet("w1"))
    assert item is not None and item.state == "replayed"
    assert await second.apply(SeenGet("s", "undone")) is None
    await second.close()


async def test_closing_finishes_what_was_handed_in(place: Any) -> None:
    first = place.store()
    await first.open()
    handed_in = [asyncio.ensure_future(first.apply(SeenAdd("s", str(n), 1))) for n in range(20)]
    await asyncio.sleep(0)
    await first.close()
    await first.close()
    assert await asyncio.gather(*handed_in) == [True] * 20
    with pytest.raises(StoreDown):
        await first.apply(SeenAdd("s", "late", 1))
    second = place.store()
    await second.open()
    assert await second.apply(SeenGet("s", "19")) == ""
    await second.close()
