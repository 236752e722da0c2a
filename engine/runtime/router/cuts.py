"""Cuts: what `aggregate` and `delay` keep becomes durable here, unique on (step, event), before the event is acked.

What goes on later is published by `continuations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from msgspec import Struct, structs

from engine.compile.plan import Segment
from engine.core.event import Event
from engine.core.ids import continuation_id, digest
from engine.core.outcome import Kept
from engine.ports.store.steps import Full, GroupJoin, GroupKey, Joined, Member, Timer, TimerSet
from engine.runtime.carrying.codec import SCOPE, Routed, event_headers, kept_headers, pack
from engine.runtime.carrying.handover import persist
from engine.runtime.crash import point
from engine.runtime.router.routing import Routing
from engine.runtime.router.shared import Shared

STATE, PLAN = "tf-state", "tf-plan"


class Joining(Struct, frozen=True):
    """One member on its way into its group."""

    key: GroupKey
    kept: Kept
    member: Member


def timer_id(route: str, step: str, event: Event, output_key: str) -> str:
    """Identity of what goes on after a delay; the id of its timer and of its inbox row. After a split an event has
    several.
    """
    return continuation_id(route, step, f"{event.id}|{output_key}" if output_key else event.id)


async def keep(shared: Shared, cases: Sequence[Routing]) -> None:
    """Store what the cuts of these cases keep. Repeating it changes nothing. Waits while the Store is down."""
    timers = [timer for case in cases for timer in _timers(shared, case)]
    joining = [joining for case in cases for joining in _joining(shared, case)]
    if timers:
        await persist(shared.cell, lambda: shared.cell.store.apply(TimerSet(timers)))
        point("timer-set")
    if joining:
        await _join(shared, joining)
        point("group-joined")
    if timers or joining:
        shared.wake()


def resumed(routed: Routed, before: Segment, bodies: Sequence[bytes]) -> Routed:
    """What goes on after a cut, made of what it kept. Raises what the cut raises.

    A group's event has the type of what its cut makes; an event that was delayed keeps its own.
    """
    assert before.cut is not None
    data, schema = before.cut.resume(bodies)
    event = routed.event
    if schema and event.type.startswith("group/"):
        event = replace(event, type=schema)
    return structs.replace(routed, event=event.with_data(data), schema=schema, kept="")


def _kept(case: Routing, kind: str) -> Iterable[Kept]:
    return [kept for kept in case.outcome.kept if kept.kind == kind] if case.outcome is not None else []


def _timers(shared: Shared, case: Routing) -> list[Timer]:
    return [_timer(shared, case, kept) for kept in _kept(case, "timer")]


def _timer(shared: Shared, case: Routing, kept: Kept) -> Timer:
    assert case.plan is not None and case.segment is not None
    event, route = case.event.with_data(None), case.plan.route
    row = timer_id(route, kept.step, event, kept.output_key)
    continuation = Routed(
        event,
        segment=kept.step,
        plan=case.plan.digest,
        state=case.segment.state_version,
        output_key=kept.output_key,
        row=row,
        scope=case.routed.scope,
    )
    due = shared.now() + round(kept.due * 1_000_000)
    headers = kept_headers(continuation.headers())
    return Timer(row, due, "delay", route, kept.step, event.id, headers=headers, body=kept.body)


def _joining(shared: Shared, case: Routing) -> list[Joining]:
    if case.plan is None:
        return []
    made = []
    for kept in _kept(case, "group"):
        key = GroupKey(case.plan.route, kept.step, kept.key)
        event = case.event
        member = Member(
            key, event.day, event.id, _packed(case, kept), kept.amount, shared.now(), output_key=kept.output_key
        )
        made.append(Joining(key, kept, member))
    return made


def _packed(case: Routing, kept: Kept) -> bytes:
    """What a group keeps of a member: who it was, which state it was kept in, and what the step keeps."""
    assert case.plan is not None and case.segment is not None
    headers = event_headers(case.event) | {STATE: case.segment.state_version, PLAN: case.plan.digest}
    if case.routed.scope:
        headers[SCOPE] = case.routed.scope
    return pack(headers, kept.body)


async def _join(shared: Shared, joining: Sequence[Joining]) -> None:
    """All of them in one write, which closes a group that is complete before the next member of its key joins."""
    store = shared.cell.store
    join = GroupJoin([one.member for one in joining], [_full(one.kept) for one in joining])
    joined = await persist(shared.cell, lambda: store.apply(join))
    timers = _limits(joining, joined)
    if timers:
        await persist(shared.cell, lambda: store.apply(TimerSet(timers)))


def _full(kept: Kept) -> Full | None:
    if kept.close:
        return Full(1, "when" if kept.close == "when" else "trailer")
    return Full(kept.size, "count") if kept.size else None


def _limits(joining: Sequence[Joining], joined: Sequence[Joined]) -> list[Timer]:
    """Timers of groups that wait for more, and for their time to be over."""
    timers: dict[str, Timer] = {}
    for one, answer in zip(joining, joined, strict=True):
        key = one.key._replace(group=answer.group or one.key.group)
        name = digest("group", *key, answer.generation)
        full = _full(one.kept)
        if full is not None and answer.size >= full.size:
            timers.pop(name, None)
        elif one.kept.due:
            due = answer.first_at + round(one.kept.due * 1_000_000)
            timers[name] = Timer(name, due, "group", key.route, key.step, key.group, answer.generation)
    return list(timers.values())
