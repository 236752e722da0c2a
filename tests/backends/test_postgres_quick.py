"""Groups that are one statement leave exactly what the same operations leave on their way over a Draft."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from engine.backends.postgres import PostgresStore, commit
from engine.backends.postgres.ops import quick
from engine.ports.store import Op
from engine.ports.store.inbox import EventKey, InboxOpen, InboxReplay, InboxRouted, InboxRow
from engine.ports.store.journal import Entry, JournalAppend
from engine.ports.store.ledger import ClaimRow, LedgerClaim, LedgerKey, LedgerRevive, LedgerSettle, SettleRow
from tests.backends.postgres_stores import opened
from tests.postgres_server import SCHEMA, emptied, fetch, server

pytestmark = [pytest.mark.anyio, pytest.mark.services]

DAY = "2026-03-14"
NAMES = ("1", "2", "3", "4", "nul\x00", "esc\x1b0")
ENDINGS = ("applied", "waiting", "work_item", "held")
COLUMNS = {"journal": ("at", "day", "event_id", "trace", "route", "what", "keys")}
Group = list[tuple[Op[Any], ...]]


def inbox(rng: random.Random) -> InboxOpen:
    rows = [InboxRow("r", EventKey(DAY, name), "plan", "deliveries", body=name) for name in some(rng)]
    return InboxOpen(rows)


def claim(rng: random.Random) -> LedgerClaim:
    rows = [ClaimRow(LedgerKey(DAY, name), rng.randint(1, 3), "r", "s", "books", name, "o", "g") for name in some(rng)]
    return LedgerClaim(rows, rng.choice("ab"), rng.randint(0, 5) * 1_000_000, 2.0)


def settle(rng: random.Random) -> LedgerSettle:
    rows = [SettleRow(LedgerKey(DAY, name), rng.choice(ENDINGS), rng.randint(0, 4), b"r", "why") for name in some(rng)]
    return LedgerSettle(rows, rng.choice("ab"), 9)


def routed(rng: random.Random) -> InboxRouted:
    return InboxRouted("r", [EventKey(DAY, name) for name in some(rng)])


def lines(rng: random.Random) -> JournalAppend:
    entries = [
        Entry(at, DAY, name, name, "r", "routed", keys={"receipt": rng.choice(NAMES)} if at % 2 else {})
        for at, name in enumerate(some(rng))
    ]
    return JournalAppend(entries)


def some(rng: random.Random) -> list[str]:
    return rng.sample(NAMES, rng.randint(1, 3))


def group(rng: random.Random) -> Group:
    """What several callers ask for at once: mostly of one kind."""
    kind = rng.choice([inbox, claim, settle, routed])
    kinds = [kind if rng.random() < 0.9 else rng.choice([inbox, claim]) for _ in range(rng.randint(1, 4))]
    units: Group = [
        (made(rng), lines(rng)) if made in (settle, routed) and rng.random() < 0.7 else (made(rng),) for made in kinds
    ]
    if rng.random() < 0.2:
        name = rng.choice(NAMES)
        units.append((LedgerRevive(LedgerKey(DAY, name), 1),))
        units.append((InboxReplay("r", EventKey(DAY, name), unsent=True),))
    return units


async def carried_out(store: PostgresStore, groups: Sequence[Group]) -> list[Any]:
    """The answers; each group is handed in at once, and one connection writes."""
    return [await asyncio.gather(*(store.apply_all(*unit) for unit in units)) for units in groups]


async def left_by(groups: Sequence[Group]) -> tuple[list[Any], dict[str, Any]]:
    """The answers, and the tables without what the database counts."""
    dsn = await asyncio.to_thread(emptied)
    async with opened(dsn, writers=1) as store:
        answers = await carried_out(store, groups)
    return answers, {name: await rows(name) for name in ("inbox", "ledger", "journal", "journal_key")}


async def rows(name: str) -> list[tuple[Any, ...]]:
    columns = ", ".join(COLUMNS.get(name, "*"))
    return sorted(map(tuple, await fetch(server(), f"SELECT {columns} FROM {SCHEMA}.{name}")), key=repr)


async def not_at_all(*_: Any) -> None:
    """No group is of a usual kind."""


@pytest.mark.parametrize("seed", range(12))
async def test_one_statement_leaves_what_the_usual_way_leaves(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    groups = [group(rng) for _ in range(40)]
    quickly = await left_by(groups)
    monkeypatch.setattr(quick, "opened", not_at_all)
    monkeypatch.setattr(quick, "closed", not_at_all)
    assert quickly == await left_by(groups)


async def test_most_of_what_an_event_needs_is_one_statement_each(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: Any) -> Any:
        raise AssertionError("this goes the long way")

    monkeypatch.setattr(commit, "_usual", refused)
    key, row = EventKey(DAY, "1"), LedgerKey(DAY, "1")
    line = JournalAppend([Entry(1, DAY, "1", "1", "r", "routed", keys={"receipt": "7"})])
    answers = await carried_out_alone(
        [
            (InboxOpen([InboxRow("r", key, "plan", "deliveries")]),),
            (InboxRouted("r", [key]), line),
            (LedgerClaim([ClaimRow(row, 1, "r", "s", "books", "1")], "t", 1, 2.0),),
            (LedgerSettle([SettleRow(row, "applied")], "t", 1), line),
        ]
    )
    assert [answer[0] for answer in answers][3] == [True]


async def carried_out_alone(units: Group) -> list[Any]:
    dsn = await asyncio.to_thread(emptied)
    async with opened(dsn, writers=1) as store:
        return [await store.apply_all(*unit) for unit in units]
