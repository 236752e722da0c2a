"""Completeness holds for any rows: SQL and the oracle in memory count alike, and nothing is unaccounted for."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends.sqlite import SqliteDatabase, SqliteStore
from engine.core.clock import SystemClock
from engine.core.ids import continuation_id
from engine.ports.store import Op, Store
from engine.ports.store.figures import Figures, FiguresOf, Overdue
from engine.ports.store.inbox import EventKey, InboxDuplicates, InboxOpen, InboxReplay, InboxRouted, InboxRow, Planned
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerKey, LedgerSettle, SettleRow
from engine.ports.store.steps import GroupClose, GroupJoin, GroupKey, Member, Timer, TimerSet
from engine.ports.store.work import WorkChange, WorkCreate, WorkItem
from tests.contracts.memory_store import MemoryStore

DAYS = ("2026-03-13", "2026-03-14")
ROUTES = ("sales", "stock")
EVENTS = ("a", "b", "c", "d")
SINKS = ("journal", "loyalty")
GROUPS = tuple(GroupKey(route, "by-store", name) for route in ROUTES for name in ("x", "y"))
CONTINUED = (*(continuation_id(*group, generation) for group in GROUPS for generation in (1, 2)), "t1", "t2")

days, routes, sinks = st.sampled_from(DAYS), st.sampled_from(ROUTES), st.sampled_from(SINKS)
ids = st.sampled_from(EVENTS + CONTINUED)
keys = st.builds(EventKey, days, ids)
deliveries = st.builds(
    lambda sink, day, number, via: Planned(sink, day, f"d{number}", via),
    sinks, days, st.integers(0, 5), st.sampled_from(["lane", "bus"]),
)  # fmt: skip
amounts = st.sampled_from(["", "0.10", "-3.333", "1E+3", "99999999999999999999.99"])


def _row(route: str, key: EventKey, kind: Any, planned: list[Planned], amount: str, routed: bool, at: int) -> InboxRow:
    segment = "by-store" if key.id in CONTINUED else ""
    has_deliveries = kind in ("deliveries", "step_state")
    return InboxRow(
        route, key, "plan", kind, tuple(planned) if has_deliveries else (), reason=f"because {at}", at=at,
        state="routed" if routed else "open", amount=amount, currency="EUR" if amount else "", segment=segment,
    )  # fmt: skip


kinds = st.sampled_from(["deliveries", "deliveries", "filtered", "work_item", "step_state", "step_state"])
rows = st.builds(_row, routes, keys, kinds, st.lists(deliveries, max_size=3), amounts, st.booleans(), st.integers(0, 9))
claims = st.builds(
    lambda day, number: LedgerClaim([ClaimRow(LedgerKey(day, f"d{number}"), 1, "r", "s", "e", "a")], "t", 0, 1.0),
    days, st.integers(0, 5),
)  # fmt: skip
settles = st.builds(
    lambda day, number, state: LedgerSettle([SettleRow(LedgerKey(day, f"d{number}"), state)], "t", 1),
    days, st.integers(0, 5),
    st.sampled_from(["applied", "applied", "waiting", "held", "work_item", "discarded", "superseded"]),
)  # fmt: skip
items = st.builds(
    lambda route, event, level, sink, at: WorkItem(
        f"{route}-{event}-{level}-{sink}", level, route, "bad", event, DAYS[0], sink=sink, event_id=event, updated=at
    ),
    routes, ids, st.sampled_from(["event", "delivery"]), st.sampled_from(["", *SINKS]), st.integers(0, 99),
)  # fmt: skip
changes = st.builds(
    lambda item, state: WorkChange(item.id, 1, state, "", item.updated, required=False),
    items, st.sampled_from(["replayed", "resolved", "discarded"]),
)  # fmt: skip
members = st.builds(lambda group, event, key: GroupJoin([Member(group, DAYS[0], event, b"", output_key=key)]),
                    st.sampled_from(GROUPS), ids, st.sampled_from(["", "1"]))  # fmt: skip
closes = st.builds(lambda group: GroupClose(group, 1, "time", 5), st.sampled_from(GROUPS))
timers = st.builds(
    lambda name, kind, route, event: TimerSet([Timer(name, 5, kind, route, "wait", event)]),
    st.sampled_from(["t1", "t2"]), st.sampled_from(["delay", "delay", "group"]), routes, st.sampled_from(EVENTS),
)  # fmt: skip
operations = st.one_of(
    st.builds(lambda row: InboxOpen([row]), rows),
    st.builds(lambda row: InboxOpen([row]), rows),
    st.builds(lambda route, key: InboxRouted(route, [key]), routes, keys),
    st.builds(lambda route, key: InboxDuplicates(route, [key]), routes, keys),
    st.builds(lambda route, key, keep: InboxReplay(route, key, keep), routes, keys, st.booleans()),
    st.builds(lambda item: WorkCreate([item]), items),
    claims, settles, settles, changes, members, closes, timers,
)  # fmt: skip
windows = st.sampled_from([{}, {"route": "sales"}, {"since": DAYS[1]}, {"until": DAYS[0]}])


def circular(history: list[Op[Any]]) -> bool:
    """A continuation that is itself kept by the cut it comes from: ids are digests, so that cannot happen for real."""
    kept = {m.event_id for op in history if isinstance(op, GroupJoin) for m in op.members}
    return bool(kept & set(CONTINUED))


async def figures_of(store: Store, history: list[Op[Any]], window: Any) -> tuple[list[Figures], list[Any]]:
    await store.open()
    for op in history:
        await store.apply(op)
    figures, overdue = await store.apply(FiguresOf(**window)), await store.apply(Overdue(9, since=2))
    await store.close()
    return figures, overdue


@settings(max_examples=150, deadline=None)
@given(st.lists(operations, min_size=5, max_size=60), windows)
def test_figures_balance_and_agree_with_the_oracle(history: list[Op[Any]], window: Any) -> None:
    history = [op for op in history if not circular([op])]

    async def both() -> tuple[Any, Any]:
        sqlite = SqliteStore(SqliteDatabase(":memory:", SystemClock()), SystemClock())
        return await figures_of(sqlite, history, window), await figures_of(MemoryStore(), history, window)

    (counted, overdue), (expected, expected_overdue) = asyncio.run(both())
    assert counted == expected
    assert overdue == expected_overdue
    for figures in counted:
        assert figures.balanced
        assert figures.filtered == sum(figures.filtered_by.values())
        if figures.sink:
            route = next(f for f in counted if f.route == figures.route and not f.sink)
            assert figures.received == route.received
            assert figures.received_amount == route.received_amount


@pytest.mark.parametrize("count", [1, 7])
def test_a_group_s_amount_is_the_sum_of_its_members(count: int) -> None:
    name = continuation_id(*GROUPS[0], 1)
    history: list[Op[Any]] = []
    for number in range(count):
        kept = _row("sales", EventKey(DAYS[0], f"e{number}"), "step_state", [], f"{number}.10", True, number)
        history += [InboxOpen([kept]), GroupJoin([Member(GROUPS[0], DAYS[0], f"e{number}", b"")])]
    total = InboxRow("sales", EventKey(DAYS[1], name), "p", "deliveries", segment="by-store", state="routed",
                     planned=(Planned("events", DAYS[1], "x", "bus"),))  # fmt: skip
    sqlite = SqliteStore(SqliteDatabase(":memory:", SystemClock()), SystemClock())
    figures, _ = asyncio.run(figures_of(sqlite, [*history, InboxOpen([total])], {}))
    expected = sum((Decimal(f"{number}.10") for number in range(count)), Decimal())
    assert [f.applied_amount for f in figures] == [{"EUR": expected}] * 2
