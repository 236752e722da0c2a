"""What every store does with groups, timers and chains."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced
from engine.ports.store import Store
from engine.ports.store.steps import (
    Chain,
    ChainGet,
    ChainPut,
    Full,
    GroupClose,
    GroupDone,
    GroupJoin,
    GroupKey,
    GroupMembers,
    GroupsClosed,
    GroupsOpen,
    Joined,
    Member,
    Timer,
    TimerDone,
    TimerNext,
    TimersDue,
    TimerSet,
)

pytestmark = pytest.mark.anyio

GROUP = GroupKey("sales", "by-store", "4711|2026-03-14")
OTHER = GroupKey("sales", "by-store", "4712|2026-03-14")


def member(event: str, group: GroupKey = GROUP, at: int = 0, key: str = "") -> Member:
    return Member(group, "2026-03-14", event, f"body of {event}".encode(), "1.10", at, key)


async def test_members_join_the_open_generation(store: Store) -> None:
    joined = await store.apply(GroupJoin([member("a", at=5), member("b", at=7), member("x", OTHER, at=9)]))
    assert joined == [
        Joined(1, 1, 5, group=GROUP.group),
        Joined(1, 2, 5, group=GROUP.group),
        Joined(1, 1, 9, group=OTHER.group),
    ]
    assert await store.apply(GroupMembers(GROUP, 1)) == [member("a", at=5), member("b", at=7)]
    assert await store.apply(GroupMembers(GROUP, 2)) == []


async def test_a_group_that_is_complete_is_closed_before_the_next_member_joins(store: Store) -> None:
    members = [member(name, at=5 + number) for number, name in enumerate("abcde")]
    joined = await store.apply(GroupJoin(members, [Full(2, "count")] * 4 + [Full(1, "trailer")]))
    assert [(one.generation, one.size) for one in joined] == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
    assert await store.apply(GroupsClosed()) == [(GROUP, 1), (GROUP, 2), (GROUP, 3)]
    again = await store.apply(GroupJoin(members[:1], [Full(1, "count")]))
    assert again == [Joined(1, 2, 5, True, GROUP.group)]
    assert not await store.apply(GroupClose(GROUP, 1, "time", 9))


async def test_a_member_that_is_none_too_many_closes_nothing(store: Store) -> None:
    await store.apply(GroupJoin([member("a"), member("b")], [Full(3, "count"), None]))
    assert await store.apply(GroupsClosed()) == []
    [joined] = await store.apply(GroupJoin([member("c")], [Full(2, "count")]))
    assert (joined.generation, joined.size) == (1, 3)
    assert await store.apply(GroupsClosed()) == [(GROUP, 1)]


async def test_an_event_counts_once(store: Store) -> None:
    await store.apply(GroupJoin([member("a", at=5)]))
    again = await store.apply(GroupJoin([member("a", at=6), member("b", at=7)]))
    assert again == [Joined(1, 1, 5, True, GROUP.group), Joined(1, 2, 5, group=GROUP.group)]


async def test_an_event_counts_once_even_when_its_group_would_be_another_now(store: Store) -> None:
    await store.apply(GroupJoin([member("a", at=5)]))
    assert await store.apply(GroupJoin([member("a", OTHER)])) == [Joined(1, 1, 5, True, GROUP.group)]
    assert await store.apply(GroupMembers(OTHER, 1)) == []


async def test_parts_of_a_split_event_are_members_of_their_own(store: Store) -> None:
    joined = await store.apply(GroupJoin([member("a", key="1"), member("a", key="2"), member("a", key="1")]))
    assert [(one.size, one.duplicate) for one in joined] == [(1, False), (2, False), (2, True)]


async def test_a_closed_generation_takes_no_more(store: Store) -> None:
    await store.apply(GroupJoin([member("a", at=1)]))
    assert await store.apply(GroupClose(GROUP, 1, "trailer", 50))
    assert not await store.apply(GroupClose(GROUP, 1, "time", 60))
    assert await store.apply(GroupJoin([member("late", at=70)])) == [Joined(2, 1, 70, group=GROUP.group)]
    assert await store.apply(GroupMembers(GROUP, 1)) == [member("a", at=1)]
    assert await store.apply(GroupJoin([member("a")])) == [Joined(1, 1, 1, True, GROUP.group)]


async def test_what_is_not_there_cannot_be_closed(store: Store) -> None:
    assert not await store.apply(GroupClose(GROUP, 1, "time", 1))
    with pytest.raises(Fenced):
        await store.apply(GroupClose(GROUP, 1, "time", 1, required=True))


async def test_closed_ones_wait_until_they_are_done(store: Store) -> None:
    await store.apply(GroupJoin([member("a"), member("x", OTHER)]))
    await store.apply(GroupClose(OTHER, 1, "count", 10))
    await store.apply(GroupClose(GROUP, 1, "count", 20))
    assert await store.apply(GroupsClosed()) == [(OTHER, 1), (GROUP, 1)]
    await store.apply(GroupDone(OTHER, 1))
    await store.apply(GroupDone(OTHER, 1))
    assert await store.apply(GroupsClosed()) == [(GROUP, 1)]


async def test_a_done_group_forgets_bodies_and_remembers_events(store: Store) -> None:
    await store.apply(GroupJoin([member("a")]))
    await store.apply(GroupClose(GROUP, 1, "count", 10))
    await store.apply(GroupDone(GROUP, 1))
    assert await store.apply(GroupMembers(GROUP, 1)) == [replace(member("a"), body=b"")]
    assert (await store.apply(GroupJoin([member("a")])))[0].duplicate


async def test_an_open_group_is_not_done(store: Store) -> None:
    await store.apply(GroupJoin([member("a")]))
    await store.apply(GroupDone(GROUP, 1))
    assert await store.apply(GroupMembers(GROUP, 1)) == [member("a")]
    assert (await store.apply(GroupJoin([member("b")])))[0].generation == 1


async def test_open_groups_are_told_oldest_first(store: Store) -> None:
    stock = GroupKey("stock", "by-day", "x")
    await store.apply(GroupJoin([member("a", at=9), member("x", OTHER, at=3), member("s", stock, at=5)]))
    await store.apply(GroupJoin([member("b", at=10)]))
    assert await store.apply(GroupsOpen()) == [(OTHER, 1, 1, 3), (stock, 1, 1, 5), (GROUP, 1, 2, 9)]
    assert await store.apply(GroupsOpen("stock")) == [(stock, 1, 1, 5)]
    await store.apply(GroupClose(stock, 1, "time", 1))
    assert await store.apply(GroupsOpen("stock")) == []


def timer(id: str, due: int) -> Timer:
    return Timer(id, due, "delay", "sales", "wait", "e1", 3, '{"a":1}', b"body")


async def test_timers_are_due_in_order(store: Store) -> None:
    assert await store.apply(TimerNext()) == 0
    await store.apply(TimerSet([timer("c", 30), timer("a", 10), timer("b", 20)]))
    assert await store.apply(TimerNext()) == 10
    assert await store.apply(TimersDue(9)) == []
    assert await store.apply(TimersDue(20)) == [timer("a", 10), timer("b", 20)]
    assert await store.apply(TimersDue(99, limit=2)) == [timer("a", 10), timer("b", 20)]


async def test_a_timer_that_is_set_stays_as_it_is_also_when_done(store: Store) -> None:
    await store.apply(TimerSet([timer("a", 10)]))
    await store.apply(TimerSet([timer("a", 99)]))
    assert await store.apply(TimersDue(50)) == [timer("a", 10)]
    await store.apply(TimerDone(["a", "none"]))
    await store.apply(TimerDone(["a"]))
    await store.apply(TimerSet([timer("a", 10)]))
    assert await store.apply(TimersDue(999)) == []
    assert await store.apply(TimerNext()) == 0


async def test_a_chain_advances_from_the_version_it_was_read_at(store: Store) -> None:
    assert await store.apply(ChainGet("till-1", "e1")) == Chain(0, b"")
    assert await store.apply(ChainPut("till-1", "e1", 0, b"hash-1", b"signature-1"))
    assert await store.apply(ChainGet("till-1", "e1")) == Chain(1, b"hash-1", b"signature-1")
    assert not await store.apply(ChainPut("till-1", "e2", 0, b"hash-x", b"x"))
    assert await store.apply(ChainPut("till-1", "e2", 1, b"hash-2", b""))
    assert await store.apply(ChainGet("till-1", "e2")) == Chain(2, b"hash-2", b"")
    assert await store.apply(ChainGet("till-1", "e3")) == Chain(2, b"hash-2", None)
    assert await store.apply(ChainGet("till-2", "e1")) == Chain(0, b"")


async def test_an_event_is_in_a_chain_once(store: Store) -> None:
    await store.apply(ChainPut("till-1", "e1", 0, b"hash-1", b"signature-1"))
    assert not await store.apply(ChainPut("till-1", "e1", 1, b"hash-2", b"signature-2"))
    with pytest.raises(Fenced):
        await store.apply(ChainPut("till-1", "e1", 1, b"hash-2", b"signature-2", required=True))
    assert await store.apply(ChainGet("till-1", "e1")) == Chain(1, b"hash-1", b"signature-1")
