"""The ledger against a model, whatever happens in whatever order: one owner at a time, and never twice applied."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.backends.sqlite import SqliteDatabase, SqliteStore
from engine.core.clock import SystemClock
from engine.ports.store import Op, Store
from engine.ports.store.ledger import (
    FINAL,
    ClaimRow,
    LedgerClaim,
    LedgerClose,
    LedgerFind,
    LedgerKey,
    LedgerRevive,
    LedgerSettle,
    SettleRow,
)
from tests.contracts.memory_store import MemoryStore

KEYS = [LedgerKey("2026-03-14", f"d{n}") for n in range(3)]
LEASE = 10.0
SECOND = 1_000_000

keys = st.sampled_from(KEYS)
tokens = st.sampled_from(["worker-1", "worker-2"])
states = st.sampled_from(["waiting", "waiting", "held", "applied", "work_item", "discarded", "superseded"])


class Facts:
    """What the model knows of one row."""

    def __init__(self, attempt: int, revision: int) -> None:
        self.state, self.attempt, self.revision = "inflight", attempt, revision
        self.owner, self.until = "", 0
        self.applied = 0


class Ledger(RuleBasedStateMachine):
    """Runs on one backend; subclasses say which."""

    def make(self) -> Store:
        return MemoryStore()

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.store = self.make()
        self.runner.run(self.store.open())
        self.now = 0
        self.model: dict[LedgerKey, Facts] = {}

    def run(self, op: Op[Any]) -> Any:
        return self.runner.run(self.store.apply(op))

    @rule(seconds=st.sampled_from([1, 4, 11]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(key=keys, token=tokens, older=st.sampled_from([0, 0, 0, 1]), edited=st.sampled_from([0, 0, -1]))
    def a_copy_arrives(self, key: LedgerKey, token: str, older: int, edited: int) -> None:
        facts = self.model.get(key)
        attempt = max(1, facts.attempt - older) if facts else 1
        revision = max(0, facts.revision + edited) if facts else 0
        row = ClaimRow(key, attempt, "r", "s", "r/s", "e", origin="o", body=f"body-{revision}", revision=revision)
        [claim] = self.run(LedgerClaim([row], token, self.now, LEASE))
        assert claim.verdict == self.expected(facts, attempt, revision)
        if claim.verdict in ("claimed", "unknown"):
            facts = self.model.setdefault(key, Facts(attempt, revision))
            facts.state, facts.attempt, facts.owner = "inflight", attempt, token
            facts.until = self.now + round(LEASE * SECOND)
        elif claim.verdict == "busy" and facts:
            assert claim.wait * SECOND == facts.until - self.now > 0

    def expected(self, facts: Facts | None, attempt: int, revision: int) -> str:
        if facts is None:
            return "claimed"
        if facts.state in FINAL:
            return "final"
        if (revision, attempt) < (facts.revision, facts.attempt):
            return "stale"
        if facts.state == "inflight":
            return "busy" if facts.until > self.now else "unknown"
        return "claimed"

    @rule(key=keys, token=tokens, state=states)
    def a_worker_settles(self, key: LedgerKey, token: str, state: Any) -> None:
        facts = self.model.get(key)
        [moved] = self.run(LedgerSettle([SettleRow(key, state)], token, self.now))
        assert moved == (facts is not None and facts.state == "inflight" and facts.owner == token)
        if moved and facts:
            facts.state = state
            facts.attempt += state == "waiting"
            facts.applied += state == "applied"

    @rule(key=keys, edit=st.booleans())
    def a_person_replays(self, key: LedgerKey, edit: bool) -> None:
        facts = self.model.get(key)
        revision = facts.revision + edit if facts else 0
        number = self.run(LedgerRevive(key, self.now, revision))
        if facts is None or facts.state not in ("work_item", "held"):
            assert number == 0
            return
        facts.state, facts.attempt, facts.revision = "waiting", facts.attempt + 1, revision
        assert number == facts.attempt

    @rule(key=keys, state=st.sampled_from(["discarded", "superseded", "applied"]))
    def a_person_closes(self, key: LedgerKey, state: Any) -> None:
        facts = self.model.get(key)
        closed = self.run(LedgerClose(key, state, "by hand", self.now))
        assert closed == (facts is not None and facts.state in ("work_item", "waiting", "held"))
        if closed and facts:
            facts.state = state
            facts.applied += state == "applied"

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        found = self.run(LedgerFind(KEYS))
        assert {key: (row.state, row.attempt, row.revision) for key, row in found.items()} == {
            key: (facts.state, facts.attempt, facts.revision) for key, facts in self.model.items()
        }
        assert all(facts.applied <= 1 for facts in self.model.values())

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.store.close())
            self.runner.close()


class SqliteLedger(Ledger):
    def make(self) -> Store:
        return SqliteStore(SqliteDatabase(":memory:", SystemClock()), SystemClock())


QUICK = settings(max_examples=40, stateful_step_count=40, deadline=None)

TestMemoryLedger = Ledger.TestCase
TestMemoryLedger.settings = QUICK
TestSqliteLedger = SqliteLedger.TestCase
TestSqliteLedger.settings = QUICK
