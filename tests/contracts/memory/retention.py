"""Retention in memory."""

from __future__ import annotations

from typing import Any

from engine.ports.store import retention
from engine.ports.store.ledger import FINAL

from .state import Memory


def days_kept(m: Memory, op: retention.DaysKept) -> list[tuple[str, str]]:
    rows = [*((row.route, row.key.day) for row in (*m.inbox.values(), *m.ledger.values()))]
    rows += [(item.route, item.day) for item in m.work.values()]
    rows += [(group.route, member.day) for (group, _), there in m.groups.items() for member in there.members]
    return sorted({(route, day) for route, day in rows if "" < day < op.day}, key=lambda one: (one[1], one[0]))


def _over(m: Memory, op: retention.DayForget) -> bool:
    inbox = [row for row in m.inbox.values() if row.route == op.route and row.key.day == op.day]
    ledger = [row for row in m.ledger.values() if row.route == op.route and row.key.day == op.day]
    items = [item for item in m.work.values() if item.route == op.route and item.day == op.day]
    groups = [
        there
        for (group, _), there in m.groups.items()
        if group.route == op.route and any(member.day == op.day for member in there.members)
    ]
    ids = {row.key.id for row in inbox}
    waiting = any(not done and t.route == op.route and t.key in ids for t, done in m.timers.values())
    unclaimed = any(p.via == "lane" and (p.day, p.delivery_id) not in m.ledger for row in inbox for p in row.planned)
    counted = any(row.segment for row in inbox) and any(
        row.route == op.route and row.key.day < op.day and row.kind == "step_state" for row in m.inbox.values()
    )
    return not (
        any(row.state == "open" or row.at >= op.before for row in inbox)
        or any(row.state not in FINAL or row.at >= op.before for row in ledger)
        or any(item.state == "open" or item.updated >= op.before for item in items)
        or any(there.state != "done" for there in groups)
        or waiting
        or unclaimed
        or counted
    )


def day_forget(m: Memory, op: retention.DayForget) -> int:
    if not _over(m, op):
        return 0
    gone = 0
    for table, place in ((m.inbox, "key"), (m.ledger, "key"), (m.work, "")):
        days = [(key, row, getattr(row, place).day if place else row.day) for key, row in table.items()]
        some = [key for key, row, day in days if row.route == op.route and day == op.day][: op.most]
        for key in some:
            table.drop(key)
        gone += len(some)
        if len(some) == op.most:
            return gone
    return gone + _members_forget(m, op)


def _members_forget(m: Memory, op: retention.DayForget) -> int:
    gone = 0
    for (group, generation), there in m.groups.items():
        if group.route != op.route:
            continue
        stay = tuple(member for member in there.members if member.day != op.day)
        gone += len(there.members) - len(stay)
        for member in set(there.members) - set(stay):
            m.membership.drop((group.route, group.step, member.event_id, member.output_key))
        m.groups.put((group, generation), there._replace(members=stay))
    return gone


def route_forget(m: Memory, op: retention.RouteForget) -> int:
    seen = [key for key, at in m.seen_at.items() if key[0] == op.route and at < op.before and key in m.seen]
    timers = [name for name, (t, done) in m.timers.items() if done and t.route == op.route and t.due < op.before]
    groups = [
        place
        for place, there in m.groups.items()
        if place[0].route == op.route and there.state == "done" and there.closed_at < op.before and not there.members
        if m.generations.get(place[0]) > place[1]
    ]
    for table, keys in ((m.seen, seen), (m.timers, timers), (m.groups, groups)):
        for key in keys:
            table.drop(key)
    return len(seen) + len(timers) + len(groups)


def blobs_named(m: Memory, op: retention.BlobsNamed) -> set[str]:
    timers = [timer for timer, done in m.timers.values() if not done]
    rows = [(row.headers, row.body) for row in (*m.held.values(), *timers, *m.work.values())]
    members = [("", member.body) for there in m.groups.values() for member in there.members]
    return retention.digests_in([*rows, *members])


HANDLERS: dict[type, Any] = {
    retention.DaysKept: days_kept,
    retention.DayForget: day_forget,
    retention.RouteForget: route_forget,
    retention.BlobsNamed: blobs_named,
}
