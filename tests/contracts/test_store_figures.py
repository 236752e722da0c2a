"""What every store counts: completeness per route and sink, and what is overdue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.ids import continuation_id
from engine.ports.store import Store
from engine.ports.store.figures import Figures, FiguresOf, Lately, Overdue, TakenIn, Undecided, UndecidedOf
from engine.ports.store.inbox import EventKey, InboxDuplicates, InboxOpen, InboxReplay, InboxRouted, InboxRow, Planned
from engine.ports.store.journal import Entry, JournalAppend
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerKey, LedgerSettle, SettleRow
from engine.ports.store.steps import GroupClose, GroupJoin, GroupKey, Member, Timer, TimerSet
from engine.ports.store.work import Conflicts, WorkChange, WorkCreate, WorkItem

pytestmark = pytest.mark.anyio

DAY = "2026-03-14"


def planned(event: str, *sinks: str, via: Any = "lane") -> tuple[Planned, ...]:
    return tuple(Planned(sink, DAY, f"{event}/{sink}", via) for sink in sinks)


def row(event: str, kind: Any = "deliveries", *sinks: str, **facts: Any) -> InboxRow:
    base = InboxRow(
        "sales", EventKey(DAY, event), "plan", kind, planned(event, *sinks), amount="10.10", currency="EUR", at=100
    )
    return replace(base, **facts)


async def deliver(store: Store, event: str, sink: str, state: Any) -> None:
    key = LedgerKey(DAY, f"{event}/{sink}")
    await store.apply(LedgerClaim([ClaimRow(key, 1, "sales", sink, f"sales/{sink}", event)], "t", 0, 60.0))
    if state != "inflight":
        await store.apply(LedgerSettle([SettleRow(key, state)], "t", 1))


def item(event: str, **facts: Any) -> WorkItem:
    return replace(WorkItem(f"w-{event}", "event", "sales", "bad", event, DAY, event_id=event), **facts)


async def counted(store: Store, sink: str = "", **filter: Any) -> Figures:
    found = await store.apply(FiguresOf(**filter))
    assert all(figures.balanced for figures in found)
    return next(figures for figures in found if figures.route == "sales" and figures.sink == sink)


async def fate(store: Store, sink: str = "") -> str:
    """What the only event is counted as."""
    figures = await counted(store, sink)
    names = ("applied", "not_selected", "filtered", "discarded", "superseded", "work_items", "in_flight")
    [name] = [name for name in names if getattr(figures, name)]
    return name


async def test_nothing_received_is_no_figures(store: Store) -> None:
    assert await store.apply(FiguresOf()) == []


async def test_a_day_adds_up(store: Store) -> None:
    # given one of everything
    rows = [
        row("applied", "deliveries", "journal", "stock"),
        row("half", "deliveries", "journal", "stock"),
        row("new", "deliveries", "journal"),
        row("none", "deliveries"),
        row("training", "filtered", reason="training mode"),
        row("void", "filtered", reason="voided", amount="", currency=""),
        row("bad", "work_item", reason="schema-violation", amount="5", currency="USD"),
    ]
    await store.apply(InboxOpen(rows))
    await store.apply(InboxRouted("sales", [one.key for one in rows]))
    await store.apply(WorkCreate([item("bad")]))
    for event, sink in (("applied", "journal"), ("applied", "stock"), ("half", "journal")):
        await deliver(store, event, sink, "applied")
    await deliver(store, "half", "stock", "waiting")
    await store.apply(InboxDuplicates("sales", [rows[0].key, rows[0].key, rows[1].key, EventKey(DAY, "unknown")]))
    # then
    received = {"EUR": Decimal("50.50"), "USD": Decimal("5")}
    one, two = {"EUR": Decimal("10.10")}, {"EUR": Decimal("20.20")}
    common: dict[str, Any] = {
        "received": 7,
        "work_items": 1,
        "filtered": 2,
        "filtered_by": {"training mode": 1, "voided": 1},
        "received_amount": received,
    }
    assert await store.apply(FiguresOf()) == [
        Figures("sales", applied=1, in_flight=2, not_selected=1, duplicates=3, applied_amount=one, **common),
        Figures("sales", "journal", applied=2, in_flight=1, not_selected=1, applied_amount=two, **common),
        Figures("sales", "stock", applied=1, in_flight=1, not_selected=2, applied_amount=one, **common),
    ]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("applied", "applied"), "applied"),
        (("applied", "superseded"), "superseded"),
        (("superseded", "discarded"), "discarded"),
        (("applied", "inflight"), "in_flight"),
        (("discarded", "waiting"), "in_flight"),
        (("applied", "held"), "in_flight"),
        (("applied", ""), "in_flight"),
        (("waiting", "work_item"), "work_items"),
        (("discarded", "work_item"), "work_items"),
    ],
)
async def test_an_event_counts_once_whatever_its_deliveries_do(
    store: Store, states: tuple[str, str], expected: str
) -> None:
    await store.apply(InboxOpen([row("e", "deliveries", "a", "b")]))
    for sink, state in zip("ab", states, strict=True):
        if state:
            await deliver(store, "e", sink, state)
    assert await fate(store) == expected


async def test_several_outputs_to_one_sink_are_one_event_there(store: Store) -> None:
    parts = tuple(Planned("lines", DAY, f"e/{n}", "lane") for n in range(3))
    await store.apply(InboxOpen([row("e", planned=parts)]))
    for n in range(3):
        assert (await counted(store, "lines")).in_flight == 1
        key = LedgerKey(DAY, f"e/{n}")
        await store.apply(LedgerClaim([ClaimRow(key, 1, "sales", "lines", "x", "e")], "t", 0, 60.0))
        await store.apply(LedgerSettle([SettleRow(key, "applied")], "t", 1))
    assert (await counted(store, "lines")).applied == 1


async def test_what_the_router_publishes_itself_is_applied_once_it_is_routed(store: Store) -> None:
    await store.apply(InboxOpen([row("e", planned=planned("e", "events", via="bus"))]))
    assert await fate(store) == "in_flight" == await fate(store, "events")
    await store.apply(InboxRouted("sales", [EventKey(DAY, "e")]))
    assert await fate(store) == "applied" == await fate(store, "events")


@pytest.mark.parametrize(("state", "expected"), [("discarded", "discarded"), ("resolved", "applied")])
async def test_a_failed_event_counts_as_its_work_item_ended(store: Store, state: Any, expected: str) -> None:
    await store.apply(InboxOpen([row("e", "work_item")]))
    assert await fate(store) == "work_items"
    await store.apply(WorkCreate([item("e")]))
    assert await fate(store) == "work_items"
    await store.apply(WorkChange("w-e", 1, state, "by hand", 5))
    assert await fate(store) == expected


async def test_a_replayed_event_is_in_flight_until_it_is_decided(store: Store) -> None:
    await store.apply(InboxOpen([row("e", "work_item")]))
    await store.apply(WorkCreate([item("e")]))
    await store.apply_all(WorkChange("w-e", 1, "replayed", "", 5), InboxReplay("sales", EventKey(DAY, "e")))
    assert await fate(store) == "in_flight"
    await store.apply(InboxOpen([row("e", "filtered", reason="training", replay=1)]))
    assert await fate(store) == "filtered"


async def test_an_open_work_item_that_names_the_event_counts_before_all(store: Store) -> None:
    await store.apply(InboxOpen([row("e", "deliveries", "a", "b")]))
    await deliver(store, "e", "a", "applied")
    await store.apply(WorkCreate([item("e", reason="missing", sink="b", level="delivery")]))
    assert [await fate(store, sink) for sink in ("", "a", "b")] == ["work_items", "applied", "work_items"]
    await store.apply(WorkCreate([item("e", id="other", route="elsewhere")]))
    await store.apply(WorkChange("w-e", 1, "resolved", "", 5))
    assert [await fate(store, sink) for sink in ("", "a", "b")] == ["in_flight", "applied", "in_flight"]


async def test_figures_are_limited_to_routes_and_days(store: Store) -> None:
    days = ["2026-03-13", "2026-03-14", "2026-03-15"]
    await store.apply(InboxOpen([row("e", "filtered", key=EventKey(day, "e")) for day in days]))
    await store.apply(InboxOpen([row("e", "filtered", route="stock")]))
    assert (await counted(store)).received == 3
    assert (await counted(store, since="2026-03-14")).received == 2
    assert (await counted(store, until="2026-03-13")).received == 1
    assert (await counted(store, since="2026-03-14", until="2026-03-14")).received == 1
    assert [figures.route for figures in await store.apply(FiguresOf())] == ["sales", "stock"]
    assert [figures.route for figures in await store.apply(FiguresOf(route="stock"))] == ["stock"]
    assert await store.apply(FiguresOf(since="2027-01-01")) == []


async def test_amounts_are_exact_beyond_what_a_float_holds(store: Store) -> None:
    amounts = ["0.10", "0.20", "9007199254740993.01", "-0.31"] * 25
    rows = [row(f"e{n}", planned=(), amount=amount) for n, amount in enumerate(amounts)]
    await store.apply(InboxOpen(rows))
    assert (await counted(store)).received_amount == {"EUR": Decimal("225179981368524825.00")}


# --- kept by a cut --------------------------------------------------------------------------------------------------

GROUP = GroupKey("sales", "by-store", "4711")


async def kept_in_group(store: Store, *events: str) -> str:
    """Events kept by an aggregate; answers the id of the continuation of their group."""
    for event in events:
        await store.apply_all(
            InboxOpen([row(event, "step_state", state="routed")]), GroupJoin([Member(GROUP, DAY, event, b"x")])
        )
    return continuation_id(*GROUP, 1)


async def test_members_are_in_flight_until_their_group_goes_on_and_then_count_as_it_does(store: Store) -> None:
    # given
    name = await kept_in_group(store, "a", "b", "c")
    assert (await counted(store)).in_flight == 3
    await store.apply(GroupClose(GROUP, 1, "count", 5))
    assert (await counted(store)).in_flight == 3
    # when the continuation, of the day it was made on, is routed and delivered
    key = EventKey("2026-03-15", name)
    await store.apply(InboxOpen([row(name, "deliveries", "journal", key=key, segment="by-store", amount="30.30")]))
    assert (await counted(store)).in_flight == 3
    await deliver(store, name, "journal", "applied")
    # then the group's amount is the sum of its members, and the group itself was not received
    figures = await counted(store)
    assert (figures.received, figures.applied) == (3, 3)
    assert figures.received_amount == figures.applied_amount == {"EUR": Decimal("30.30")}
    assert (await counted(store, "journal")).applied == 3


async def test_members_of_a_failed_group_count_as_work_items(store: Store) -> None:
    name = await kept_in_group(store, "a", "b")
    await store.apply(InboxOpen([row(name, "work_item", segment="by-store")]))
    await store.apply(WorkCreate([item(name)]))
    assert (await counted(store)).work_items == 2


async def test_what_waits_for_a_delay_is_in_flight_until_it_goes_on(store: Store) -> None:
    await store.apply(InboxOpen([row("e", "step_state", state="routed")]))
    assert await fate(store) == "in_flight"
    await store.apply(TimerSet([Timer("after", 5, "delay", "sales", "wait", "e")]))
    assert await fate(store) == "in_flight"
    await store.apply(InboxOpen([row("after", "filtered", segment="wait", reason="too late")]))
    figures = await counted(store)
    assert (figures.received, figures.filtered_by) == (1, {"too late": 1})


async def test_what_fails_after_a_delay_counts_as_its_own_work_item_ends(store: Store) -> None:
    # given: the item names the event, its subject is the row of the continuation
    await store.apply(InboxOpen([row("e", "step_state", state="routed")]))
    await store.apply(TimerSet([Timer("after", 5, "delay", "sales", "wait", "e")]))
    await store.apply(InboxOpen([row("after", "work_item", segment="wait")]))
    await store.apply(WorkCreate([item("e", subject="after")]))
    assert await fate(store) == "work_items"
    await store.apply(WorkChange("w-e", 1, "discarded", "not needed", 5))
    assert await fate(store) == "discarded"


async def test_a_conflicting_record_takes_nothing_from_the_event_that_came_first(store: Store) -> None:
    await store.apply(InboxOpen([row("e", "deliveries", "a")]))
    await store.apply(WorkCreate([item("e", reason="idempotency-conflict", subject="e!other-origin")]))
    assert await store.apply(Overdue(200)) == [("sales", DAY, "e")]
    await deliver(store, "e", "a", "applied")
    assert [await fate(store, sink) for sink in ("", "a")] == ["applied", "applied"]
    assert await store.apply(Conflicts()) == [("sales", 1)]
    await store.apply(WorkChange("w-e", 1, "resolved", "the first one is right", 5))
    assert await fate(store) == "applied"
    assert await store.apply(Conflicts()) == []


@pytest.mark.parametrize(
    "facts",
    [{"level": "delivery", "sink": "a", "subject": "e/a!other-origin"}, {"subject": "e"}],
    ids=["a delivery that another route made before", "a call that was made before"],
)
async def test_a_conflict_of_the_event_s_own_effect_counts_as_a_work_item(store: Store, facts: dict[str, Any]) -> None:
    await store.apply(InboxOpen([row("e", "deliveries", "a")]))
    await deliver(store, "e", "a", "applied")
    await store.apply(WorkCreate([item("e", reason="idempotency-conflict", **facts)]))
    assert await fate(store) == "work_items"
    assert await store.apply(Conflicts()) == []


async def test_a_cut_behind_a_cut_is_followed_to_the_end(store: Store) -> None:
    name = await kept_in_group(store, "a", "b")
    await store.apply(InboxOpen([row(name, "step_state", segment="by-store", state="routed")]))
    await store.apply(TimerSet([Timer("after", 5, "delay", "sales", "wait", name)]))
    assert (await counted(store)).in_flight == 2
    await store.apply(InboxOpen([row("after", planned=planned("after", "journal", via="bus"), segment="wait")]))
    await store.apply(InboxRouted("sales", [EventKey(DAY, "after")]))
    assert (await counted(store)).applied == 2


async def test_a_tap_before_the_cut_counts_too(store: Store) -> None:
    name = await kept_in_group(store)
    await store.apply(InboxOpen([row("a", "step_state", "tap", state="routed")]))
    await store.apply(GroupJoin([Member(GROUP, DAY, "a", b"x")]))
    await store.apply(InboxOpen([row(name, "filtered", segment="by-store", reason="empty")]))
    assert await fate(store) == "in_flight"
    await deliver(store, "a", "tap", "applied")
    assert await fate(store) == "applied"


# --- overdue --------------------------------------------------------------------------------------------------------


async def test_what_has_no_final_delivery_in_time_is_overdue(store: Store) -> None:
    rows = [
        row("late", "deliveries", "a", at=10),
        row("half", "deliveries", "a", "b", at=20),
        row("done", "deliveries", "a", at=10),
        row("bus-open", planned=planned("bus-open", "a", via="bus"), at=30),
        row("bus-done", planned=planned("bus-done", "a", via="bus"), at=10, state="routed"),
        row("known", "deliveries", "a", at=10),
        row("young", "deliveries", "a", at=50),
        row("ancient", "deliveries", "a", at=1),
        row("filtered", "filtered", at=10),
    ]
    await store.apply(InboxOpen(rows))
    await store.apply(WorkCreate([item("known", reason="missing")]))
    await deliver(store, "done", "a", "discarded")
    await deliver(store, "half", "a", "applied")
    await deliver(store, "half", "b", "waiting")
    names = [event for _, _, event in await store.apply(Overdue(50, since=5))]
    assert names == ["late", "half", "bus-open"]
    assert (await store.apply(Overdue(50)))[0] == ("sales", DAY, "ancient")


async def test_lately_counts_events_and_how_long_their_effects_took(store: Store) -> None:
    rows = [row("old", "deliveries", "erp", at=10), row("new", "deliveries", "erp", "crm", at=200)]
    await store.apply(
        InboxOpen([*rows, row("waits", "deliveries", "erp", at=300), row("again", segment="day", at=400)])
    )
    for event, sink, state, at in (
        ("old", "erp", "applied", 50), ("new", "erp", "applied", 260), ("new", "crm", "applied", 230),
        ("waits", "erp", "waiting", 350),
    ):  # fmt: skip
        key = LedgerKey(DAY, f"{event}/{sink}")
        await store.apply(LedgerClaim([ClaimRow(key, 1, "sales", sink, f"sales/{sink}", event)], "t", 0, 60.0))
        await store.apply(LedgerSettle([SettleRow(key, state)], "t", at))
    assert await store.apply(Lately("sales", 200)) == (2, [60, 30])
    assert await store.apply(Lately("sales", 10, most=2)) == (3, [60, 30])
    assert await store.apply(Lately("other", 0)) == (0, [])


# --- taken in and not heard of since ---------------------------------------------------------------------------------


def taken_in(event: str, at: int, route: str = "sales", day: str = DAY, what: str = "received") -> Entry:
    return Entry(at, day, event, event, route, what, detail=f"{event}.jsonl:1")


async def test_what_was_taken_in_and_never_decided_is_counted_and_named(store: Store) -> None:
    entries = [
        *(taken_in(event, at) for at, event in enumerate(("decided", "lost", "refused", "lost", "record"), 10)),
        taken_in("lost-too", 20),
        taken_in("routed-only", 20, what="routed"),
        taken_in("elsewhere", 20, route="stock"),
        taken_in("other-day", 20, day="2026-01-02"),
        taken_in("early", 1),
        taken_in("late", 50),
    ]
    await store.apply(JournalAppend(entries))
    await store.apply(InboxOpen([row("decided", "deliveries", "a", at=10), row("elsewhere", "filtered", at=10)]))
    await store.apply(WorkCreate([item("refused"), item("of-a-record", event_id="", subject="record")]))

    # `elsewhere` was decided by another route only, `refused` and `record` are work items
    assert await store.apply(Undecided(5, 50)) == [
        TakenIn("sales", "2026-01-02", 1, 1),
        TakenIn("sales", DAY, 5, 2),
        TakenIn("stock", DAY, 1, 1),
    ]
    assert await store.apply(UndecidedOf("sales", DAY, 5, 50, 9)) == [
        ("lost", "lost.jsonl:1"),
        ("lost-too", "lost-too.jsonl:1"),
    ]
    assert [event for event, _ in await store.apply(UndecidedOf("sales", DAY, 0, 99, 2))] == ["early", "lost"]
