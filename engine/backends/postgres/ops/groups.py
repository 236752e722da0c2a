"""Operations of ports.store.steps about groups.

The row of a generation is its lock: who joins it, closes it or is done with it has it.
"""

from __future__ import annotations

from typing import Any

from engine.backends.postgres.draft import Connection, Draft, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes
from engine.backends.postgres.table import BYTES, INTEGER, TEXT, Table
from engine.backends.postgres.text import plain, stored, stored_all
from engine.core.ids import continuation_id
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

_GROUP = {"route": TEXT, "step": TEXT, "name": TEXT}
_GENERATION = {**_GROUP, "generation": INTEGER}
GENERATION = Table(
    "step_group",
    _GENERATION,
    {
        "state": TEXT,
        "cause": TEXT,
        "size": INTEGER,
        "first_at": INTEGER,
        "closed_at": INTEGER,
        "continuation": TEXT,
    },
    loaded=("state", "size", "first_at"),
)
MEMBER = Table(
    "member",
    {"route": TEXT, "step": TEXT, "event_id": TEXT, "output_key": TEXT},
    {"name": TEXT, "generation": INTEGER, "day": TEXT, "body": BYTES, "amount": TEXT, "at": INTEGER},
    loaded=("name", "generation"),
    lock=False,
)
_NEWEST = (
    "SELECT g.*, (SELECT max(generation) FROM step_group AS s "
    f"WHERE (s.route, s.step, s.name) = (g.route, g.step, g.name)) FROM {GENERATION.given(_GROUP)}"
)
_FORGET = (
    f"UPDATE member AS t SET body = '' FROM {GENERATION.given(_GENERATION)} "
    "WHERE (t.route, t.step, t.name, t.generation) = (g.route, g.step, g.name, g.generation)"
)
_MEMBERS = (
    "SELECT day, event_id, body, amount, at, output_key FROM member "
    "WHERE route = $1 AND step = $2 AND name = $3 AND generation = $4 ORDER BY number"
)
_CLOSED = "SELECT route, step, name, generation FROM step_group WHERE state = 'closed' ORDER BY closed_at, 1, 2, 3, 4"
_OPENED = (
    "SELECT route, step, name, generation, size, first_at FROM step_group "
    "WHERE state = 'open' AND ($1 = '' OR route = $1) ORDER BY first_at, 1, 2, 3"
)
_NEWEST_OF = "groups: newest generation"
_DONE = "groups: bodies to forget"


def _want_join(draft: Draft, op: GroupJoin) -> None:
    want(MEMBER, draft, map(_identity, op.members))
    draft.notes(_NEWEST_OF).update({tuple(member.group): 0 for member in op.members})


def _want_one(draft: Draft, op: GroupClose | GroupDone) -> None:
    want(GENERATION, draft, [(*op.group, op.generation)])


def _identity(member: Member) -> tuple[str, str, str, str]:
    return member.group.route, member.group.step, member.event_id, member.output_key


async def load(draft: Draft, connection: Connection) -> None:
    """Members by event, then the generations they are in, the newest ones, and those that are named."""
    newest = draft.notes(_NEWEST_OF)
    if newest:
        members = draft.of(MEMBER)
        await members.load(connection)
        want(GENERATION, draft, [(*key[:2], row["name"], row["generation"]) for key, row in members.items()])
        groups = [stored_all(list(parts)) for parts in zip(*newest, strict=True)]
        for route, step, name, generation in plain(await connection.fetch(_NEWEST, *groups)):
            if generation is not None:
                newest[route, step, name] = generation
                want(GENERATION, draft, [(route, step, name, generation)])
    if draft.touched(GENERATION):
        await draft.of(GENERATION).load(connection)


async def flush(draft: Draft, connection: Connection) -> None:
    for table in (GENERATION, MEMBER):
        if draft.touched(table):
            await draft.of(table).flush(connection, as_added=table is MEMBER)
    forgotten = draft.listed(_DONE)
    if forgotten:
        await connection.execute(_FORGET, *GENERATION.keys(forgotten))


def join(draft: Draft, op: GroupJoin) -> list[Joined]:
    full = op.full or [None] * len(op.members)
    return [_join(draft, member, when) for member, when in zip(op.members, full, strict=True)]


def _join(draft: Draft, member: Member, full: Full | None) -> Joined:
    members, generations, group = draft.of(MEMBER), draft.of(GENERATION), member.group
    there = members.get(_identity(member))
    if there is not None:
        row = generations.get((*group[:2], there["name"], there["generation"])) or {"size": 0, "first_at": 0}
        return Joined(there["generation"], row["size"], row["first_at"], duplicate=True, group=there["name"])
    generation, size, first_at = _open_generation(draft, member)
    generations.change((*group, generation), size=size + 1)
    if full is not None and size + 1 >= full.size:
        close(draft, GroupClose(group, generation, full.cause, member.at))
    facts: dict[str, Any] = {"day": member.day, "body": member.body, "amount": member.amount, "at": member.at}
    members.add(_identity(member), {"name": group.group, "generation": generation, **facts})
    return Joined(generation, size + 1, first_at, group=group.group)


def _open_generation(draft: Draft, member: Member) -> tuple[int, int, int]:
    """(number, size, time of the first member) of the generation that takes it, made if need be."""
    generations, place = draft.of(GENERATION), tuple(member.group)
    newest: int = draft.notes(_NEWEST_OF)[place]
    there = generations.get((*place, newest))
    if there is not None and there["state"] == "open":
        return newest, there["size"], there["first_at"]
    number = newest + 1
    times = {"first_at": member.at, "closed_at": 0}
    new = {"state": "open", "cause": "", "size": 0, **times, "continuation": continuation_id(*member.group, number)}
    generations.add((*place, number), new)
    draft.note(_NEWEST_OF, place, number)
    return number, 0, member.at


def close(draft: Draft, op: GroupClose) -> bool:
    generations, key = draft.of(GENERATION), (*op.group, op.generation)
    there = generations.get(key)
    if there is None or there["state"] != "open":
        return False
    generations.change(key, state="closed", cause=op.cause, closed_at=op.now)
    return True


def done(draft: Draft, op: GroupDone) -> None:
    generations, key = draft.of(GENERATION), (*op.group, op.generation)
    there = generations.get(key)
    if there is not None and there["state"] == "closed":
        generations.change(key, state="done")
        draft.append(_DONE, key)


async def members(connection: Connection, op: GroupMembers) -> list[Member]:
    rows = plain(await connection.fetch(_MEMBERS, *map(stored, op.group), op.generation))
    return [Member(op.group, *row) for row in rows]


async def closed(connection: Connection, op: GroupsClosed) -> list[tuple[GroupKey, int]]:
    return [(GroupKey(*row[:3]), row[3]) for row in plain(await connection.fetch(_CLOSED))]


async def opened(connection: Connection, op: GroupsOpen) -> list[tuple[GroupKey, int, int, int]]:
    rows = plain(await connection.fetch(_OPENED, stored(op.route)))
    return [(GroupKey(*row[:3]), row[3], row[4], row[5]) for row in rows]


WRITES: Writes = {
    GroupJoin: Write(_want_join, join),
    GroupClose: Write(_want_one, close),
    GroupDone: Write(_want_one, done),
}
READS: Directs = {GroupMembers: members, GroupsClosed: closed, GroupsOpen: opened}
