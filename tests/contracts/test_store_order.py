"""What every store does with order: numbers, fences, held deliveries, newest versions."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from engine.ports.store import Store
from engine.ports.store.order import (
    Birth,
    FenceAdmit,
    FenceGaps,
    FenceOpen,
    FenceRow,
    FenceSettle,
    Gap,
    HeldAdd,
    HeldReady,
    HeldRemove,
    HeldRow,
    LatestClaim,
    OrderNumber,
)

pytestmark = pytest.mark.anyio

FENCE = "stock/ledger"


def birth(event: str, key: str = "sku-1", type_name: str = "stock.moved") -> Birth:
    return Birth(type_name, key, "2026-03-14", event)


def held(number: int, key: str = "sku-1", at: int = 0) -> HeldRow:
    return HeldRow(FENCE, key, number, "2026-03-14", f"{key}-{number}", "erp", '{"a":1}', b"body", at)


async def admit(store: Store, *numbers: int, key: str = "sku-1") -> list[str]:
    rows = [FenceRow(key, number, "2026-03-14", f"{key}-{number}") for number in numbers]
    return list(await store.apply(FenceAdmit(FENCE, rows)))


async def settle(store: Store, *numbers: int, key: str = "sku-1") -> list[int]:
    return [row.number for row in await store.apply(FenceSettle(FENCE, [(key, number) for number in numbers]))]


async def test_numbers_are_dense_per_key_and_kept_per_event(store: Store) -> None:
    births = [birth("a"), birth("b"), birth("x", "sku-2"), birth("a")]
    assert await store.apply(OrderNumber(births)) == [1, 2, 1, 1]
    assert await store.apply(OrderNumber([birth("c"), birth("b"), birth("y", "sku-2")])) == [3, 2, 2]
    assert await store.apply(OrderNumber([birth("a", type_name="price.changed")])) == [1]


async def test_a_fence_lets_numbers_through_one_after_the_other(store: Store) -> None:
    await store.apply(FenceOpen(FENCE, "stock.moved"))
    assert await admit(store, 2, 1, 1) == ["early", "go", "go"]
    assert await settle(store, 1) == []
    assert await admit(store, 1, 2, 3) == ["past", "go", "early"]


async def test_keys_do_not_wait_for_each_other(store: Store) -> None:
    await settle(store, 1)
    assert await admit(store, 2) == ["go"]
    assert await admit(store, 2, key="sku-2") == ["early"]


async def test_a_fence_starts_behind_the_numbers_already_given(store: Store) -> None:
    # given
    await store.apply(OrderNumber([birth(f"e{n}") for n in range(5)]))
    await store.apply(FenceOpen(FENCE, "stock.moved"))
    # then
    assert await admit(store, 5, 6) == ["past", "go"]
    # when it is opened once more nothing moves
    await store.apply(OrderNumber([birth("e5"), birth("e6")]))
    await store.apply(FenceOpen(FENCE, "stock.moved"))
    assert await admit(store, 6, 7) == ["go", "early"]


async def test_numbers_settled_early_are_passed_over_when_it_is_their_turn(store: Store) -> None:
    assert await settle(store, 3, 2) == []
    assert await admit(store, 1, 2, 3, 4) == ["go", "past", "past", "early"]
    assert await settle(store, 1) == []
    assert await admit(store, 4) == ["go"]


async def test_settling_releases_the_one_whose_turn_it_is(store: Store) -> None:
    await store.apply(HeldAdd([held(3), held(2), held(2), held(9), held(2, "sku-2")]))
    assert await store.apply(FenceSettle(FENCE, [("sku-1", 1)])) == [held(2)]
    # it stays held until it was published again
    assert await store.apply(HeldReady()) == [held(2)]
    assert await settle(store, 1) == [2]
    await store.apply(HeldRemove(FENCE, [("sku-1", 2), ("sku-1", 77)]))
    assert await store.apply(HeldReady()) == []
    assert await settle(store, 2) == [3]


async def test_a_number_settled_while_it_was_held_is_released_too(store: Store) -> None:
    await store.apply(HeldAdd([held(2), held(3)]))
    assert await settle(store, 2) == []
    assert await settle(store, 1) == [2, 3]
    assert [row.number for row in await store.apply(HeldReady())] == [2, 3]


async def test_the_first_one_held_stays(store: Store) -> None:
    await store.apply(HeldAdd([held(1)]))
    await store.apply(HeldAdd([replace(held(1), body=b"other", at=9)]))
    assert await store.apply(HeldReady()) == [held(1)]


async def test_fences_are_apart(store: Store) -> None:
    await settle(store, 1)
    other = FenceRow("sku-1", 1, "2026-03-14", "d")
    assert await store.apply(FenceAdmit("other/fence", [other])) == ["go"]


async def test_a_hole_shows_when_the_oldest_behind_it_has_waited(store: Store) -> None:
    await settle(store, 1)
    await store.apply(HeldAdd([held(4, at=100), held(3, at=200)]))
    assert await store.apply(FenceGaps(100)) == []
    assert await store.apply(FenceGaps(101)) == [Gap(FENCE, "sku-1", 2, 2, 100)]


async def test_what_is_there_but_not_settled_is_no_hole(store: Store) -> None:
    await store.apply(HeldAdd([held(2, at=1)]))
    assert await admit(store, 1) == ["go"]  # tried, retried, or a work item by now
    assert await store.apply(FenceGaps(999)) == []
    await settle(store, 1)
    assert await store.apply(FenceGaps(999)) == []  # 2 is next, and there


async def test_holes_are_told_oldest_first(store: Store) -> None:
    await store.apply(HeldAdd([held(2, "b", at=5), held(2, "a", at=9), held(1, "c", at=1)]))
    gaps = await store.apply(FenceGaps(999))
    assert [(gap.order_key, gap.number) for gap in gaps] == [("b", 1), ("a", 1)]


async def test_latest_takes_what_is_not_older(store: Store) -> None:
    claims = [("a", 5), ("a", 4), ("a", 5), ("a", 6), ("b", 1), ("a", 5)]
    answers = await store.apply(LatestClaim("prices/pos", claims))
    assert answers == [True, False, True, True, True, False]
    assert await store.apply(LatestClaim("other", [("a", 1)])) == [True]


@pytest.mark.parametrize("seed", range(5))
async def test_any_order_of_arrival_leaves_in_order_once(store: Store, seed: int) -> None:
    # given
    rng = random.Random(seed)
    arriving = [(key, number) for key in ("a", "b") for number in range(1, 21)]
    rng.shuffle(arriving)
    applied: dict[str, list[int]] = {"a": [], "b": []}
    # when each is admitted, held when early, settled when applied, and come back when released
    while arriving:
        key, number = arriving.pop()
        [answer] = await admit(store, number, key=key)
        if answer == "early":
            await store.apply(HeldAdd([held(number, key)]))
        elif answer == "go":
            applied[key].append(number)
            turns = await settle(store, number, key=key)
            await store.apply(HeldRemove(FENCE, [(key, turn) for turn in turns]))
            arriving += [(key, turn) for turn in turns]
    # then
    assert applied == {"a": list(range(1, 21)), "b": list(range(1, 21))}
    assert await store.apply(HeldReady()) == []
