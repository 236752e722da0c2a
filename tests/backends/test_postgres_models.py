"""PostgreSQL against the models the other stores are compared with: the ledger's machine, and figures of any rows."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from engine.backends.postgres import PostgresStore
from engine.core.clock import SystemClock
from engine.ports.store import Op, Store
from tests.backends.postgres_stores import SMALL
from tests.contracts import test_figures_property as figures
from tests.contracts import test_ledger_machine as machine
from tests.contracts.memory_store import MemoryStore
from tests.postgres_server import SCHEMA, emptied

pytestmark = pytest.mark.services


def store(dsn: str) -> PostgresStore:
    return PostgresStore(dsn, SystemClock(), schema=SCHEMA, **SMALL)


class TwoProcesses:
    """Each operation goes to one of two stores in turn."""

    def __init__(self, dsn: str) -> None:
        self._stores = [store(dsn), store(dsn)]

    async def open(self) -> None:
        for one in self._stores:
            await one.open()

    async def close(self) -> None:
        for one in self._stores:
            await one.close()

    async def apply(self, op: Op[Any]) -> Any:
        self._stores.reverse()
        return await self._stores[0].apply(op)

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        self._stores.reverse()
        return await self._stores[0].apply_all(*ops)


class PostgresLedger(machine.Ledger):
    def make(self) -> Store:
        return TwoProcesses(emptied())


def test_the_ledger_of_two_processes_is_as_its_model_says() -> None:
    few = settings(max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(PostgresLedger, settings=few)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 60))
def test_figures_agree_with_the_oracle(seed: int) -> None:
    rng = Random(seed)
    history, window = figures.world(rng), rng.choice(figures.WINDOWS)
    dsn = emptied()

    async def both() -> tuple[Any, Any]:
        found = await figures.figures_of(store(dsn), history, window)
        return found, await figures.figures_of(MemoryStore(), history, window)

    found, expected = asyncio.run(both())
    assert found == expected
