"""Hand-overs: write there, see the durable receipt, and only then let go here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from engine.core.errors import StoreDown, TransportBlocked
from engine.ports.transport import Address, Outgoing, Topology
from engine.runtime.cell import Cell

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0

T = TypeVar("T")


async def publish(cell: Cell, batch: Sequence[Outgoing]) -> None:
    """Publish until all of it is durable, however long the transport takes. What is not confirmed is sent again."""
    left, pause = list(batch), FIRST_PAUSE
    with cell.blockage.publishing(cell.log) as publishing:
        while left:
            try:
                confirms = await cell.transport.publish(left)
            except TransportBlocked as blocked:
                publishing.blocked(str(blocked))
            else:
                missing = [
                    (out, confirm.problem) for out, confirm in zip(left, confirms, strict=True) if not confirm.ok
                ]
                left = [out for out, _ in missing]
                await _declare(cell, {out.to for out, problem in missing if problem == "unroutable"})
                if any(problem != "unroutable" for _, problem in missing):
                    publishing.blocked("the transport did not confirm")
            if left:
                await cell.clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)


async def _declare(cell: Cell, missing: set[Address]) -> None:
    """A lane whose queue is not there yet is made; what it is for waits until then."""
    queues = tuple(address for address in missing if address.kind != "event")
    if queues:
        cell.log("declaring queues that were missing", {"queues": " ".join(f"{a.kind}/{a.name}" for a in queues)})
        await cell.transport.declare(Topology(queues))


async def persist(cell: Cell, write: Callable[[], Awaitable[T]]) -> T:
    """Carry out a write of the Store, waiting while it is down. No attempt of anything counts meanwhile."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await write()
        except StoreDown:
            pass  # told once for all, see `reachable`
        await cell.clock.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
