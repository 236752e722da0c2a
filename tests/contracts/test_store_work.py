"""What every store does with work items."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced
from engine.ports.store import Store
from engine.ports.store.work import WorkChange, WorkCount, WorkCreate, WorkEdit, WorkFind, WorkGet, WorkItem

pytestmark = pytest.mark.anyio

ITEM = WorkItem(
    id="ab12cd",
    level="delivery",
    route="sales",
    reason="refused",
    subject="d1",
    day="2026-03-14",
    sink="journal",
    event_id="e1",
    event_type="sale.completed@2",
    owner="finance",
    detail="422: unknown account",
    data='{"status":422}',
    headers='{"tf-attempt":3}',
    body=b'{"account":"9"}',
    root="r1",
    search='{"receipt":"1001","store":"4711"}',
    amount="12.30",
    currency="EUR",
    revision="rev",
    attempts=3,
    created=10,
    updated=10,
)


async def stored(store: Store) -> WorkItem:
    item = await store.apply(WorkGet(ITEM.id))
    assert item is not None
    return item


async def test_an_item_is_kept_as_it_was(store: Store) -> None:
    assert await store.apply(WorkCreate([ITEM])) == ["ab12cd"]
    assert await stored(store) == ITEM


async def test_an_item_is_found_by_a_unique_beginning_of_its_id(store: Store) -> None:
    await store.apply(WorkCreate([ITEM, replace(ITEM, id="ab99"), replace(ITEM, id="ab"), replace(ITEM, id="zz%_")]))
    ids = {text: await store.apply(WorkGet(text)) for text in ("ab1", "ab", "a", "", "zz%", "%", "_", "none")}
    assert {text: item.id for text, item in ids.items() if item} == {"ab1": "ab12cd", "ab": "ab", "zz%": "zz%_"}


async def test_the_same_failure_again_opens_the_item_with_the_new_facts(store: Store) -> None:
    # given an item that was edited and replayed
    await store.apply(WorkCreate([ITEM]))
    await store.apply(WorkEdit(ITEM.id, 1, "{}", b"edited", "fixed the account", 20))
    await store.apply(WorkChange(ITEM.id, 2, "replayed", "again", 30))
    # when
    again = replace(ITEM, reason="timeout", body=b"what was replayed", edits=1, attempts=5, created=40, updated=40)
    await store.apply(WorkCreate([again]))
    # then
    assert await stored(store) == replace(again, created=10, note="again", version=4)


async def test_attempts_are_counted_over_replays(store: Store) -> None:
    # given an event that failed at its third attempt, and was replayed
    event = replace(ITEM, level="event", sink="", attempts=3)
    await store.apply(WorkCreate([event]))
    await store.apply(WorkChange(ITEM.id, 1, "replayed", "again", 30))
    # when it fails at once, and a copy of that comes once more
    await store.apply(WorkCreate([replace(event, attempts=1)]))
    await store.apply(WorkCreate([replace(event, attempts=1)]))
    # then
    assert (await stored(store)).attempts == 4


async def test_a_copy_that_comes_back_undoes_nobodys_edit(store: Store) -> None:
    await store.apply(WorkCreate([ITEM]))
    await store.apply(WorkEdit(ITEM.id, 1, '{"x":1}', b"edited", "fixed", 20))
    await store.apply(WorkCreate([replace(ITEM, attempts=9, updated=30)]))
    expected = replace(
        ITEM, headers='{"x":1}', body=b"edited", note="fixed", edits=1, attempts=9, version=3, updated=30
    )
    assert await stored(store) == expected


@pytest.mark.parametrize("state", ["replayed", "resolved", "discarded", "open"])
async def test_an_item_moves_when_the_version_is_the_stored_one(store: Store, state: Any) -> None:
    await store.apply(WorkCreate([ITEM]))
    assert await store.apply(WorkChange(ITEM.id, 1, state, "why", 20))
    assert await stored(store) == replace(ITEM, state=state, note="why", version=2, updated=20)


async def test_a_change_of_an_older_version_changes_nothing(store: Store) -> None:
    await store.apply(WorkCreate([ITEM]))
    await store.apply(WorkChange(ITEM.id, 1, "replayed", "first", 20))
    assert not await store.apply(WorkChange(ITEM.id, 1, "discarded", "second", 30, required=False))
    with pytest.raises(Fenced):
        await store.apply(WorkChange(ITEM.id, 1, "discarded", "second", 30))
    assert (await stored(store)).note == "first"


async def test_what_is_not_there_does_not_change(store: Store) -> None:
    assert not await store.apply(WorkChange("none", 1, "discarded", "", 1, required=False))
    assert not await store.apply(WorkEdit("none", 1, "{}", b"", "", 1))


async def test_an_edit_replaces_what_is_replayed_and_is_counted(store: Store) -> None:
    await store.apply(WorkCreate([ITEM]))
    assert await store.apply(WorkEdit(ITEM.id, 1, '{"a":1}', b"new", "account", 20))
    assert not await store.apply(WorkEdit(ITEM.id, 1, "{}", b"too late", "", 30))
    expected = replace(ITEM, headers='{"a":1}', body=b"new", note="account", version=2, edits=1, updated=20)
    assert await stored(store) == expected


async def test_only_an_open_item_is_edited(store: Store) -> None:
    await store.apply(WorkCreate([ITEM]))
    await store.apply(WorkChange(ITEM.id, 1, "replayed", "", 20))
    assert not await store.apply(WorkEdit(ITEM.id, 2, "{}", b"", "", 30))
    with pytest.raises(Fenced):
        await store.apply(WorkEdit(ITEM.id, 2, "{}", b"", "", 30, required=True))


FOUR = [
    replace(ITEM, id="w1", created=1, reason="refused"),
    replace(
        ITEM, id="w2", created=2, route="stock", owner="logistics", event_id="e2", root="r2", search='{"sku":"42"}'
    ),
    replace(ITEM, id="w3", created=3, state="discarded"),
    replace(ITEM, id="w4", created=4, reason="timeout", subject="d4"),
]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, ["w4", "w2", "w1"]),
        ({"limit": 2}, ["w4", "w2"]),
        ({"limit": 2, "offset": 1}, ["w2", "w1"]),
        ({"offset": 2}, ["w1"]),
        ({"states": ("discarded",)}, ["w3"]),
        ({"states": ("open", "discarded")}, ["w4", "w3", "w2", "w1"]),
        ({"states": ()}, []),
        ({"route": "stock"}, ["w2"]),
        ({"reason": "timeout"}, ["w4"]),
        ({"owner": "logistics"}, ["w2"]),
        ({"text": "1001"}, ["w4", "w1"]),
        ({"text": "42"}, ["w2"]),
        ({"text": "e2"}, ["w2"]),
        ({"text": "r2"}, ["w2"]),
        ({"text": "d4"}, ["w4"]),
        ({"text": "w1"}, ["w1"]),
        ({"text": "100"}, []),
        ({"text": "%"}, []),
        ({"text": "1001", "reason": "refused"}, ["w1"]),
    ],
)
async def test_items_are_found_newest_first(store: Store, filter: dict[str, Any], expected: list[str]) -> None:
    await store.apply(WorkCreate(FOUR))
    assert [item.id for item in await store.apply(WorkFind(**filter))] == expected


async def test_items_are_counted_by_route_reason_and_state(store: Store) -> None:
    assert await store.apply(WorkCount()) == []
    await store.apply(WorkCreate([*FOUR, replace(ITEM, id="w5")]))
    assert await store.apply(WorkCount()) == [
        ("sales", "refused", "discarded", 1),
        ("sales", "refused", "open", 2),
        ("sales", "timeout", "open", 1),
        ("stock", "refused", "open", 1),
    ]
