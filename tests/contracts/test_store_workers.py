"""What every store does with the rows that engine processes write about themselves."""

from __future__ import annotations

import pytest

from engine.ports.store import Store
from engine.ports.store.workers import WorkerBeat, WorkerGone, WorkerRow, WorkersSince

pytestmark = pytest.mark.anyio

A, B = WorkerRow("a", 1, 10, '{"state":"running"}'), WorkerRow("b", 2, 20, "{}")


async def test_live_ones_are_told_by_name(store: Store) -> None:
    await store.apply(WorkerBeat(B))
    await store.apply(WorkerBeat(A))
    assert await store.apply(WorkersSince(10)) == [A, B]
    assert await store.apply(WorkersSince(11)) == [B]
    assert await store.apply(WorkersSince(21)) == []


async def test_a_beat_takes_the_place_of_the_one_before(store: Store) -> None:
    later = WorkerRow("a", 1, 30, '{"state":"stopping"}')
    await store.apply_all(WorkerBeat(A), WorkerBeat(later))
    assert await store.apply(WorkersSince(0)) == [later]


async def test_who_has_ended_is_gone(store: Store) -> None:
    await store.apply(WorkerGone("nobody"))
    await store.apply_all(WorkerBeat(A), WorkerBeat(B))
    await store.apply(WorkerGone("a"))
    assert await store.apply(WorkersSince(0)) == [B]
