"""What one financial delivery wrote is not overwritten by another: the name it writes under is its own.

A sink whose action `replaces` what is there under a name is safe to repeat for one delivery. Two sales that differ in
something the name leaves out would meet there, and the first would be gone without a word.
"""

from __future__ import annotations

from functools import partial

from engine.core.errors import Failure, Permanent
from engine.ports.store.leases import SeenAdd, SeenGet
from engine.runtime.carrying.handover import persist
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.hand import InHand


async def taken(desk: Desk, one: InHand) -> Failure | None:
    """A refusal where the name belongs to another delivery; else it is this one's from now on."""
    name = _name(one)
    if name is None or one.plan is None or one.sink is None:
        return None
    route, key = one.plan.route, f"name {one.sink.effect} {name}"
    store, delivery = desk.cell.store, one.delivery.id
    if await persist(desk.cell, partial(store.apply, SeenAdd(route, key, desk.cell.clock.now(), delivery))):
        return None
    owner = await persist(desk.cell, partial(store.apply, SeenGet(route, key)))
    if owner == delivery:
        return None
    text = f"`{name}` was written for another event, and is not overwritten: not all parts of the key are in the name"
    return Permanent("name-taken", text, data={"name": name, "delivery": owner or ""})


def _name(one: InHand) -> str | None:
    """What it would overwrite. None where that is meant: `ordering: latest`, or a route that is not financial."""
    sink, plan, body = one.sink, one.plan, one.delivery.body
    if sink is None or plan is None or sink.action is None or not sink.action.replaces:
        return None
    if plan.criticality != "financial" or (sink.ordered is not None and sink.ordered.mode == "latest"):
        return None
    name = body.get(sink.action.replaces) if isinstance(body, dict) else None
    return name if isinstance(name, str) else None
