"""Durable state of steps: groups of an aggregate, timers, and chained state.

A cut stores in one transaction, unique on (step, event id, output key), and the input is acked after it. What goes on
afterwards is published under a deterministic id, then the state is finished: a crash in between publishes the same id
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from engine.ports.store.base import Op


class GroupKey(NamedTuple):
    """One group of one aggregate step."""

    route: str
    step: str
    group: str


class Member(Struct, frozen=True):
    """One event in a group. `body` is what the aggregate keeps of it; `amount` exact decimal text.

    output_key   split keys of the frame: after a split one event may be several members
    """

    group: GroupKey
    day: str
    event_id: str
    body: bytes
    amount: str = ""
    at: int = 0
    output_key: str = ""


class Joined(Struct, frozen=True):
    """The answer for one member: the group's generation, its size now, and whether the event was already in it.

    group    where the event is counted; for a duplicate that may be another group than was asked for
    """

    generation: int
    size: int
    first_at: int
    duplicate: bool = False
    group: str = ""


class Full(NamedTuple):
    """When a member completes its group: at this size of it, with itself."""

    size: int
    cause: Literal["count", "trailer", "when"]


class GroupJoin(Op[list[Joined]], frozen=True):
    """Put members into the open generation of their group, opening one where none is (the first is 1).

    An event (with its output key) is in at most one group of a (route, step), for ever: joining again answers
    `duplicate` with the group and generation it is in, whatever has become of that since.

    full   for each member in turn when it completes its group, which is closed then (as of its `at`) before the next
           one joins; None: not by itself. Nothing for all of them where it is left out
    """

    members: Sequence[Member]
    full: Sequence[Full | None] = ()


class GroupClose(Op[bool], frozen=True):
    """Close a generation: it takes no more members. False when it is closed or gone already."""

    group: GroupKey
    generation: int
    cause: Literal["count", "time", "trailer", "when"]
    now: int
    required: bool = False


class GroupMembers(Op[list[Member]], frozen=True):
    """Members of a generation in the order they joined."""

    group: GroupKey
    generation: int
    reads = True


class GroupsClosed(Op[list[tuple[GroupKey, int]]], frozen=True):
    """Generations that are closed and not yet done: what has to be published (again)."""

    reads = True


class GroupDone(Op[None], frozen=True):
    """The group's event is published: bodies go, the fact that each event was counted stays."""

    group: GroupKey
    generation: int


class GroupsOpen(Op[list[tuple[GroupKey, int, int, int]]], frozen=True):
    """(group, generation, size, first_at) of open generations of a route; empty route = all."""

    route: str = ""
    reads = True


class Timer(Struct, frozen=True):
    """Something to do at `due` (UTC microseconds). `kind`: `delay` (go on after a step) or `group` (close a group)."""

    id: str
    due: int
    kind: Literal["delay", "group"]
    route: str
    step: str
    key: str
    generation: int = 0
    headers: str = "{}"
    body: bytes = b""


class TimerSet(Op[None], frozen=True):
    """Set timers; one with the same id that exists stays as it is, also after it was done (a copy sets nothing twice).

    The id of a `delay` timer is the id of the continuation it will publish, its key the id of the event.
    """

    timers: Sequence[Timer]


class TimersDue(Op[list[Timer]], frozen=True):
    """Due timers, oldest first."""

    now: int
    limit: int = 200
    reads = True


class TimerNext(Op[int], frozen=True):
    """When the next timer is due (UTC microseconds); 0 when there is none."""

    reads = True


class TimerDone(Op[None], frozen=True):
    """These were carried out. Idempotent."""

    ids: Sequence[str]


class Chain(Struct, frozen=True):
    """Chained state of one key: its version and value, and what was recorded for the asking event, if anything."""

    version: int
    value: bytes
    recorded: bytes | None = None


class ChainGet(Op[Chain], frozen=True):
    """Read the chain of `key` and the result recorded for `event_id`."""

    key: str
    event_id: str
    reads = True


class ChainPut(Op[bool], frozen=True):
    """Advance a chain from `version` and record `result` for the event.

    False when the version moved on or a result of this event is recorded already. A new chain is at version 0.
    """

    key: str
    event_id: str
    version: int
    value: bytes
    result: bytes
    required: bool = False
