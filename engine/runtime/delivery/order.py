"""Order per key: numbers given at birth, a fence in front of every ordered sink, and what is held there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

from engine.compile.plan import EventType, Plan, PlannedSink
from engine.core.errors import Permanent
from engine.core.event import Event
from engine.core.ids import digest, key_text
from engine.plugins.values import key_parts
from engine.ports.store.order import Birth, FenceOpen, FenceSettle, HeldReady, HeldRemove, HeldRow, OrderNumber
from engine.ports.transport import Address, Outgoing
from engine.runtime.carrying.codec import Delivery, kept_headers, read_headers
from engine.runtime.carrying.handover import persist, publish
from engine.runtime.cell import Cell
from engine.runtime.router.env import EventEnv


def fence_name(route: str, sink: str) -> str:
    """Each ordered sink has a fence of its own."""
    return f"{route}/{sink}"


def is_fenced(sink: PlannedSink) -> bool:
    """Its deliveries go through one after the other; `ordering: latest` has no fence, only versions."""
    return sink.ordered is not None and sink.ordered.mode == "key"


async def number(cell: Cell, born: Sequence[tuple[Event, EventType]]) -> list[Event]:
    """These events with their order key and number, where their type is ordered; one grouped write for all.

    An event that has a number keeps it; the source's own dense sequence is taken where the type declares one.
    Raises KeyIncomplete when a part of an order key is null, Permanent `bad-sequence`, StoreDown.
    """
    events = [event for event, _ in born]
    births: list[tuple[int, Birth]] = []
    for place, (event, type_) in enumerate(born):
        if type_.order_by is None or event.order_no:
            continue
        event = events[place] = _with_key(cell, event, type_)
        if not event.order_no:
            births.append((place, Birth(type_.name, event.order_key, event.day, event.id)))
    if births:
        numbers = await cell.store.apply(OrderNumber([birth for _, birth in births]))
        for (place, _), given in zip(births, numbers, strict=True):
            events[place] = replace(events[place], order_no=given)
    return events


def _with_key(cell: Cell, event: Event, type_: EventType) -> Event:
    assert type_.order_by is not None
    env = EventEnv(event, cell.clock)
    key = event.order_key or key_text(key_parts(type_.order_by, event.data, env))
    if type_.sequence is None:
        return replace(event, order_key=key)
    own = type_.sequence(event.data, env)
    if not isinstance(own, int) or isinstance(own, bool) or own < 1:
        raise Permanent("bad-sequence", f"the sequence of {type_.schema} must be a whole number from 1, it is {own!r}")
    return replace(event, order_key=key, order_no=own)


def skip_markers(plan: Plan, event: Event, selected: Collection[str]) -> list[Delivery]:
    """Markers for the fenced sinks of the Plan that get no delivery of this event: the fence goes on without one."""
    if not event.order_no:
        return []
    bare = event.with_data(None)
    return [
        Delivery(
            id=digest("skip", event.id, plan.route, sink.id),
            day=event.day,
            route=plan.route,
            sink=sink.id,
            effect=sink.effect,
            event=bare,
            body=None,
            skip=True,
        )
        for sink in plan.sinks
        if is_fenced(sink) and sink.id not in selected
    ]


async def open_fences(cell: Cell, plans: Iterable[Plan]) -> None:
    """Make the fences of these Plans exist; before the first event is numbered after a start."""
    for plan in plans:
        accepted = plan.source.accepts.name if plan.source.accepts else ""
        type_name = plan.source.event.partition("@")[0] or accepted
        if not type_name:
            continue
        for sink in plan.sinks:
            if is_fenced(sink):
                await cell.store.apply(FenceOpen(fence_name(plan.route, sink.id), type_name))


def held_row(delivery: Delivery, lane: str, body: bytes, now: int) -> HeldRow:
    """An early delivery as it is kept. `body` as the transport carried it."""
    return HeldRow(
        fence=fence_name(delivery.route, delivery.sink),
        order_key=delivery.event.order_key,
        number=delivery.event.order_no,
        day=delivery.day,
        delivery_id=delivery.id,
        lane=lane,
        headers=kept_headers(delivery.headers()),
        body=body,
        at=now,
    )


async def settled(cell: Cell, fence: str, numbers: Sequence[tuple[str, int]]) -> None:
    """These (order key, number) are settled at this fence: what waited for them goes back to its lane."""
    rows = await persist(cell, partial(cell.store.apply, FenceSettle(fence, numbers)))
    await release(cell, rows)


async def recover(cell: Cell) -> int:
    """Publish held ones whose turn had come when the process died. Answers how many."""
    rows = await cell.store.apply(HeldReady())
    await release(cell, rows)
    return len(rows)


async def release(cell: Cell, rows: Sequence[HeldRow]) -> None:
    """Publish held deliveries to their lanes again, then let go of them here."""
    if not rows:
        return
    await publish(cell, [Outgoing(Address("lane", row.lane), read_headers(row.headers), row.body) for row in rows])
    by_fence: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        by_fence.setdefault(row.fence, []).append((row.order_key, row.number))
    for fence, numbers in by_fence.items():
        await persist(cell, partial(cell.store.apply, HeldRemove(fence, numbers)))
