"""Completeness holds for any rows: SQL and the oracle in memory count alike, and nothing is unaccounted for."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from random import Random
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
from engine.ports.store.steps import GroupJoin, GroupKey, Member, Timer, TimerSet
from engine.ports.store.work import CONFLICT, WorkChange, WorkCreate, WorkItem
from tests.contracts.memory_store import MemoryStore

DAYS = ("2026-03-13", "2026-03-14")
ROUTES = ("sales", "stock")
EVENTS = ("a", "b", "c", "d")
SINKS = ("journal", "loyalty")
GROUPS = tuple(GroupKey(route, "by-store", name) for route in ROUTES for name in ("x", "y"))
CONTINUED = (*(continuation_id(*group, generation) for group in GROUPS for generation in (1, 2)), "t1", "t2")

LEDGER = [LedgerKey(day, f"d{number}") for day in DAYS for number in range(6)]
STATES: list[Any] = ["applied", "applied", "applied", "waiting", "held", "work_item", "discarded", "superseded"]
KINDS: list[Any] = ["deliveries", "deliveries", "filtered", "work_item", "step_state", "step_state"]
AMOUNTS = ["", "0.10", "-3.333", "1E+3", "99999999999999999999.99"]
WINDOWS: list[Any] = [{}, {}, {"route": "sales"}, {"since": DAYS[1]}, {"until": DAYS[0]}]


def world(rng: Random) -> list[Op[Any]]:
    """A store full of outcomes in every state, made by operations in a random order."""
    keys = [(route, EventKey(day, event)) for route in ROUTES for day in DAYS for event in (*EVENTS, *CONTINUED)]
    chosen = rng.sample(keys, rng.randint(1, len(keys)))
    history: list[Op[Any]] = [InboxOpen([_row(rng, route, key)]) for route, key in chosen]
    history += [_claimed_and_settled(rng, key) for key in LEDGER if rng.random() < 0.9]
    history += [GroupJoin([_member(rng)]) for _ in range(rng.randint(0, 10))]
    history += [TimerSet([_timer(rng)]) for _ in range(rng.randint(0, 3))]
    items = [_item(rng, *rng.choice(chosen)) for _ in range(rng.randint(0, 6))]
    history += [WorkCreate([item]) for item in items]
    rng.shuffle(history)
    changes: list[Op[Any]] = [
        WorkChange(item.id, 1, rng.choice(["replayed", "resolved", "discarded"]), "", item.updated, required=False)
        for item in items
        if rng.random() < 0.6
    ]
    for route, key in rng.sample(chosen, rng.randint(0, len(chosen))):
        changes.append(rng.choice([InboxRouted(route, [key]), InboxDuplicates(route, [key]), InboxReplay(route, key)]))
    rng.shuffle(changes)
    return history + changes


def _row(rng: Random, route: str, key: EventKey) -> InboxRow:
    kind, amount, at = rng.choice(KINDS), rng.choice(AMOUNTS), rng.randint(0, 9)
    planned = [
        Planned(rng.choice(SINKS), *rng.choice(LEDGER), rng.choice(["lane", "lane", "lane", "bus"]))
        for _ in range(rng.choice([0, 1, 1, 2, 3]) if kind in ("deliveries", "step_state") else 0)
    ]
    return InboxRow(
        route, key, "plan", kind, tuple(planned), reason=f"because {at}", at=at, state=rng.choice(["open", "routed"]),
        amount=amount, currency="EUR" if amount else "", segment="by-store" if key.id in CONTINUED else "",
    )  # fmt: skip


def _claimed_and_settled(rng: Random, key: LedgerKey) -> Op[Any]:
    claim = ClaimRow(key, 1, "sales", "s", "e", "a")
    settle = SettleRow(key, rng.choice(STATES))
    return rng.choice([Both(claim, settle)] * 9 + [LedgerClaim([claim], "t", 0, 1.0)])


class Both(Op[Any], frozen=True):
    """A claim and its end, told apart again when the history is run."""

    claim: ClaimRow
    settle: SettleRow

    @property
    def ops(self) -> tuple[LedgerClaim, LedgerSettle]:
        return LedgerClaim([self.claim], "t", 0, 1.0), LedgerSettle([self.settle], "t", 1)


def _member(rng: Random) -> Member:
    return Member(rng.choice(GROUPS), DAYS[0], rng.choice(EVENTS), b"", output_key=rng.choice(["", "1"]))


def _timer(rng: Random) -> Timer:
    event = rng.choice((*EVENTS, *CONTINUED[:-2]))  # also behind a group
    return Timer(rng.choice(["t1", "t2"]), 5, rng.choice(["delay", "delay", "group"]), rng.choice(ROUTES), "w", event)


def _item(rng: Random, route: str, key: EventKey) -> WorkItem:
    level: Any = rng.choice(["event", "delivery"])
    sink = rng.choice(SINKS) if level == "delivery" else ""
    updated = rng.randint(0, 99)
    name = f"{route}-{key.id}-{level}-{sink}-{updated}"
    event = rng.choice([key.id, key.id, *EVENTS])
    reason = rng.choice(["bad", "bad", CONFLICT])
    subject = rng.choice([key.id, f"{key.id}!another"]) if reason == CONFLICT else key.id
    return WorkItem(name, level, route, reason, subject, key.day, sink=sink, event_id=event, updated=updated)


async def figures_of(store: Store, history: list[Op[Any]], window: Any) -> tuple[list[Figures], list[Any]]:
    await store.open()
    for op in history:
        await store.apply_all(*(op.ops if isinstance(op, Both) else (op,)))
    figures, overdue = await store.apply(FiguresOf(**window)), await store.apply(Overdue(9, since=2))
    await store.close()
    return figures, overdue


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 60))
def test_figures_balance_and_agree_with_the_oracle(seed: int) -> None:
    rng = Random(seed)
    history, window = world(rng), rng.choice(WINDOWS)

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
        key = EventKey(DAYS[0], f"e{number}")
        kept = InboxRow("sales", key, "p", "step_state", state="routed", amount=f"{number}.10", currency="EUR")
        history += [InboxOpen([kept]), GroupJoin([Member(GROUPS[0], DAYS[0], f"e{number}", b"")])]
    total = InboxRow("sales", EventKey(DAYS[1], name), "p", "deliveries", segment="by-store", state="routed",
                     planned=(Planned("events", DAYS[1], "x", "bus"),))  # fmt: skip
    sqlite = SqliteStore(SqliteDatabase(":memory:", SystemClock()), SystemClock())
    figures, _ = asyncio.run(figures_of(sqlite, [*history, InboxOpen([total])], {}))
    expected = sum((Decimal(f"{number}.10") for number in range(count)), Decimal())
    assert [f.applied_amount for f in figures] == [{"EUR": expected}] * 2
