"""Publishing with patience: nothing is let go of before it is durable, nobody waits for what cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.errors import Transient, TransportBlocked
from engine.ports.transport import Outgoing
from engine.runtime.carrying.handover import FIRST_PAUSE, LONGEST_PAUSE
from engine.runtime.cell import Cell

Unroutable = set[int]


async def publish(cell: Cell, batch: Sequence[Outgoing], patience: float = 0.0) -> Unroutable:
    """Publish all of it durably; answers the places of those no queue takes, which are not published.

    patience   seconds after which Transient `transport-blocked` is raised, 0 = never. What was confirmed until then is
               published; publishing it again under the same ids is harmless.
    """
    left = list(range(len(batch)))
    unroutable: Unroutable = set()
    pause, began = FIRST_PAUSE, cell.clock.monotonic()
    with cell.blockage.publishing(cell.log) as publishing:
        while left:
            why = "the transport did not confirm"
            try:
                confirms = await cell.transport.publish([batch[place] for place in left])
            except TransportBlocked as blocked:
                why = str(blocked)
            else:
                answers = list(zip(left, confirms, strict=True))
                unroutable |= {place for place, confirm in answers if confirm.problem == "unroutable"}
                left = [place for place, confirm in answers if not confirm.ok and confirm.problem != "unroutable"]
            if not left:
                break
            publishing.blocked(why)
            if patience and cell.clock.monotonic() - began >= patience:
                raise Transient("transport-blocked", why)
            await cell.clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
    return unroutable
