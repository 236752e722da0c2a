"""Killing a whole engine at any of its durable writes: before the write is made, or after it and before anybody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine.ports.store import Op
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Receipt, Subscription, Topology
from engine.runtime.engine import Engine


class Fate:
    """Counts durable writes. The one with number `at` never answers, and nothing is written after it.

    done_first   that write is made all the same
    """

    def __init__(self, at: int = 0, *, done_first: bool = False) -> None:
        self.count = 0
        self._at = at
        self._done_first = done_first
        self.struck = asyncio.Event()

    async def meet(self, write: Callable[[], Awaitable[Any]]) -> Any:
        self.count += 1
        if self._at and self.count >= self._at:
            if self._done_first and self.count == self._at:
                await write()
            self.struck.set()
            await asyncio.Event().wait()
        return await write()


class FatedSubscription:
    """A subscription whose acks may be the last thing that happens."""

    def __init__(self, real: Subscription, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    async def receive(self, most: int) -> list[Receipt]:
        return await self._real.receive(most)

    async def ack(self, receipts: Sequence[Receipt]) -> None:
        await self._fate.meet(lambda: self._real.ack(receipts))

    async def release(self, receipts: Sequence[Receipt]) -> None:
        await self._real.release(receipts)

    async def close(self) -> None:
        await self._real.close()


class FatedTransport:
    """A transport whose publishes may be the last thing that happens."""

    def __init__(self, real: Any, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        if not batch:
            return []
        made: list[Confirm] = await self._fate.meet(lambda: self._real.publish(batch))
        return made

    async def subscribe(self, queue: Address, prefetch: int) -> FatedSubscription:
        return FatedSubscription(await self._real.subscribe(queue, prefetch), self._fate)

    async def declare(self, topology: Topology) -> None:
        await self._real.declare(topology)

    async def unbind(self, type_name: str, route: str) -> None:
        await self._real.unbind(type_name, route)

    async def depths(self) -> dict[Address, Depth]:
        found: dict[Address, Depth] = await self._real.depths()
        return found


class FatedStore:
    """A store whose writes may be the last thing that happens."""

    def __init__(self, real: Any, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    async def apply(self, op: Op[Any]) -> Any:
        if op.reads:
            return await self._real.apply(op)
        return await self._fate.meet(lambda: self._real.apply(op))

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        made: list[Any] = await self._fate.meet(lambda: self._real.apply_all(*ops))
        return made


async def kill(engine: Engine) -> None:
    """End an engine as a signal would: nothing is finished, written or handed back on purpose."""
    await asyncio.gather(engine._supervisor.stop(), engine.lanes.stop(0.0))
