"""Cuts: what `aggregate` and `delay` keep becomes durable here, unique on (step, event), before the event is acked.

What goes on later is published by `continuations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.compile.plan import Segment
from engine.core.event import Event
from engine.core.ids import continuation_id, digest
from engine.core.outcome import Kept
from engine.ports.store import Op
from engine.ports.store.steps import GroupClose, GroupJoin, GroupKey, GroupsOpen, Joined, Member, Timer, TimerSet
from engine.runtime.cases import Case
from engine.runtime.codec import Routed, event_headers, kept_headers, pack
from engine.runtime.crash import point
from engine.runtime.handover import persist
from engine.runtime.shared import Shared

STATE, PLAN = "tf-state", "tf-plan"
Cause = Literal["count", "time", "trailer", "when"]


@dataclass(frozen=True, slots=True)
class Joining:
    """One member on its way into its group."""

    key: GroupKey
    kept: Kept
    member: Member


def timer_id(route: str, step: str, event: Event, output_key: str) -> str:
    """Identity of what goes on after a delay; the id of its timer and of its inbox row. After a split an event has
    several.
    """
    return continuation_id(route, step, f"{event.id}|{output_key}" if output_key else event.id)


async def keep(shared: Shared, cases: Sequence[Case]) -> None:
    """Store what the cuts of these cases keep. Repeating it changes nothing. Waits while the Store is down."""
    timers = [timer for case in cases for timer in _timers(shared, case)]
    joining = [joining for case in cases for joining in _joining(shared, case)]
    if timers:
        await persist(shared.cell, lambda: shared.cell.store.apply(TimerSet(timers)))
        point("timer-set")
    if joining:
        async with shared.joining:
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
    return replace(routed, event=event.with_data(data), schema=schema, kept="")


def _kept(case: Case, kind: str) -> Iterable[Kept]:
    return [kept for kept in case.outcome.kept if kept.kind == kind] if case.outcome is not None else []


def _timers(shared: Shared, case: Case) -> list[Timer]:
    return [_timer(shared, case, kept) for kept in _kept(case, "timer")]


def _timer(shared: Shared, case: Case, kept: Kept) -> Timer:
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
    )
    due = shared.now() + round(kept.due * 1_000_000)
    headers = kept_headers(continuation.headers())
    return Timer(row, due, "delay", route, kept.step, event.id, headers=headers, body=kept.body)


def _joining(shared: Shared, case: Case) -> list[Joining]:
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


def _packed(case: Case, kept: Kept) -> bytes:
    """What a group keeps of a member: who it was, which state it was kept in, and what the step keeps."""
    assert case.plan is not None and case.segment is not None
    headers = event_headers(case.event) | {STATE: case.segment.state_version, PLAN: case.plan.digest}
    return pack(headers, kept.body)


async def _join(shared: Shared, joining: Sequence[Joining]) -> None:
    """Join in rounds: a group that is complete is closed before the next member of its key joins."""
    store = shared.cell.store
    left = list(joining)
    sizes: dict[GroupKey, int] = {}
    if any(one.kept.size for one in left):
        rows = await persist(shared.cell, lambda: store.apply(GroupsOpen(left[0].key.route)))
        sizes = {key: size for key, _, size, _ in rows}
    while left:
        now, left = _round(left, sizes)
        members = [one.member for one in now]
        joined = await persist(shared.cell, lambda members=members: store.apply(GroupJoin(members)))  # type: ignore[misc]
        followed = _follow(shared, now, joined)
        if followed:
            await persist(shared.cell, lambda followed=followed: store.apply_all(*followed))  # type: ignore[misc]


def _round(left: Sequence[Joining], sizes: dict[GroupKey, int]) -> tuple[list[Joining], list[Joining]]:
    """Those that can join at once, and those behind a member that may complete its group."""
    now: list[Joining] = []
    later: list[Joining] = []
    full: set[GroupKey] = set()
    for one in left:
        if one.key in full:
            later.append(one)
            continue
        now.append(one)
        sizes[one.key] = sizes.get(one.key, 0) + 1
        if one.kept.close or (one.kept.size and sizes[one.key] >= one.kept.size):
            full.add(one.key)
            sizes[one.key] = 0
    return now, later


def _follow(shared: Shared, joining: Sequence[Joining], joined: Sequence[Joined]) -> list[Op[Any]]:
    """Close what is complete; set a timer for what is not."""
    ops: dict[str, Op[Any]] = {}
    for one, answer in zip(joining, joined, strict=True):
        key = one.key._replace(group=answer.group or one.key.group)
        name = digest("group", *key, answer.generation)
        cause: Cause | None = None
        if one.kept.close:
            cause = "when" if one.kept.close == "when" else "trailer"
        elif one.kept.size and answer.size >= one.kept.size:
            cause = "count"
        if cause is not None:
            ops[name] = GroupClose(key, answer.generation, cause, shared.now())
        elif one.kept.due and not isinstance(ops.get(name), GroupClose):
            due = answer.first_at + round(one.kept.due * 1_000_000)
            ops[name] = TimerSet([Timer(name, due, "group", key.route, key.step, key.group, answer.generation)])
    return list(ops.values())
