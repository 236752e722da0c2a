"""What waiting steps reach: turns of a throttle, and chained state that remembers what it gave an event."""

from __future__ import annotations

import asyncio

import pytest

from engine.core.errors import Transient
from engine.plugins.fields import RateValue
from engine.ports.store.steps import ChainPut
from engine.runtime.router.context import Contexts
from tests.runtime.lab import bench, virtual


@virtual
async def test_a_throttle_gives_turns_at_its_rate_in_the_order_of_asking() -> None:
    async with bench() as made:
        contexts = Contexts(made.cell(), None)  # type: ignore[arg-type]
        turns: list[tuple[int, float]] = []

        async def ask(number: int) -> None:
            await contexts.throttle("route/step", RateValue(10, 1.0))
            turns.append((number, made.clock.monotonic()))

        await asyncio.gather(*(ask(number) for number in range(30)))
        assert [number for number, _ in turns] == list(range(30))
        for _, start in turns:
            assert sum(start <= at < start + 0.999 for _, at in turns) <= 10


@virtual
async def test_chained_state_is_advanced_once_for_an_event_and_gives_it_the_same_again() -> None:
    async with bench() as made:
        contexts = Contexts(made.cell(), None)  # type: ignore[arg-type]
        results = []
        for event in ("a", "b", "a"):
            async with contexts.chain("till-1", event) as state:
                if state.recorded is None:
                    state.advance((state.value or 0) + 1, {"number": (state.value or 0) + 1})
            async with contexts.chain("till-1", event) as state:
                results.append(state.recorded)
        assert results == [{"number": 1}, {"number": 2}, {"number": 1}]


@virtual
async def test_events_of_one_key_take_turns_at_its_state() -> None:
    async with bench() as made:
        contexts = Contexts(made.cell(), None)  # type: ignore[arg-type]

        async def one(event: str) -> None:
            async with contexts.chain("till-1", event) as state:
                value = state.value or 0
                await asyncio.sleep(1)
                state.advance(value + 1, value + 1)

        await asyncio.gather(*(one(str(number)) for number in range(5)))
        async with contexts.chain("till-1", "last") as state:
            assert state.value == 5


@virtual
async def test_state_another_process_advanced_meanwhile_is_tried_again() -> None:
    async with bench() as made:
        contexts = Contexts(made.cell(), None)  # type: ignore[arg-type]
        with pytest.raises(Transient, match="chain-moved"):
            async with contexts.chain("till-1", "a") as state:
                await made.store.apply(ChainPut("till-1", "b", 0, b"1", b"1"))
                state.advance(1, 1)


@virtual
async def test_a_step_that_fails_advances_nothing() -> None:
    async with bench() as made:
        contexts = Contexts(made.cell(), None)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError):
            async with contexts.chain("till-1", "a") as state:
                state.advance(1, 1)
                raise RuntimeError("the step failed")
        async with contexts.chain("till-1", "a") as state:
            assert state.value is None and state.recorded is None


@virtual
async def test_who_comes_while_a_turn_is_handed_over_waits_for_its_own() -> None:
    """The first one has let go and the second one has only just begun when others come."""
    async with bench() as made:
        contexts = Contexts(made.cell(), None)  # type: ignore[arg-type]

        async def one(event: str, comes: float) -> None:
            await asyncio.sleep(comes)
            async with contexts.chain("till-1", event) as state:
                value = state.value or 0
                await asyncio.sleep(1)
                state.advance(value + 1, value + 1)

        await asyncio.gather(*(one(str(number), comes) for number, comes in enumerate((0, 0.5, 1.5, 2.5))))
        async with contexts.chain("till-1", "last") as state:
            assert state.value == 4
