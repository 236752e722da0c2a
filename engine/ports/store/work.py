"""Work items: failed events waiting for a decision. The level says where a replay enters again.

record    ingress failed: the raw record, edited or not, enters ingress again
event     nothing was published: the current Plan routes it again under the same id
delivery  one effect failed: to that sink only

open --> replayed (its event moves again) | resolved (fixed elsewhere) | discarded (with a reason)
A replayed one whose event fails again is `open` again, with its history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from engine.ports.store.base import Op

CONFLICT = "idempotency-conflict"
Level = Literal["record", "event", "delivery"]
WorkState = Literal["open", "replayed", "resolved", "discarded"]


class WorkItem(Struct, frozen=True):
    """One failed event.

    id          short stable id derived from (level, route, sink, subject): one failure is one item
    subject     record: record id; event: event id; delivery: delivery id
    day         day part of the stored key of the subject
    reason, detail, data   of the Failure
    headers, body   what is replayed, as the transport carried it (record: the masked raw bytes in `body`)
    root        trace of the native record it descends from; completeness counts by it
    search      declared business keys, for finding it
    version     raised by each change; a change names the version it saw
    created, updated   UTC microseconds
    """

    id: str
    level: Level
    route: str
    reason: str
    subject: str
    day: str
    sink: str = ""
    event_id: str = ""
    event_type: str = ""
    owner: str = ""
    detail: str = ""
    data: str = "{}"
    headers: str = "{}"
    body: bytes = b""
    root: str = ""
    search: str = "{}"
    amount: str = ""
    currency: str = ""
    revision: str = ""
    attempts: int = 0
    edits: int = 0
    state: WorkState = "open"
    note: str = ""
    version: int = 1
    created: int = 0
    updated: int = 0

    @property
    def of_another_record(self) -> bool:
        """It is about a record that came under the key of an event which has its outcome; its subject is
        `<event id>!<origin>`. The event itself is counted by its outcome.
        """
        return self.reason == CONFLICT and self.level == "event" and "!" in self.subject


class WorkCreate(Op[list[str]], frozen=True):
    """Insert items; one with the same id that exists is opened again with the new facts. Answers their ids.

    Kept of the old one: `created`, `note`, the larger number of edits and of attempts; `version` is raised. Attempts of
    an event that was replayed are added to those before: they were counted from 1 again. Where the old one is `open`
    and was edited more often than the new one, its headers and body stay: a copy coming back undoes nobody's edit.
    """

    items: Sequence[WorkItem]


class WorkGet(Op[WorkItem | None], frozen=True):
    """One item by id or by a unique beginning of it."""

    id: str
    reads = True


class WorkFind(Op[list[WorkItem]], frozen=True):
    """Items by filter, newest first. `text` matches a search value, id or event id exactly. limit 0 = all."""

    states: Sequence[WorkState] = ("open",)
    route: str = ""
    reason: str = ""
    owner: str = ""
    text: str = ""
    limit: int = 0
    offset: int = 0
    reads = True


class WorkCount(Op[list[tuple[str, str, str, int]]], frozen=True):
    """(route, reason, state, count)."""

    reads = True


class Conflicts(Op[list[tuple[str, int]]], frozen=True):
    """(route, count) of open items about another record under the key of an event: completeness counts the event."""

    reads = True


class RecordsRefused(Op[list[tuple[str, int]]], frozen=True):
    """(route, count) of open items of level `record`: they are no events, so completeness does not count them."""

    reads = True


class WorkChange(Op[bool], frozen=True):
    """Move an item to a state and note why; False when `version` is not the stored one (nothing is changed).

    With `required` a False raises Fenced and undoes the unit it stands in.
    """

    id: str
    version: int
    state: WorkState
    note: str
    now: int
    required: bool = True


class WorkEdit(Op[bool], frozen=True):
    """Replace what will be replayed; counts an edit. False when `version` is not the stored one, or it is not open."""

    id: str
    version: int
    headers: str
    body: bytes
    note: str
    now: int
    required: bool = False
