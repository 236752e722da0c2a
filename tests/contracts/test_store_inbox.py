"""What every store does with the inbox."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced
from engine.ports.store import Store
from engine.ports.store.inbox import (
    EventKey,
    InboxFind,
    InboxOpen,
    InboxPlansInUse,
    InboxReplay,
    InboxRouted,
    InboxRow,
    Planned,
)

pytestmark = pytest.mark.anyio

KEY = EventKey("2026-03-14", "e1")
LANE = Planned("journal", "2026-03-14", "d1", "lane")
BUS = Planned("stock", "2026-03-14", "d2", "bus")
ROW = InboxRow(
    "sales",
    KEY,
    "plan-1",
    "deliveries",
    (LANE, BUS),
    origin="o",
    guard="g",
    body="b",
    amount="12.30",
    currency="EUR",
    at=7,
    caught='{"rate#1|": {"reason": "unreachable"}}',
)


async def stored(store: Store, key: EventKey = KEY, route: str = "sales") -> InboxRow | None:
    return (await store.apply(InboxFind(route, [key]))).get(key)


async def test_a_row_is_kept_as_it_was(store: Store) -> None:
    assert await store.apply(InboxOpen([ROW])) == [None]
    assert await stored(store) == ROW


async def test_rows_are_found_by_route_and_key(store: Store) -> None:
    other = replace(ROW, route="stock", plan="plan-2")
    more = replace(ROW, key=EventKey("2026-03-15", "e1"), segment="by-store")
    await store.apply(InboxOpen([ROW, other, more]))
    found = await store.apply(InboxFind("sales", [KEY, more.key, EventKey("2026-03-14", "none")]))
    assert found == {KEY: ROW, more.key: more}
    assert await store.apply(InboxFind("none", [KEY])) == {}


async def test_the_row_that_is_there_stays_and_is_answered(store: Store) -> None:
    await store.apply(InboxOpen([ROW]))
    late = replace(ROW, plan="plan-2", kind="filtered", planned=(), reason="test sale")
    new = replace(ROW, key=EventKey("2026-03-14", "e2"))
    assert await store.apply(InboxOpen([late, new])) == [ROW, None]
    assert await stored(store) == ROW


async def test_the_same_event_twice_in_one_batch_is_opened_once(store: Store) -> None:
    other = replace(ROW, plan="plan-2")
    assert await store.apply(InboxOpen([ROW, other])) == [None, ROW]


async def test_open_becomes_routed(store: Store) -> None:
    await store.apply(InboxOpen([ROW]))
    await store.apply(InboxRouted("sales", [KEY, EventKey("2026-03-14", "none")]))
    assert await stored(store) == replace(ROW, state="routed")


@pytest.mark.parametrize("kind", ["filtered", "work_item"])
async def test_an_outcome_without_deliveries_is_routed_at_once(store: Store, kind: str) -> None:
    row = replace(ROW, kind=kind, planned=(), reason="training mode")
    await store.apply(InboxOpen([row]))
    assert await stored(store) == replace(row, state="routed")


async def test_a_replay_clears_the_plan_and_the_next_outcome_takes_the_row(store: Store) -> None:
    # given
    failed = replace(ROW, kind="work_item", planned=(), reason="schema-violation")
    await store.apply(InboxOpen([failed]))
    # when
    assert await store.apply(InboxReplay("sales", KEY)) == 1
    # then
    assert await stored(store) == replace(failed, plan="", replay=1, state="open")
    old_copy = replace(ROW, plan="plan-2")
    assert await store.apply(InboxOpen([old_copy])) == [replace(failed, plan="", replay=1, state="open")]
    decided = replace(ROW, plan="plan-2", replay=1)
    assert await store.apply(InboxOpen([decided])) == [None]
    assert await stored(store) == decided


async def test_a_late_confirm_says_nothing_of_a_replay_that_is_not_decided(store: Store) -> None:
    await store.apply(InboxOpen([replace(ROW, kind="work_item", planned=())]))
    await store.apply(InboxReplay("sales", KEY))
    await store.apply(InboxRouted("sales", [KEY]))
    row = await stored(store)
    assert row is not None and row.state == "open"


async def test_each_replay_counts(store: Store) -> None:
    await store.apply(InboxOpen([replace(ROW, kind="work_item", planned=())]))
    assert [await store.apply(InboxReplay("sales", KEY)) for _ in range(3)] == [1, 2, 3]


async def test_what_was_published_is_not_routed_anew(store: Store) -> None:
    await store.apply(InboxOpen([ROW]))
    assert await store.apply(InboxReplay("sales", KEY)) == 0
    assert await store.apply(InboxReplay("sales", EventKey("2026-03-14", "none"))) == 0
    assert await stored(store) == ROW


async def test_an_outcome_of_which_nothing_left_is_decided_anew(store: Store) -> None:
    await store.apply(InboxOpen([ROW]))
    assert await store.apply(InboxReplay("sales", KEY, unsent=True)) == 1
    assert await stored(store) == replace(ROW, replay=1, plan="")
    await store.apply(InboxOpen([replace(ROW, replay=1, plan="another")]))
    assert await stored(store) == replace(ROW, replay=1, plan="another")


async def test_an_outcome_can_be_opened_again_under_its_plan(store: Store) -> None:
    await store.apply(InboxOpen([ROW]))
    await store.apply(InboxRouted("sales", [KEY]))
    assert await store.apply(InboxReplay("sales", KEY, keep_plan=True)) == 1
    assert await stored(store) == replace(ROW, replay=1)


async def test_a_required_replay_that_finds_nothing_is_fenced(store: Store) -> None:
    with pytest.raises(Fenced):
        await store.apply(InboxReplay("sales", KEY, required=True))


async def test_plans_in_use_are_those_of_rows_that_are_decided(store: Store) -> None:
    rows = [replace(ROW, key=EventKey("2026-03-14", f"e{n}"), plan=f"plan-{n}") for n in range(3)]
    await store.apply(InboxOpen([*rows, replace(ROW, key=EventKey("2026-03-14", "f"), kind="filtered", plan="plan-f")]))
    await store.apply(InboxRouted("sales", [rows[0].key]))
    await store.apply(InboxOpen([replace(ROW, key=EventKey("2026-03-14", "w"), kind="work_item", plan="plan-w")]))
    await store.apply(InboxReplay("sales", EventKey("2026-03-14", "w")))
    assert await store.apply(InboxPlansInUse()) == {"plan-0", "plan-1", "plan-2", "plan-f"}
