"""One try of deliveries at their sink: what leaves, under which lease, and what an exception means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from engine.core.errors import Failure, Fenced, Permanent, Throttled, Transient, TransportBlocked, UnknownOutcome
from engine.core.event import Event
from engine.core.ids import key_text
from engine.core.jsonx import encode
from engine.core.outcome import Output
from engine.plugins.contracts import ConnectorContext, Sent, Sink, SinkItem, SinkResult
from engine.plugins.values import key_parts
from engine.ports.store.tables import TablePut, TableRow
from engine.runtime.carrying.codec import Delivery, Routed
from engine.runtime.carrying.handover import persist
from engine.runtime.crash import point
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.hand import InHand
from engine.runtime.delivery.order import number
from engine.runtime.delivery.owning import taken
from engine.runtime.people.hiding import hidden
from engine.runtime.router.env import EventEnv
from engine.runtime.router.outcomes import child_event


class Tried(Struct, frozen=True):
    """How one try ended: a result, a failure, `superseded` by something newer, or `late`: nothing left in time."""

    result: Any = None
    failure: Failure | None = None
    superseded: bool = False
    late: bool = False


async def attempt(desk: Desk, group: Sequence[InHand], *, alone: bool = False) -> list[Tried]:
    """Try these (all of one sink) at once; one answer each, same order. Nothing but a cancellation is raised.

    alone   in quarantine, one at a time
    """
    sink = group[0].sink
    assert sink is not None
    try:
        if sink.event is not None:
            return [await _publish(desk, one) for one in group]
        if sink.table:
            return await _keep(desk, group)
        return await _deliver(desk, group, alone)
    except Exception as error:  # a defect of ours: what of these left is not known
        return [Tried(failure=classified(error, left=True))] * len(group)
    finally:
        point("sink-called")


def classified(error: BaseException, left: bool) -> Failure:
    """An exception as a Failure. `left`: the request may have left: what nobody classified is then unknown."""
    if isinstance(error, Failure):
        return error
    reason = "timed-out" if isinstance(error, TimeoutError) else "connector-error"
    detail = "no answer in time" if isinstance(error, TimeoutError) else f"the connector raised {type(error).__name__}"
    return UnknownOutcome(reason, detail) if left else Transient(reason, detail)


async def _deliver(desk: Desk, group: Sequence[InHand], alone: bool) -> list[Tried]:
    """Through the connector's Sink, those that may be there already asked for first."""
    first = group[0]
    assert first.sink is not None and first.sink.call is not None
    assert first.connection is not None and first.gate is not None
    try:
        async with first.gate.slots, desk.pool.sink(first.connection, first.sink.call.use) as sink:
            began = desk.cell.clock.monotonic()
            tried = await (_quarantined(desk, sink, group) if alone else _watched(desk, sink, group))
            for one in group:
                one.took = desk.cell.clock.monotonic() - began
    except Failure as failure:  # the connection could not be opened
        tried = [Tried(failure=failure)] * len(group)
    for failed in tried:
        if failed.failure is not None:
            hidden(failed.failure, first.connection)
    return tried


async def _watched(desk: Desk, sink: Sink, group: Sequence[InHand], *, alone: bool = False) -> list[Tried]:
    marks = [(one.delivery.id, one.delivery.attempt) for one in group]
    with desk.watch.executing(marks, alone=alone):
        return await _ask_and_send(desk, sink, group)


async def _quarantined(desk: Desk, sink: Sink, group: Sequence[InHand]) -> list[Tried]:
    async with desk.watch.turn:
        return await _watched(desk, sink, group, alone=True)


async def _ask_and_send(desk: Desk, sink: Sink, group: Sequence[InHand]) -> list[Tried]:
    answers = {
        place: Tried(failure=refused)
        for place, one in enumerate(group)
        if (refused := _outside(desk, one) or await taken(desk, one)) is not None
    }
    for place, one in enumerate(group):
        if place not in answers and one.maybe and one.sink is not None and one.sink.guarantee == "verify":
            found = await _verify(desk, sink, one)
            if found is not None:
                answers[place] = found
    left = [(place, one) for place, one in enumerate(group) if place not in answers]
    if left:
        made = await _send(desk, sink, [one for _, one in left])
        answers |= {place: tried for (place, _), tried in zip(left, made, strict=True)}
    return [answers[place] for place in range(len(group))]


def _outside(desk: Desk, one: InHand) -> Failure | None:
    """A refusal where the data of its country must not come to where the connection stands now."""
    zone, connection = desk.plans.residency(one.delivery.event.region), one.connection
    if not zone or connection is None or connection.zone == zone:
        return None
    country = one.delivery.event.region
    text = f"data of {country} must not leave `{zone}`; `{connection.name}` stands in `{connection.zone or 'no zone'}`"
    return Permanent("residency", text)


async def _verify(desk: Desk, sink: Sink, one: InHand) -> Tried | None:
    """Ask the system for an effect that may be there. None: it is not, so it can be sent."""
    assert one.sink is not None
    try:
        async with asyncio.timeout(one.sink.timeout):
            there = await sink.verify(_item(one), _context(desk, one, Sent()))
    except Throttled as failure:
        return Tried(failure=failure)
    except (Exception, SystemExit) as error:
        said = classified(error, left=True)
        return Tried(failure=UnknownOutcome(said.reason, f"whether it was applied cannot be told yet: {said.detail}"))
    if not isinstance(there, bool):  # None is what a forgotten `return` answers: sending again could double the effect
        text = f"whether it was applied cannot be told: the sink's verify answered {type(there).__name__}, not a bool"
        return Tried(failure=UnknownOutcome("connector-error", text))
    if there:
        return Tried()
    one.maybe = False
    return None


