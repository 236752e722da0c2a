"""Killing a whole engine at any of its durable writes: before the write, or after it and before anybody knows."""

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
    on           instead of a number: what the write is like (the operations of the store, or what is published)
    """

    def __init__(
        self, at: int = 0, *, done_first: bool = False, on: Callable[[Sequence[Any]], bool] | None = None
    ) -> None:
        self.count = 0
        self._at = at
        self._done_first = done_first
        self._on = on
        self.struck = asyncio.Event()

    async def meet(self, write: Callable[[], Awaitable[Any]], what: Sequence[Any] = ()) -> Any:
        self.count += 1
        now = self.count == self._at or (self._on is not None and self._on(what))
        if now or self.struck.is_set():
            if now and self._done_first and not self.struck.is_set():
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
        made: list[Confirm] = await self._fate.meet(lambda: self._real.publish(batch), batch)
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

    def in_hand(self) -> dict[Address, int]:
        found: dict[Address, int] = self._real.in_hand()
        return found

    def problems(self) -> dict[str, str]:
        found: dict[str, str] = self._real.problems()
        return found


class FatedStore:
    """A store whose writes may be the last thing that happens."""

    def __init__(self, real: Any, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    async def apply(self, op: Op[Any]) -> Any:
        if op.reads:
            return await self._real.apply(op)
        return await self._fate.meet(lambda: self._real.apply(op), (op,))

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        made: list[Any] = await self._fate.meet(lambda: self._real.apply_all(*ops), ops)
        return made


async def kill(engine: Engine) -> None:
    """End an engine as a signal would: nothing is finished, written or handed back on purpose."""
    await asyncio.gather(engine._supervisor.stop(), engine.lanes.stop(0.0))


async def killed_life(made: Any, files: Any, fate: Fate, seconds: float = 120.0) -> None:
    """One life of an engine with a fate, ended by a kill."""
    real = made.transport, made.store
    made.transport, made.store = FatedTransport(made.transport, fate), FatedStore(made.store, fate)
    try:
        engine = made.engine(files)
    finally:
        made.transport, made.store = real
    starting = asyncio.create_task(engine.start())
    await asyncio.sleep(seconds)
    starting.cancel()
    await kill(engine)
