"""What every store does with the ledger: each state, and each way out of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced
from engine.ports.store import Store
from engine.ports.store.ledger import (
    Claim,
    ClaimRow,
    LedgerClaim,
    LedgerClose,
    LedgerFind,
    LedgerKey,
    LedgerOfEvent,
    LedgerRevive,
    LedgerRow,
    LedgerSettle,
    SettleRow,
)

pytestmark = pytest.mark.anyio

KEY = LedgerKey("2026-03-14", "d1")
ROW = ClaimRow(
    KEY, 1, "sales", "journal", "sales/journal", "e1", origin="o", guard="g", body="b", amount="12.30", currency="EUR"
)
SECOND = 1_000_000
LEASE = 60.0


async def claim(store: Store, row: ClaimRow = ROW, now: int = 0, token: str = "t1") -> Claim:
    [answer] = await store.apply(LedgerClaim([row], token, now, LEASE))
    return answer


async def settle(store: Store, state: Any, token: str = "t1", now: int = SECOND, **facts: Any) -> bool:
    [answer] = await store.apply(LedgerSettle([SettleRow(KEY, state, **facts)], token, now))
    return answer


async def stored(store: Store) -> LedgerRow:
    return (await store.apply(LedgerFind([KEY])))[KEY]


async def in_state(store: Store, state: str, **facts: Any) -> None:
    """A row in this state, claimed once before as attempt 1."""
    assert (await claim(store)).verdict == "claimed"
    if state != "inflight":
        assert await settle(store, state, **facts)


async def test_no_row_is_claimed_and_kept(store: Store) -> None:
    assert await claim(store, now=5) == Claim("claimed", "inflight", 1)
    assert await stored(store) == LedgerRow(
        KEY, "inflight", 1, "sales", "journal", "sales/journal", "e1", "o", "g", "b", 0, "t1", 60 * SECOND + 5, b"", "",
        "12.30", "EUR", 5,
    )  # fmt: skip


async def test_a_valid_lease_is_busy_for_the_rest_of_it(store: Store) -> None:
    await claim(store)
    answer = await claim(store, now=20 * SECOND, token="t2")
    assert (answer.verdict, answer.wait, answer.attempt) == ("busy", 40.0, 1)
    assert (await stored(store)).token == "t1"


async def test_a_valid_lease_is_busy_for_its_own_token_too(store: Store) -> None:
    await claim(store)
    assert (await claim(store, now=SECOND)).verdict == "busy"


async def test_a_row_twice_in_one_batch_is_claimed_once(store: Store) -> None:
    first, second = await store.apply(LedgerClaim([ROW, ROW], "t1", 0, LEASE))
    assert (first.verdict, second.verdict) == ("claimed", "busy")


async def test_an_expired_lease_is_an_unknown_outcome_and_claimed(store: Store) -> None:
    await claim(store)
    assert await claim(store, now=60 * SECOND, token="t2") == Claim("unknown", "inflight", 1)
    row = await stored(store)
    assert (row.token, row.lease_until) == ("t2", 120 * SECOND)


async def test_the_old_owner_of_a_lost_lease_cannot_settle(store: Store) -> None:
    await claim(store)
    await claim(store, now=60 * SECOND, token="t2")
    assert not await settle(store, "applied", token="t1")
    assert (await stored(store)).state == "inflight"
    assert await settle(store, "applied", token="t2")


async def test_an_expired_lease_nobody_took_is_still_settled(store: Store) -> None:
    await claim(store)
    assert await settle(store, "applied", now=500 * SECOND)


async def test_the_newer_copy_of_an_expired_one_counts_on(store: Store) -> None:
    # the copy 2 was published, then the process died before it wrote `waiting(2)`
    await claim(store)
    answer = await claim(store, replace(ROW, attempt=2), now=61 * SECOND, token="t2")
    assert (answer.verdict, answer.attempt) == ("unknown", 2)
    assert (await claim(store, ROW, now=62 * SECOND, token="t3")).verdict == "stale"


@pytest.mark.parametrize("state", ["applied", "work_item", "discarded", "superseded"])
async def test_a_final_state_is_final_for_every_copy(store: Store, state: str) -> None:
    await in_state(store, state, result=b'{"id":1}', reason="because")
    for attempt in (1, 2, 9):
        answer = await claim(store, replace(ROW, attempt=attempt), now=999 * SECOND, token="t2")
        assert answer == Claim("final", state, 1, result=b'{"id":1}')
    row = await stored(store)
    assert (row.state, row.reason, row.at, row.token) == (state, "because", SECOND, "t1")


@pytest.mark.parametrize("state", ["applied", "work_item", "discarded", "superseded", "waiting", "held"])
async def test_only_inflight_is_settled(store: Store, state: str) -> None:
    await in_state(store, state)
    assert not await settle(store, "applied")
    assert (await stored(store)).state == state


async def test_what_has_no_row_cannot_be_settled(store: Store) -> None:
    assert not await settle(store, "applied")


async def test_waiting_is_claimed_by_its_copy_and_older_ones_are_stale(store: Store) -> None:
    await in_state(store, "waiting", attempt=2, reason="timeout")
    assert (await claim(store)).verdict == "stale"
    assert await claim(store, replace(ROW, attempt=2)) == Claim("claimed", "inflight", 2)
    assert (await claim(store, ROW)).verdict == "stale"


async def test_waiting_without_a_number_counts_one_up(store: Store) -> None:
    await in_state(store, "waiting")
    assert (await stored(store)).attempt == 2


async def test_waiting_may_keep_its_number(store: Store) -> None:
    await in_state(store, "waiting", attempt=1)
    assert (await claim(store)).verdict == "claimed"


async def test_held_is_claimed_when_its_copy_comes_back(store: Store) -> None:
    await in_state(store, "held")
    assert (await claim(store)).verdict == "claimed"


async def test_a_result_is_kept_across_claims(store: Store) -> None:
    await in_state(store, "waiting", attempt=1, result=b"partly")
    assert (await claim(store)).result == b"partly"


@pytest.mark.parametrize("state", ["inflight", "waiting", "applied", "work_item"])
async def test_another_origin_without_an_equal_guard_is_a_conflict(store: Store, state: str) -> None:
    await in_state(store, state)
    other = replace(ROW, attempt=3, origin="other", guard="different", body="b2")
    answer = await claim(store, other, now=999 * SECOND)
    assert (answer.verdict, answer.state, answer.same_body) == ("conflict", state, False)
    assert (await stored(store)).state == state


async def test_without_any_guard_another_origin_is_a_conflict(store: Store) -> None:
    await claim(store, replace(ROW, guard=""))
    assert (await claim(store, replace(ROW, guard="", origin="other"))).verdict == "conflict"


async def test_another_origin_with_an_equal_guard_is_the_same(store: Store) -> None:
    await in_state(store, "applied")
    answer = await claim(store, replace(ROW, origin="other", body="b2"))
    assert (answer.verdict, answer.same_body) == ("final", False)


async def test_the_first_body_claimed_stays(store: Store) -> None:
    await in_state(store, "waiting", attempt=2)
    answer = await claim(store, replace(ROW, attempt=2, body="b2"))
    assert (answer.verdict, answer.same_body) == ("claimed", False)
    assert (await stored(store)).body == "b"


async def test_a_body_that_was_not_known_is_filled_in(store: Store) -> None:
    await claim(store, replace(ROW, body=""))
    await settle(store, "waiting", attempt=2)
    assert (await claim(store, replace(ROW, attempt=2))).same_body
    assert (await stored(store)).body == "b"


@pytest.mark.parametrize("state", ["work_item", "held"])
async def test_reviving_gives_the_number_of_the_next_copy(store: Store, state: str) -> None:
    await in_state(store, state, reason="refused")
    assert await store.apply(LedgerRevive(KEY, 9)) == 2
    row = await stored(store)
    assert (row.state, row.attempt, row.body, row.reason, row.at) == ("waiting", 2, "b", "", 9)
    assert (await claim(store)).verdict == "stale"
    assert (await claim(store, replace(ROW, attempt=2))).verdict == "claimed"


@pytest.mark.parametrize("state", ["inflight", "waiting", "applied", "discarded", "superseded"])
async def test_nothing_else_is_revived(store: Store, state: str) -> None:
    await in_state(store, state)
    assert await store.apply(LedgerRevive(KEY, 9)) == 0
    assert (await stored(store)).state == state


async def test_an_edited_copy_ends_every_earlier_one(store: Store) -> None:
    # given a work item that is replayed edited while an old retry copy is still on its way
    await in_state(store, "work_item")
    assert await store.apply(LedgerRevive(KEY, 9, revision=1)) == 2
    # then the old copy is stale whatever its number, the edited one is claimed with its own body
    assert (await claim(store, replace(ROW, attempt=7))).verdict == "stale"
    edited = replace(ROW, attempt=2, revision=1, body="edited")
    assert await claim(store, edited) == Claim("claimed", "inflight", 2)
    row = await stored(store)
    assert (row.revision, row.body) == (1, "edited")
    assert await settle(store, "work_item")
    assert await store.apply(LedgerRevive(KEY, 9, revision=0)) == 0
    assert await store.apply(LedgerRevive(KEY, 9, revision=1)) == 3
    assert (await stored(store)).body == "edited"


@pytest.mark.parametrize("state", ["work_item", "waiting", "held"])
@pytest.mark.parametrize("end", ["discarded", "superseded", "applied"])
async def test_a_person_closes_what_waits(store: Store, state: str, end: Any) -> None:
    await in_state(store, state)
    assert await store.apply(LedgerClose(KEY, end, "posted by hand", 9))
    row = await stored(store)
    assert (row.state, row.reason, row.at) == (end, "posted by hand", 9)
    assert not await store.apply(LedgerClose(KEY, end, "again", 10))


@pytest.mark.parametrize("state", ["inflight", "applied", "discarded", "superseded"])
async def test_what_runs_or_is_over_is_not_closed(store: Store, state: str) -> None:
    await in_state(store, state)
    assert not await store.apply(LedgerClose(KEY, "discarded", "no", 9))
    assert (await stored(store)).state == state


async def test_closing_as_something_open_is_a_mistake(store: Store) -> None:
    await in_state(store, "work_item")
    with pytest.raises(ValueError, match="waiting"):
        await store.apply(LedgerClose(KEY, "waiting", "no", 9))


async def test_what_is_not_there_is_neither_found_revived_nor_closed(store: Store) -> None:
    assert await store.apply(LedgerFind([KEY])) == {}
    assert await store.apply(LedgerRevive(KEY, 9)) == 0
    assert not await store.apply(LedgerClose(KEY, "discarded", "no", 9))


async def test_required_conditions_are_fenced(store: Store) -> None:
    await in_state(store, "applied")
    for op in (
        LedgerRevive(KEY, 9, required=True),
        LedgerClose(KEY, "discarded", "no", 9, required=True),
        LedgerSettle([SettleRow(KEY, "applied")], "t1", 9, required=True),
    ):
        with pytest.raises(Fenced):
            await store.apply(op)


async def test_all_effects_of_an_event_are_found(store: Store) -> None:
    rows = [replace(ROW, key=LedgerKey("2026-03-14", f"d{n}"), sink=f"s{n}") for n in range(3)]
    stranger = replace(ROW, key=LedgerKey("2026-03-14", "x"), event_id="e2")
    await store.apply(LedgerClaim([*rows, stranger], "t1", 0, LEASE))
    found = await store.apply(LedgerOfEvent("e1"))
    assert [(row.key, row.sink) for row in found] == [(row.key, row.sink) for row in rows]


async def test_the_day_is_part_of_the_key(store: Store) -> None:
    await claim(store)
    assert (await claim(store, replace(ROW, key=LedgerKey("2026-03-15", "d1")))).verdict == "claimed"


async def test_a_batch_is_answered_row_by_row(store: Store) -> None:
    rows = [replace(ROW, key=LedgerKey("2026-03-14", f"d{n}")) for n in range(300)]
    await store.apply(LedgerClaim(rows[::2], "t1", 0, LEASE))
    answers = await store.apply(LedgerClaim(rows, "t2", 0, LEASE))
    assert [answer.verdict for answer in answers] == ["busy", "claimed"] * 150
    settled = await store.apply(LedgerSettle([SettleRow(row.key, "applied") for row in rows], "t1", 9))
    assert settled == [True, False] * 150
