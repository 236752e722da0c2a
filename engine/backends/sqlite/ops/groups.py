"""Operations of ports.store.steps about groups."""

from __future__ import annotations

from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers
from engine.ports.store.steps import (
    Full,
    GroupClose,
    GroupDone,
    GroupJoin,
    GroupKey,
    GroupMembers,
    GroupsClosed,
    GroupsOpen,
    Joined,
    Member,
)

_ONE = "route = ? AND step = ? AND name = ? AND generation = ?"
_NEWEST = (
    "SELECT generation, state FROM grouping WHERE route = ? AND step = ? AND name = ? ORDER BY generation DESC LIMIT 1"
)
_OPEN = "INSERT INTO grouping VALUES (?, ?, ?, ?, 'open', '', 0, ?, 0)"
_JOIN = (
    "INSERT INTO member (route, step, name, generation, day, event_id, output_key, body, amount, at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_COUNT = f"UPDATE grouping SET size = size + 1 WHERE {_ONE} RETURNING size, first_at"
_WHERE_IT_IS = (
    "SELECT m.generation, g.size, g.first_at, m.name FROM member AS m "
    "JOIN grouping AS g USING (route, step, name, generation) "
    "WHERE m.route = ? AND m.step = ? AND m.event_id = ? AND m.output_key = ?"
)


def join(connection: Connection, op: GroupJoin) -> list[Joined]:
    full = op.full or [None] * len(op.members)
    return [_join(connection, member, when) for member, when in zip(op.members, full, strict=True)]


def _join(connection: Connection, member: Member, full: Full | None) -> Joined:
    group, identity = member.group, (member.event_id, member.output_key)
    there = connection.execute(_WHERE_IT_IS, (group.route, group.step, *identity)).fetchone()
    if there is not None:
        generation, size, first_at, name = there
        return Joined(generation, size, first_at, duplicate=True, group=name)
    generation = _open_generation(connection, member)
    values = (*group, generation, member.day, *identity, member.body, member.amount, member.at)
    connection.execute(_JOIN, values)
    [(size, first_at)] = connection.execute(_COUNT, (*group, generation)).fetchall()
    if full is not None and size >= full.size:
        close(connection, GroupClose(group, generation, full.cause, member.at))
    return Joined(generation, size, first_at, group=group.group)


def _open_generation(connection: Connection, member: Member) -> int:
    newest = connection.execute(_NEWEST, member.group).fetchone()
    if newest is not None and newest[1] == "open":
        return int(newest[0])
    generation = newest[0] + 1 if newest else 1
    connection.execute(_OPEN, (*member.group, generation, member.at))
    return int(generation)


def close(connection: Connection, op: GroupClose) -> bool:
    sql = f"UPDATE grouping SET state = 'closed', cause = ?, closed_at = ? WHERE {_ONE} AND state = 'open'"
    return connection.execute(sql, (op.cause, op.now, *op.group, op.generation)).rowcount == 1


def members(connection: Connection, op: GroupMembers) -> list[Member]:
    sql = f"SELECT day, event_id, body, amount, at, output_key FROM member WHERE {_ONE} ORDER BY number"
    return [Member(op.group, *row) for row in connection.execute(sql, (*op.group, op.generation))]


def closed(connection: Connection, op: GroupsClosed) -> list[tuple[GroupKey, int]]:
    sql = "SELECT route, step, name, generation FROM grouping WHERE state = 'closed' ORDER BY closed_at, 1, 2, 3, 4"
    return [(GroupKey(*row[:3]), row[3]) for row in connection.execute(sql)]


def done(connection: Connection, op: GroupDone) -> None:
    one = (*op.group, op.generation)
    if connection.execute(f"UPDATE grouping SET state = 'done' WHERE {_ONE} AND state = 'closed'", one).rowcount:
        connection.execute(f"UPDATE member SET body = x'' WHERE {_ONE}", one)


def open_groups(connection: Connection, op: GroupsOpen) -> list[tuple[GroupKey, int, int, int]]:
    sql = (
        "SELECT route, step, name, generation, size, first_at FROM grouping "
        "WHERE state = 'open' AND (? = '' OR route = ?) ORDER BY first_at, 1, 2, 3"
    )
    return [(GroupKey(*row[:3]), *row[3:]) for row in connection.execute(sql, (op.route, op.route))]


HANDLERS: Handlers = {
    GroupJoin: join,
    GroupClose: close,
    GroupMembers: members,
    GroupsClosed: closed,
    GroupDone: done,
    GroupsOpen: open_groups,
}
