"""Killing a worker at each of its awaits: before the thing is done, or after it is done and before anybody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from engine.ports.store import Op
from engine.ports.transport import Address, Confirm, Outgoing, Receipt, Subscription
from engine.runtime.cell import Cell
from engine.runtime.delivery.delivery import Worker
from engine.runtime.delivery.desk import Desk
from tests.runtime.support import LANE, Bench


class Crash:
    """Counts what the worker does and stops at number `at`, for ever: the test then cancels the worker."""

    def __init__(self, at: int, done_first: bool) -> None:
        self._left = at
        self._done_first = done_first
        self.happened = asyncio.Event()

    async def around(self, do: Callable[[], Awaitable[Any]]) -> Any:
        self._left -= 1
        if self._left != 0:
            return await do()
        if self._done_first:
            await do()
        self.happened.set()
        return await asyncio.Event().wait()


class CrashingSubscription:
    def __init__(self, real: Subscription, crash: Crash) -> None:
        self._real = real
        self._crash = crash

    async def receive(self, most: int) -> list[Receipt]:
        return await self._real.receive(most)

    async def ack(self, receipts: Sequence[Receipt]) -> None:
        await self._crash.around(lambda: self._real.ack(receipts))

    async def release(self, receipts: Sequence[Receipt]) -> None:
        await self._real.release(receipts)

    async def close(self) -> None:
        await self._real.close()


class CrashingTransport:
    def __init__(self, real: Any, crash: Crash) -> None:
        self._real = real
        self._crash = crash

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        answer: list[Confirm] = await self._crash.around(lambda: self._real.publish(batch))
        return answer

    async def subscribe(self, queue: Address, prefetch: int) -> CrashingSubscription:
        return CrashingSubscription(await self._real.subscribe(queue, prefetch), self._crash)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class CrashingStore:
    def __init__(self, real: Any, crash: Crash) -> None:
        self._real = real
        self._crash = crash

    async def apply(self, op: Op[Any]) -> Any:
        return await self._crash.around(lambda: self._real.apply(op))

    async def apply_all(self, *ops: Op[Any]) -> Any:
        return await self._crash.around(lambda: self._real.apply_all(*ops))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


async def run_with_crash(b: Bench, at: int, done_first: bool, lane: Address = LANE) -> bool:
    """Run a worker that dies at its `at`-th step, then run on without. False when it was done before that step.

    The outside system's requests count as steps too.
    """
    crash = Crash(at, done_first)
    cell = replace_ports(b.cell, crash)
    desk = Desk(cell, b.plans, b.pool, b.desk.journal, b.desk.watch, b.desk.rng)
    script = b.world.script

    async def crashing(item: Any, ctx: Any, apply: Callable[[], None]) -> Any:
        async def request() -> Any:
            if script is not None:
                return await script(item, ctx, apply)
            ctx.sent()
            apply()
            return {"ok": True}

        return await crash.around(request)

    b.world.script = crashing
    worker = Worker(desk, lane)
    task = asyncio.create_task(worker.run())
    died = await _dies_or_is_done(b, crash, lane)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    b.world.script = script
    await b.run_until_quiet(lane=lane)
    return died


async def _dies_or_is_done(b: Bench, crash: Crash, lane: Address) -> bool:
    while not crash.happened.is_set() and await b.left(lane):
        await b.clock.sleep(0.1)
    return crash.happened.is_set()


def replace_ports(cell: Cell, crash: Crash) -> Cell:
    return replace(cell, transport=CrashingTransport(cell.transport, crash), store=CrashingStore(cell.store, crash))  # type: ignore[arg-type]
