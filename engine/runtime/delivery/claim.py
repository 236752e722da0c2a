"""Claiming deliveries in the ledger before anything leaves: one grouped write for many."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

from engine.core.errors import Failure, Permanent
from engine.ports.store.ledger import Claim, ClaimRow, LedgerClaim, LedgerKey
from engine.ports.store.order import FenceAdmit, FenceRow, LatestClaim
from engine.runtime.carrying.handover import persist
from engine.runtime.carrying.largebodies import missing
from engine.runtime.delivery import endings
from engine.runtime.delivery.attempt import version_of
from engine.runtime.delivery.desk import Desk
from engine.runtime.delivery.endings import Ending
from engine.runtime.delivery.hand import InHand
from engine.runtime.people.work import gave_up

START = 2.0  # seconds within which a claimed one has to be on its way
MARGIN = 1.0  # seconds between the end of the timeout and the end of the lease

Sorted = tuple[list[InHand], list[tuple[InHand, Ending]]]  # those that go on, and those that ended here


def reserve(one: InHand) -> float:
    """Seconds of the lease that must be left when a request leaves: its timeout and a margin.

    For `verify` also the time the system needs until it can tell: so an expired lease may be asked about at once.
    """
    if one.sink is None:
        return MARGIN
    quiet = one.sink.timeout + (one.sink.action.settle if one.sink.action else 0.0)
    return one.sink.timeout + MARGIN + (quiet if one.sink.guarantee == "verify" else 0.0)


async def admit(desk: Desk, batch: Sequence[InHand]) -> Sorted:
    """Those whose turn it is at their fence; early ones end in `held`."""
    fences: dict[str, list[InHand]] = {}
    for one in batch:
        if one.fenced and one.order is not None:
            fences.setdefault(one.order.fence, []).append(one)
    ended: list[tuple[InHand, Ending]] = []
    for fence, group in fences.items():
        rows = [FenceRow(one.delivery.event.order_key, one.number, one.delivery.day, one.delivery.id) for one in group]
        turns = await persist(desk.cell, partial(desk.cell.store.apply, FenceAdmit(fence, rows)))
        for one, turn in zip(group, turns, strict=True):
            one.past = turn == "past"
            if turn == "early":
                ended.append((one, endings.early(desk, one)))
    return _without(batch, ended), ended


async def claim(desk: Desk, batch: Sequence[InHand], token: str) -> Sorted:
    """Those that are ours to send now, with their deadlines set; the others ended."""
    if not batch:
        return [], []
    lease = START + max(map(reserve, batch))
    rows = [_row(one) for one in batch]
    began = 0.0

    async def write() -> list[Claim]:
        nonlocal began
        began = desk.cell.clock.monotonic()
        return await desk.cell.store.apply(LedgerClaim(rows, token, desk.cell.clock.now(), lease))

    claims = await persist(desk.cell, write)
    ended: list[tuple[InHand, Ending]] = []
    for one, answer in zip(batch, claims, strict=True):
        one.deadline = began + lease - reserve(one)
        ending = _looked_at(desk, one, answer)
        if ending is not None:
            ended.append((one, ending))
    return await _newest(desk, _without(batch, ended), ended)


def _looked_at(desk: Desk, one: InHand, answer: Claim) -> Ending | None:
    """None: it goes to its sink."""
    if answer.verdict not in ("claimed", "unknown"):
        return endings.unclaimed(desk, one, answer)
    if not answer.same_body:
        return endings.other_body(desk, one, answer)
    one.maybe = answer.verdict == "unknown" or answer.result == endings.DOUBT
    failure = _stopped(one, unknown=answer.verdict == "unknown")
    return None if failure is None else endings.given_up(desk, one, failure, doubt=one.maybe)


def _stopped(one: InHand, *, unknown: bool) -> Failure | None:
    """Why a claimed one is not sent but becomes a work item."""
    route, sink = one.delivery.route, one.delivery.sink
    if one.delivery.blob:
        return missing(one.delivery.blob)
    if one.poison:
        return Permanent("poison", "the process died twice while it was executed")
    if one.delivery.dead:
        return gave_up(one.delivery.dead)
    if one.sink is None or (one.sink.call is not None and one.connection is None):
        return Permanent("sink-gone", f"route `{route}` has no sink `{sink}` with a connection any more")
    if unknown and one.sink.guarantee == "at_most_once":
        text = "an earlier try may have had its effect, and this action must not be repeated"
        return Permanent("unknown-outcome", text)
    late = one.past and one.delivery.attempt == 1 and not one.delivery.output_key
    if late and not unknown:
        text = f"number {one.number} of key `{one.delivery.event.order_key}` came after the gap was closed without it"
        return Permanent("sequence-late", text)
    return None


async def _newest(desk: Desk, batch: list[InHand], ended: list[tuple[InHand, Ending]]) -> Sorted:
    """Of sinks with `ordering: latest`: those that something newer has overtaken end here."""
    fences: dict[str, list[tuple[InHand, int]]] = {}
    for one in batch:
        if one.order is None or one.fenced:
            continue
        fences.setdefault(one.order.fence, []).append((one, version_of(one.delivery)))
    for fence, group in fences.items():
        versions = [(one.order.order_key, version) for one, version in group if one.order is not None]
        answers = await persist(desk.cell, partial(desk.cell.store.apply, LatestClaim(fence, versions)))
        overtaken = (one for (one, _), newest in zip(group, answers, strict=True) if not newest)
        ended += [(one, endings.superseded(desk, one)) for one in overtaken]
    return _without(batch, ended), ended


def _row(one: InHand) -> ClaimRow:
    delivery, event = one.delivery, one.delivery.event
    return ClaimRow(
        key=LedgerKey(delivery.day, delivery.id),
        attempt=delivery.attempt,
        route=delivery.route,
        sink=delivery.sink,
        effect=delivery.effect,
        event_id=event.id,
        origin=event.origin,
        guard=event.guard,
        body=delivery.blob[:32] or hashlib.sha256(one.body()).hexdigest()[:32],
        revision=delivery.edits,
        amount=event.amount,
        currency=event.currency,
    )


def _without(batch: Sequence[InHand], ended: Sequence[tuple[InHand, Ending]]) -> list[InHand]:
    gone = {id(one) for one, _ in ended}
    return [one for one in batch if id(one) not in gone]
