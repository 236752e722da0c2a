"""Operations of ports.store.inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.backends.postgres.draft import Connection, Draft, Rows, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of, load_of
from engine.backends.postgres.table import INTEGER, JSON, TEXT, Key, Row, Table, columns
from engine.backends.postgres.text import plain, stored, stored_all
from engine.core.jsonx import decode, encode
from engine.ports.store.inbox import (
    EventKey,
    InboxDuplicates,
    InboxFind,
    InboxOpen,
    InboxPlansInUse,
    InboxReplay,
    InboxRouted,
    InboxRow,
    Planned,
)

_VALUES = {
    "plan": TEXT, "kind": TEXT, "planned": JSON, "reason": TEXT, "replay": INTEGER, "state": TEXT, "origin": TEXT,
    "guard": TEXT, "body": TEXT, "amount": TEXT, "currency": TEXT, "at": INTEGER, "segment": TEXT,
    "caught": TEXT,
}  # fmt: skip
INBOX = Table("inbox", {"day": TEXT, "route": TEXT, "id": TEXT}, {**_VALUES, "duplicates": INTEGER},
              loaded=(*_VALUES, "duplicates"))  # fmt: skip
_DONE = frozenset({"filtered", "work_item"})
_FIND = (
    f'SELECT day, id, {columns(_VALUES)} FROM inbox JOIN unnest($2::text[], $3::text[]) AS g ("day", "id") '
    "USING (day, id) WHERE route = $1"
)
# From one plan to the next in the index: there are few, of very many rows each.
_PLANS = """
WITH RECURSIVE named (digest) AS (
  SELECT min("plan") FROM inbox WHERE "plan" <> ''
  UNION ALL
  SELECT (SELECT min("plan") FROM inbox WHERE "plan" > digest) FROM named WHERE digest IS NOT NULL
) SELECT digest FROM named WHERE digest IS NOT NULL
"""

load, flush = load_of(INBOX), flush_of(INBOX)


def _values(row: InboxRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _VALUES}
    values["planned"] = encode(row.planned).decode()
    if row.kind in _DONE:
        values["state"] = "routed"
    return values


def _row(route: str, key: EventKey, found: Mapping[str, Any]) -> InboxRow:
    values = {name: found[name] for name in _VALUES}
    values["planned"] = tuple(Planned(*one) for one in decode(found["planned"]))
    return InboxRow(route, key, **values)


def _want_rows(draft: Draft, op: InboxOpen) -> None:
    want(INBOX, draft, [_place(row.route, row.key) for row in op.rows])


def _want_keys(draft: Draft, op: InboxRouted | InboxDuplicates) -> None:
    want(INBOX, draft, [_place(op.route, key) for key in op.keys])


def _want_one(draft: Draft, op: InboxReplay) -> None:
    want(INBOX, draft, [_place(op.route, op.key)])


def _place(route: str, key: EventKey) -> Key:
    return key.day, route, key.id


def opening(op: InboxOpen) -> list[tuple[Key, Row]]:
    """What is written where nothing is there."""
    return [(_place(row.route, row.key), {**_values(row), "duplicates": 0}) for row in op.rows]


def open_rows(draft: Draft, op: InboxOpen) -> list[InboxRow | None]:
    rows = draft.of(INBOX)
    return [_open(rows, row) for row in op.rows]


def _open(rows: Rows, row: InboxRow) -> InboxRow | None:
    place = _place(row.route, row.key)
    there = rows.get(place)
    if there is None:
        rows.add(place, {**_values(row), "duplicates": 0})
        return None
    if there["plan"] or there["replay"] != row.replay:
        return _row(row.route, row.key, there)
    rows.change(place, **_values(row))
    return None


def routed(draft: Draft, op: InboxRouted) -> None:
    rows = draft.of(INBOX)
    for key in op.keys:
        there = rows.get(_place(op.route, key))
        # Without a plan it waits for a replay to be decided: a late confirm of the outcome before says nothing of it.
        if there is not None and there["plan"]:
            rows.change(_place(op.route, key), state="routed")


def replay(draft: Draft, op: InboxReplay) -> int:
    rows, place = draft.of(INBOX), _place(op.route, op.key)
    there = rows.get(place)
    if there is None or not (op.keep_plan or there["kind"] in op.kinds):
        return 0
    number: int = there["replay"] + 1
    rows.change(place, replay=number, state="open", plan=there["plan"] if op.keep_plan else "")
    return number


def duplicates(draft: Draft, op: InboxDuplicates) -> None:
    rows = draft.of(INBOX)
    for key in op.keys:
        there = rows.get(_place(op.route, key))
        if there is not None:
            rows.change(_place(op.route, key), duplicates=there["duplicates"] + 1)


async def find(connection: Connection, op: InboxFind) -> dict[EventKey, InboxRow]:
    days, ids = [key.day for key in op.keys], [key.id for key in op.keys]
    records = await connection.fetch(_FIND, stored(op.route), stored_all(days), stored_all(ids))
    found = {}
    for day, event_id, *values in plain(records):
        key = EventKey(day, event_id)
        found[key] = _row(op.route, key, dict(zip(_VALUES, values, strict=True)))
    return found


async def plans_in_use(connection: Connection, op: InboxPlansInUse) -> set[str]:
    return {plan for (plan,) in plain(await connection.fetch(_PLANS))}


WRITES: Writes = {
    InboxOpen: Write(_want_rows, open_rows),
    InboxRouted: Write(_want_keys, routed),
    InboxReplay: Write(_want_one, replay),
    InboxDuplicates: Write(_want_keys, duplicates),
}
READS: Directs = {InboxFind: find, InboxPlansInUse: plans_in_use}
