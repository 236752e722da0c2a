"""A transport that takes nothing: told once, told again when it takes, whoever waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from engine.core.errors import Transient, TransportBlocked
from engine.ports.transport import Address, Confirm, Outgoing, Topology
from engine.runtime.carrying import handover, publishing
from engine.runtime.cell import Cell
from tests.runtime.lab import Bench, bench, settle, virtual

TOLD, OVER = "the transport takes nothing; waiting", "the transport takes again what is published"


class Full:
    """A transport whose disk is full, or one of whose queues is."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.full = True
        self.refuses = ""
        self.tries = 0

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        self.tries += 1
        if self.full:
            raise TransportBlocked("the disk is full")
        if any(out.to.name == self.refuses for out in batch):
            return [Confirm(False, "refused") for _ in batch]
        return list(await self._real.publish(batch))


def one(name: str = "a") -> list[Outgoing]:
    return [Outgoing(Address("lane", name), {}, b"{}")]


async def blocked_cell(made: Bench) -> tuple[Cell, Full]:
    await made.transport.declare(Topology((Address("lane", "a"), Address("lane", "b"))))
    made.transport, real = Full(made.transport), made.transport
    cell, full = made.cell(), made.transport
    made.transport = real
    return cell, full


def told(made: Bench) -> list[str]:
    return [text for text, _ in made.lab.logged]


@pytest.mark.parametrize("publish", [handover.publish, publishing.publish])
@virtual
async def test_it_is_told_once_however_many_wait_and_again_when_it_takes(publish: Any) -> None:
    async with bench() as made:
        cell, full = await blocked_cell(made)
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(publish(cell, one()))
            await settle(120)
            assert full.tries > 30 and told(made) == [TOLD]
            full.full = False
        assert told(made) == [TOLD, OVER]
        full.full = True
        again = asyncio.create_task(publish(cell, one()))
        await settle(30)
        full.full = False
        await again
        assert told(made) == [TOLD, OVER, TOLD, OVER]


@virtual
async def test_one_queue_that_refuses_is_one_state_while_others_take() -> None:
    async with bench() as made:
        cell, full = await blocked_cell(made)
        full.full, full.refuses = False, "b"
        waiting = asyncio.create_task(handover.publish(cell, one("b")))
        for _ in range(10):
            await settle(10)
            await publishing.publish(cell, one("a"))
        assert told(made) == [TOLD]
        full.refuses = ""
        await waiting
        assert told(made) == [TOLD, OVER]


@virtual
async def test_who_gives_up_or_is_stopped_leaves_it_told_until_something_is_taken() -> None:
    async with bench() as made:
        cell, full = await blocked_cell(made)
        for _ in range(3):
            with pytest.raises(Transient, match="disk is full"):
                await publishing.publish(cell, one(), 5.0)
        stopped = asyncio.create_task(handover.publish(cell, one()))
        await settle(10)
        stopped.cancel()
        await asyncio.wait([stopped])
        assert told(made) == [TOLD]
        full.full = False
        await publishing.publish(cell, one())
        assert told(made) == [TOLD, OVER]
