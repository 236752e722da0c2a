"""Order, groups, timers and chains in memory."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from engine.ports.store import order, steps

from .state import Memory


def number(m: Memory, op: order.OrderNumber) -> list[int]:
    return [_number(m, birth) for birth in op.births]


def _number(m: Memory, birth: order.Birth) -> int:
    given = m.numbers.get((birth.type_name, birth.event_id))
    if given is None:
        given = m.counters.get((birth.type_name, birth.order_key), 0) + 1
        m.counters.put((birth.type_name, birth.order_key), given)
        m.numbers.put((birth.type_name, birth.event_id), given)
    return int(given)


def fence_open(m: Memory, op: order.FenceOpen) -> None:
    if op.fence not in m.fences:
        m.fences.put(op.fence, op.type_name)
        for (type_name, key), last in m.counters.items():
            if type_name == op.type_name and (op.fence, key) not in m.positions:
                m.positions.put((op.fence, key), (last, last))


def fence_admit(m: Memory, op: order.FenceAdmit) -> list[str]:
    return [_admit(m, op.fence, row) for row in op.rows]


def _admit(m: Memory, fence: str, row: order.FenceRow) -> str:
    settled, _ = m.positions.get((fence, row.order_key), (0, 0))
    if row.number <= settled or (fence, row.order_key, row.number) in m.ahead:
        return "past"
    if row.number > settled + 1:
        return "early"
    m.positions.put((fence, row.order_key), (settled, row.number))
    return "go"


def fence_settle(m: Memory, op: order.FenceSettle) -> list[order.HeldRow]:
    for key, settled_now in op.numbers:
        settled, admitted = m.positions.get((op.fence, key), (0, 0))
        if settled_now > settled:
            m.ahead.put((op.fence, key, settled_now), True)
        while (op.fence, key, settled + 1) in m.ahead:
            settled += 1
            m.ahead.drop((op.fence, key, settled))
        m.positions.put((op.fence, key), (settled, admitted))
    keys = list(dict.fromkeys(key for key, _ in op.numbers))
    turns = [row for row in held_ready(m, order.HeldReady()) if row.fence == op.fence and row.order_key in keys]
    return sorted(turns, key=lambda row: (keys.index(row.order_key), row.number))


def held_add(m: Memory, op: order.HeldAdd) -> None:
    for row in op.rows:
        if (row.fence, row.order_key, row.number) not in m.held:
            m.held.put((row.fence, row.order_key, row.number), row)


def held_remove(m: Memory, op: order.HeldRemove) -> None:
    for key, number in op.numbers:
        m.held.drop((op.fence, key, number))


def held_ready(m: Memory, op: order.HeldReady) -> list[order.HeldRow]:
    ready = [row for (f, k, n), row in m.held.items() if n <= m.positions.get((f, k), (0, 0))[0] + 1]
    return sorted(ready, key=lambda row: (row.fence, row.order_key, row.number))


def fence_gaps(m: Memory, op: order.FenceGaps) -> list[order.Gap]:
    gaps = []
    for fence, key in sorted({(row.fence, row.order_key) for row in m.held.values()}):
        rows = [row for row in m.held.values() if (row.fence, row.order_key) == (fence, key)]
        settled, admitted = m.positions.get((fence, key), (0, 0))
        since, first = min(row.at for row in rows), min(row.number for row in rows)
        if since < op.before and first > settled + 1 and admitted < settled + 1:
            gaps.append(order.Gap(fence, key, settled + 1, len(rows), since))
    return sorted(gaps, key=lambda gap: gap.since)


def latest(m: Memory, op: order.LatestClaim) -> list[bool]:
    answers = []
    for key, version in op.versions:
        newest = version >= m.latest.get((op.fence, key), version)
        answers.append(newest)
        if newest:
            m.latest.put((op.fence, key), version)
    return answers


class _Group(NamedTuple):
    state: str
    members: tuple[steps.Member, ...]
    closed_at: int = 0


def join(m: Memory, op: steps.GroupJoin) -> list[steps.Joined]:
    full = op.full or [None] * len(op.members)
    return [_join(m, member, when) for member, when in zip(op.members, full, strict=True)]


def _join(m: Memory, member: steps.Member, full: steps.Full | None) -> steps.Joined:
    group = member.group
    identity = (group.route, group.step, member.event_id, member.output_key)
    duplicate = identity in m.membership
    if duplicate:
        group, generation = m.membership.get(identity)
    else:
        generation = m.generations.get(group, 0)
        if generation == 0 or m.groups.get((group, generation)).state != "open":
            generation += 1
            m.generations.put(group, generation)
            m.groups.put((group, generation), _Group("open", ()))
        there = m.groups.get((group, generation))
        m.groups.put((group, generation), there._replace(members=(*there.members, member)))
        m.membership.put(identity, (group, generation))
    members = m.groups.get((group, generation)).members
    if full is not None and not duplicate and len(members) >= full.size:
        group_close(m, steps.GroupClose(group, generation, full.cause, member.at))
    return steps.Joined(generation, len(members), members[0].at, duplicate, group.group)


def group_close(m: Memory, op: steps.GroupClose) -> bool:
    there = m.groups.get((op.group, op.generation))
    if there is None or there.state != "open":
        return False
    m.groups.put((op.group, op.generation), there._replace(state="closed", closed_at=op.now))
    return True


def group_members(m: Memory, op: steps.GroupMembers) -> list[steps.Member]:
    there = m.groups.get((op.group, op.generation))
    return list(there.members) if there else []


def groups_closed(m: Memory, op: steps.GroupsClosed) -> list[tuple[steps.GroupKey, int]]:
    closed = [(g.closed_at, place) for place, g in m.groups.items() if g.state == "closed"]
    return [place for _, place in sorted(closed)]


def group_done(m: Memory, op: steps.GroupDone) -> None:
    there = m.groups.get((op.group, op.generation))
    if there is not None and there.state == "closed":
        members = tuple(replace(member, body=b"") for member in there.members)
        m.groups.put((op.group, op.generation), there._replace(state="done", members=members))


def groups_open(m: Memory, op: steps.GroupsOpen) -> list[tuple[steps.GroupKey, int, int, int]]:
    found = [
        (group, generation, len(there.members), there.members[0].at)
        for (group, generation), there in m.groups.items()
        if there.state == "open" and op.route in ("", group.route)
    ]
    return sorted(found, key=lambda one: (one[3], one[0]))


def timer_set(m: Memory, op: steps.TimerSet) -> None:
    for timer in op.timers:
        if timer.id not in m.timers:
            m.timers.put(timer.id, (timer, False))


def _waiting(m: Memory) -> list[steps.Timer]:
    return sorted((timer for timer, done in m.timers.values() if not done), key=lambda timer: (timer.due, timer.id))


def timers_due(m: Memory, op: steps.TimersDue) -> list[steps.Timer]:
    return [timer for timer in _waiting(m) if timer.due <= op.now][: op.limit]


def timer_next(m: Memory, op: steps.TimerNext) -> int:
    waiting = _waiting(m)
    return waiting[0].due if waiting else 0


def timer_done(m: Memory, op: steps.TimerDone) -> None:
    for name in op.ids:
        if name in m.timers:
            m.timers.put(name, (m.timers.get(name)[0], True))


def chain_get(m: Memory, op: steps.ChainGet) -> steps.Chain:
    version, value = m.chains.get(op.key, (0, b""))
    return steps.Chain(version, value, m.recorded.get((op.key, op.event_id)))


def chain_put(m: Memory, op: steps.ChainPut) -> bool:
    version, _ = m.chains.get(op.key, (0, b""))
    if version != op.version or (op.key, op.event_id) in m.recorded:
        return False
    m.chains.put(op.key, (version + 1, op.value))
    m.recorded.put((op.key, op.event_id), op.result)
    return True


HANDLERS: dict[type, Any] = {
    order.OrderNumber: number,
    order.FenceOpen: fence_open,
    order.FenceAdmit: fence_admit,
    order.FenceSettle: fence_settle,
    order.HeldAdd: held_add,
    order.HeldRemove: held_remove,
    order.HeldReady: held_ready,
    order.FenceGaps: fence_gaps,
    order.LatestClaim: latest,
    steps.GroupJoin: join,
    steps.GroupClose: group_close,
    steps.GroupMembers: group_members,
    steps.GroupsClosed: groups_closed,
    steps.GroupDone: group_done,
    steps.GroupsOpen: groups_open,
    steps.TimerSet: timer_set,
    steps.TimersDue: timers_due,
    steps.TimerNext: timer_next,
    steps.TimerDone: timer_done,
    steps.ChainGet: chain_get,
    steps.ChainPut: chain_put,
}
