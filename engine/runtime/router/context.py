"""What a step that waits may reach: calls, throttles, chained state. One `Contexts` a process, one view per event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from engine.compile.plan import Plan
from engine.core.errors import Transient
from engine.core.event import Event
from engine.core.jsonx import decode, written
from engine.plugins.contracts import CallRequest
from engine.plugins.fields import RateValue
from engine.plugins.frame import ChainState
from engine.ports.store.steps import Chain, ChainGet, ChainPut
from engine.runtime.cell import Cell
from engine.runtime.delivery.limits import TokenBucket
from engine.runtime.delivery.share import Share
from engine.runtime.router.effects import Effects

MOST_THROTTLES = 10_000


class Turns:
    """One throttle: turns in order of asking."""

    def __init__(self, rate: RateValue, cell: Cell, share: Share) -> None:
        self.rate = rate
        self._cell = cell
        self._bucket = TokenBucket(rate, cell.clock, share)
        self._lock = asyncio.Lock()

    @property
    def idle(self) -> bool:
        return not self._lock.locked() and self._bucket.wait() == 0.0

    async def turn(self) -> None:
        """Wait for a turn."""
        async with self._lock:
            while (wait := self._bucket.wait()) > 0:
                await self._cell.clock.sleep(wait)
            self._bucket.take()


class Chained:
    """The state of one key as a step sees it."""

    def __init__(self, chain: Chain) -> None:
        self.value = decode(chain.value) if chain.value else None
        self.recorded = decode(chain.recorded) if chain.recorded is not None else None
        self.next: tuple[Any, Any] | None = None

    def advance(self, value: Any, result: Any) -> None:
        self.next = (value, result)


class Contexts:
    """Makes what waiting steps of one event reach. Locks and throttles are shared by all routes."""

    def __init__(self, cell: Cell, effects: Effects, share: Share | None = None) -> None:
        self.cell = cell
        self.effects = effects
        self._share = share or Share(cell.clock)
        self._turns: dict[str, Turns] = {}
        # Each as long as somebody has it or waits for it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __call__(self, plan: Plan, event: Event) -> EventContext:
        return EventContext(self, plan, event)

    async def throttle(self, name: str, rate: RateValue) -> None:
        turns = self._turns.get(name)
        if turns is None or turns.rate != rate:
            if len(self._turns) >= MOST_THROTTLES:
                self._turns = {known: one for known, one in self._turns.items() if not one.idle}
            turns = self._turns[name] = Turns(rate, self.cell, self._share)
        await turns.turn()

    @asynccontextmanager
    async def chain(self, key: str, event_id: str) -> AsyncIterator[ChainState]:
        """State of `key` under its lock. Raises Transient `chain-moved` when another process advanced it meanwhile."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            chain = await self.cell.store.apply(ChainGet(key, event_id))
            state = Chained(chain)
            yield state
            if state.next is not None:
                await self._advance(key, event_id, chain, *state.next)

    async def _advance(self, key: str, event_id: str, chain: Chain, value: Any, result: Any) -> None:
        put = ChainPut(key, event_id, chain.version, written(value), written(result))
        if not await self.cell.store.apply(put):
            raise Transient("chain-moved", f"the state of `{key}` was advanced by somebody else")


class EventContext:
    """See plugins.frame.StepContext."""

    __slots__ = ("_contexts", "_event", "_plan", "blobs", "clock")

    def __init__(self, contexts: Contexts, plan: Plan, event: Event) -> None:
        self.clock = contexts.cell.clock
        self.blobs = contexts.cell.blobs
        self._contexts = contexts
        self._plan = plan
        self._event = event

    async def call(self, request: CallRequest) -> Any:
        return await self._contexts.effects.call(request, self._plan, self._event)

    async def throttle(self, name: str, rate: float, per: float) -> None:
        await self._contexts.throttle(name, RateValue(max(1, round(rate)), per))

    def state(self, key: str, event_id: str) -> AbstractAsyncContextManager[ChainState]:
        return self._contexts.chain(key, event_id)
