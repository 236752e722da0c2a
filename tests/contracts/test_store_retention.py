"""What every store forgets: whole days of a route that are over, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.ids import continuation_id
from engine.core.jsonx import encode
from engine.ports.store import Store
from engine.ports.store.figures import FiguresOf
from engine.ports.store.inbox import EventKey, InboxFind, InboxOpen, InboxReplay, InboxRouted, InboxRow, Planned
from engine.ports.store.leases import SeenAdd, SeenGet
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerFind, LedgerKey, LedgerSettle, SettleRow
from engine.ports.store.order import HeldAdd, HeldRow
from engine.ports.store.retention import BlobsNamed, DayForget, DaysKept, RouteForget
from engine.ports.store.steps import (
    GroupClose,
    GroupDone,
    GroupJoin,
    GroupKey,
    Joined,
    Member,
    Timer,
    TimerDone,
    TimersDue,
    TimerSet,
)
from engine.ports.store.work import WorkChange, WorkCreate, WorkFind, WorkItem

pytestmark = pytest.mark.anyio

DAY, NEXT = "2025-01-01", "2025-01-02"
NOW = 1000
GROUP = GroupKey("sales", "daily", "A")


def row(event: str = "e", kind: Any = "deliveries", *, day: str = DAY, **facts: Any) -> InboxRow:
    planned = (Planned("erp", day, f"{event}/erp", "lane"),) if kind == "deliveries" else ()
    base = InboxRow("sales", EventKey(day, event), "plan", kind, planned, at=10)
    return replace(base, **facts)


async def deliver(store: Store, event: str = "e", state: Any = "applied", *, day: str = DAY, now: int = 10) -> None:
    key = LedgerKey(day, f"{event}/erp")
    await store.apply(LedgerClaim([ClaimRow(key, 1, "sales", "erp", "sales/erp", event)], "t", now, 60.0))
    await store.apply(LedgerSettle([SettleRow(key, state, 2)], "t", now))


async def posted(store: Store, event: str = "e", *, day: str = DAY) -> None:
    await store.apply(InboxOpen([row(event, day=day)]))
    await store.apply(InboxRouted("sales", [EventKey(day, event)]))
    await deliver(store, event, day=day)


def item(**facts: Any) -> WorkItem:
    return replace(WorkItem("w", "event", "sales", "bad", "e", DAY, event_id="e", created=10, updated=10), **facts)


async def forget(store: Store, route: str = "sales", day: str = DAY, before: int = NOW) -> int:
    return await store.apply(DayForget(route, day, before))


async def test_days_are_told_by_route_oldest_first(store: Store) -> None:
    await posted(store, "b", day=NEXT)
    await posted(store, "a")
    await store.apply(InboxOpen([row("c", route="stock")]))
    await store.apply(WorkCreate([item(id="r", level="record", route="ingest", day="2024-12-31", state="resolved")]))
    await store.apply(GroupJoin([Member(GroupKey("plain", "daily", "A"), DAY, "g", b"{}")]))
    assert await store.apply(DaysKept("2025-01-02")) == [
        ("ingest", "2024-12-31"),
        ("plain", DAY),
        ("sales", DAY),
        ("stock", DAY),
    ]


async def test_a_day_that_is_over_goes_with_everything_of_it_and_nothing_else(store: Store) -> None:
    await posted(store)
    await posted(store, "later", day=NEXT)
    await store.apply(InboxOpen([row("other", route="stock")]))
    await store.apply(WorkCreate([item(state="resolved")]))

    assert await forget(store) == 3
    assert await forget(store) == 0

    assert await store.apply(InboxFind("sales", [EventKey(DAY, "e")])) == {}
    assert await store.apply(LedgerFind([LedgerKey(DAY, "e/erp")])) == {}
    assert await store.apply(WorkFind(("resolved",))) == []
    assert await store.apply(DaysKept("2026")) == [("stock", DAY), ("sales", NEXT)]
    [whole, sink] = await store.apply(FiguresOf("sales"))
    assert (whole.received, whole.applied, sink.applied) == (1, 1, 1)


async def open_row(store: Store) -> None:
    await store.apply(InboxOpen([row("open")]))
    await deliver(store, "open")


async def row_of_yesterday(store: Store) -> None:
    await store.apply(InboxOpen([row("fresh", "filtered", at=NOW)]))


async def delivery_of_yesterday(store: Store) -> None:
    await posted(store, "fresh")
    await deliver(store, "fresh2", now=NOW)


async def waiting_delivery(store: Store) -> None:
    await deliver(store, "waits", "waiting")


async def unclaimed_delivery(store: Store) -> None:
    await store.apply(InboxOpen([row("queued")]))
    await store.apply(InboxRouted("sales", [EventKey(DAY, "queued")]))


async def open_item(store: Store) -> None:
    await store.apply(WorkCreate([item()]))


async def item_closed_yesterday(store: Store) -> None:
    await store.apply(WorkCreate([item()]))
    await store.apply(WorkChange("w", 1, "discarded", "not wanted", NOW))


async def replay(store: Store) -> None:
    await store.apply(InboxOpen([row("again", "work_item")]))
    await store.apply(InboxReplay("sales", EventKey(DAY, "again")))


async def member_of_an_open_group(store: Store) -> None:
    await store.apply(GroupJoin([Member(GROUP, DAY, "member", b"{}")]))


async def delayed_event(store: Store) -> None:
    await store.apply(InboxOpen([row("delayed", "step_state")]))
    await store.apply(InboxRouted("sales", [EventKey(DAY, "delayed")]))
    await store.apply(TimerSet([Timer("t", 99999, "delay", "sales", "later", "delayed")]))


NOT_OVER = (
    open_row, row_of_yesterday, delivery_of_yesterday, waiting_delivery, unclaimed_delivery, open_item,
    item_closed_yesterday, replay, member_of_an_open_group, delayed_event,
)  # fmt: skip


@pytest.mark.parametrize("cause", NOT_OVER, ids=lambda cause: cause.__name__)
async def test_a_day_that_is_not_over_stays_whole(store: Store, cause: Callable[[Store], Awaitable[None]]) -> None:
    await posted(store)
    await cause(store)
    assert await forget(store) == 0
    assert await store.apply(InboxFind("sales", [EventKey(DAY, "e")])) != {}
    assert await forget(store, "stock") == 0


async def test_continuations_stay_as_long_as_what_they_continue(store: Store) -> None:
    await store.apply(InboxOpen([row("m1", "step_state"), row("m2", "step_state", day=NEXT)]))
    await store.apply(InboxRouted("sales", [EventKey(DAY, "m1"), EventKey(NEXT, "m2")]))
    await store.apply(GroupJoin([Member(GROUP, DAY, "m1", b"{}"), Member(GROUP, NEXT, "m2", b"{}")]))
    await store.apply(GroupClose(GROUP, 1, "count", 10))
    await store.apply(GroupDone(GROUP, 1))
    continued = continuation_id(*GROUP, 1)
    await store.apply(InboxOpen([row(continued, day=NEXT, segment="daily")]))
    await store.apply(InboxRouted("sales", [EventKey(NEXT, continued)]))
    await deliver(store, continued, day=NEXT)

    assert await forget(store, day=NEXT) == 0
    assert await forget(store) == 2
    assert [figures.balanced for figures in await store.apply(FiguresOf())] == [True, True]
    assert await forget(store, day=NEXT) == 4
    assert await store.apply(RouteForget("sales", NOW)) == 0
    assert await store.apply(GroupJoin([Member(GROUP, DAY, "m1", b"{}", at=5)])) == [Joined(2, 1, 5, group="A")]
    assert await store.apply(RouteForget("sales", NOW)) == 1


async def test_what_has_no_day_is_forgotten_by_its_time(store: Store) -> None:
    await store.apply(SeenAdd("sales", "old", 10, "a"))
    await store.apply(SeenAdd("sales", "new", NOW, "b"))
    await store.apply(SeenAdd("stock", "old", 10, "c"))
    await store.apply(TimerSet([Timer(name, due, "delay", "sales", "later", name) for name, due in TIMERS]))
    await store.apply(TimerDone(["done", "late"]))

    assert await store.apply(RouteForget("sales", NOW)) == 2

    assert [await store.apply(SeenGet(*key)) for key in (("sales", "old"), ("sales", "new"), ("stock", "old"))] == [
        None,
        "b",
        "c",
    ]
    assert [timer.id for timer in await store.apply(TimersDue(NOW))] == ["waits"]
    await store.apply(TimerSet([Timer("late", 5, "delay", "sales", "later", "late")]))
    assert [timer.id for timer in await store.apply(TimersDue(NOW))] == ["waits"]


TIMERS = (("done", 10), ("late", NOW), ("waits", 10))


def headers_with(digest: str) -> str:
    return encode({"tf-id": "e", "tf-blob": digest}).decode()


async def test_blobs_are_named_by_everything_that_waits_with_a_body(store: Store) -> None:
    digests = [f"{n:064x}" for n in range(8)]
    assert await store.apply(BlobsNamed()) == set()
    ticket = encode({"note": "\x00", "image": {"$blob": digests[1], "size": 5}})
    for place, (headers, body) in enumerate([(headers_with(digests[0]), b""), ("{}", ticket)]):
        await store.apply(HeldAdd([HeldRow("f", "k", place, DAY, f"d{place}", "lane", headers, body, 10)]))
    await store.apply(WorkCreate([item(id="a", headers=headers_with(digests[2]), body=b"\xff\x00raw")]))
    packed = headers_with(digests[3]).encode() + b"\n"
    await store.apply(GroupJoin([Member(GROUP, DAY, "m", packed)]))
    timers = [Timer(str(n), 99, "delay", "sales", "later", "k", 0, headers_with(digests[n]), b"") for n in (4, 5)]
    await store.apply(TimerSet(timers))
    await store.apply(TimerDone(["5"]))
    assert await store.apply(BlobsNamed()) == set(digests[:5])


async def test_a_large_day_goes_in_pieces_and_stays_over_in_between(store: Store) -> None:
    for number in range(5):
        await posted(store, f"e{number}")
    pieces = []
    while gone := await store.apply(DayForget("sales", DAY, NOW, most=2)):
        pieces.append(gone)
    assert sum(pieces) == 10 and max(pieces) <= 4 and len(pieces) >= 4
    assert await store.apply(DaysKept(NEXT)) == []