async def _send(desk: Desk, sink: Sink, group: Sequence[InHand]) -> list[Tried]:
    first = group[0]
    assert first.sink is not None
    sent = Sent(_lease_check(desk, min(one.deadline for one in group)))
    items = [_item(one) for one in group]
    try:
        async with asyncio.timeout(first.sink.timeout):
            results = await sink.deliver(items, _context(desk, first, sent))
        _check_answer(results, len(items))
    except Fenced:
        if sent.left:
            return [Tried(failure=UnknownOutcome("lease-over", "the lease ended while it was sent"))] * len(group)
        return [Tried(late=True)] * len(group)
    except (Exception, SystemExit) as error:  # a plugin that leaves must not take the engine along
        return [Tried(failure=classified(error, sent.left))] * len(group)
    return [_tried(result, sent.left) for result in results]


def _check_answer(results: Any, wanted: int) -> None:
    """A plugin may answer anything. Raises UnknownOutcome where nobody can tell which item it is about."""
    if not isinstance(results, list | tuple):
        text = f"the sink's deliver answered {type(results).__name__}, not a list with one SinkResult per item"
        raise UnknownOutcome("connector-error", text)
    if len(results) != wanted:
        raise UnknownOutcome("connector-error", f"the sink answered {len(results)} results for {wanted} items")


def _tried(result: Any, left: bool) -> Tried:
    if not isinstance(result, SinkResult):
        text = f"the sink's deliver answered {type(result).__name__} for this item, not a SinkResult"
        return Tried(failure=UnknownOutcome("connector-error", text))
    failure = result.failure
    if failure is None:
        return Tried(result.result)
    return Tried(failure=failure if isinstance(failure, Failure) else classified(failure, left))


def _lease_check(desk: Desk, deadline: float) -> Callable[[], None]:
    def check() -> None:
        if desk.cell.clock.monotonic() > deadline:
            raise Fenced("the lease is over; nothing was sent")

    return check


def _context(desk: Desk, one: InHand, sent: Sent) -> ConnectorContext:
    assert one.sink is not None
    return ConnectorContext(desk.cell.clock, desk.cell.log, sent, one.sink.timeout)


def _item(one: InHand) -> SinkItem:
    assert one.sink is not None and one.sink.call is not None
    delivery = one.delivery
    return SinkItem(
        key=delivery.key,
        request=delivery.body,
        action=one.sink.call.action,
        event_id=delivery.event.id,
        attempt=delivery.attempt,
        maybe_applied=one.maybe,
        headers=delivery.event.headers,
    )


async def _publish(desk: Desk, one: InHand) -> Tried:
    """An `event:` sink with a named effect: published under the event's own id, so a repeat is the same event."""
    try:
        event = await _event_to_publish(desk, one)
        confirms = await desk.cell.transport.publish([Routed(event).published()])
    except TransportBlocked as blocked:
        return Tried(failure=Throttled("transport-blocked", str(blocked), after=1.0))
    except Failure as failure:
        return Tried(failure=failure)
    if confirms[0].ok:
        return Tried({"event": event.id})
    if confirms[0].problem == "unroutable":
        text = f"no route takes {event.type}; write one that subscribes, then replay"
        return Tried(failure=Permanent("no-subscriber", text))
    return Tried(failure=Transient("not-confirmed", f"the transport answered {confirms[0].problem}"))


async def _event_to_publish(desk: Desk, one: InHand) -> Event:
    """The event an `event:` sink makes of a delivery, with the number of its key where its type is ordered."""
    sink, delivery = one.sink, one.delivery
    assert sink is not None and sink.event is not None
    output = Output(sink.id, delivery.output_key, delivery.body, delivery.schema)
    born = child_event(delivery.event, sink.event, output, sink.effect, desk.cell.clock).event
    (numbered,) = await persist(desk.cell, partial(number, desk.cell, [(born, sink.event)]))
    return numbered


async def _keep(desk: Desk, group: Sequence[InHand]) -> list[Tried]:
    """Rows of a `table:` sink, all in one write. A row older than what is there is superseded."""
    rows: list[TableRow] = []
    tried: dict[int, Tried] = {}
    for place, one in enumerate(group):
        try:
            rows.append(_table_row(desk, one))
        except Failure as failure:
            tried[place] = Tried(failure=failure)
    kept = iter(await persist(desk.cell, partial(desk.cell.store.apply, TablePut(rows))) if rows else [])
    return [tried[place] if place in tried else Tried(superseded=not next(kept)) for place in range(len(group))]


def _table_row(desk: Desk, one: InHand) -> TableRow:
    sink, delivery = one.sink, one.delivery
    assert sink is not None and sink.table_key is not None
    key = key_text(key_parts(sink.table_key, delivery.body, EventEnv(delivery.event, desk.cell.clock)))
    return TableRow(sink.table, key, encode(delivery.body), version_of(delivery))


def version_of(delivery: Delivery) -> int:
    """What tells a newer one from an older one: the sink's `version`, the order number, or else when it came in."""
    return delivery.version or delivery.event.order_no or delivery.event.time
