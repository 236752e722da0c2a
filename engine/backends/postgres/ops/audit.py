"""Operations of ports.store.audit. Whoever appends waits for the one before: each row holds the hash of the last."""

from __future__ import annotations

from typing import Any

from msgspec.structs import astuple, fields

from engine.backends.postgres.draft import Connection, Draft
from engine.backends.postgres.ops.topic import Directs, Write, Writes
from engine.backends.postgres.table import INTEGER, TEXT, Table, columns
from engine.backends.postgres.text import plain
from engine.ports.store.audit import AuditAppend, AuditList, AuditRow, AuditVerify, chained

_NAMES = tuple(field.name for field in fields(AuditRow))
_VALUES = {name: INTEGER if name == "at" else TEXT for name in _NAMES if name != "seq"}
AUDIT = Table("audit", {"seq": INTEGER}, _VALUES)
_TURN = "SELECT pg_advisory_xact_lock(hashtext('tillflow audit'), hashtext(current_schema()))"
_NEWEST = f"SELECT {columns(_NAMES)} FROM audit ORDER BY seq DESC LIMIT $1"
_ABOUT = f"SELECT {columns(_NAMES)} FROM audit WHERE target = ANY($2::text[]) ORDER BY seq DESC LIMIT $1"
_AFTER = f"SELECT {columns(_NAMES)} FROM audit WHERE seq > $1 ORDER BY seq LIMIT 1000"
_HEAD = "audit: newest row"


def _want(draft: Draft, op: AuditAppend) -> None:
    draft.notes(_HEAD)["row"] = None


async def load(draft: Draft, connection: Connection) -> None:
    head = draft.notes(_HEAD)
    if head:
        await connection.execute(_TURN)
        for found in plain(await connection.fetch(_NEWEST, 1)):
            head["row"] = AuditRow(*found)


async def flush(draft: Draft, connection: Connection) -> None:
    if draft.touched(AUDIT):
        await draft.of(AUDIT).flush(connection)


def append(draft: Draft, op: AuditAppend) -> int:
    row = chained(op.row, draft.notes(_HEAD)["row"])
    values: dict[str, Any] = dict(zip(_NAMES, astuple(row), strict=True))
    del values["seq"]
    draft.of(AUDIT).add((row.seq,), values)
    draft.note(_HEAD, "row", row)
    return row.seq


async def newest_first(connection: Connection, op: AuditList) -> list[AuditRow]:
    asked = (_ABOUT, op.limit, list(op.targets)) if op.targets else (_NEWEST, op.limit)
    return [AuditRow(*row) for row in plain(await connection.fetch(*asked))]


async def verify(connection: Connection, op: AuditVerify) -> int:
    before: AuditRow | None = None
    while found := plain(await connection.fetch(_AFTER, before.seq if before else 0)):
        for values in found:
            row = AuditRow(*values)
            if chained(row, before) != row:
                return row.seq
            before = row
    return 0


WRITES: Writes = {AuditAppend: Write(_want, append)}
READS: Directs = {AuditList: newest_first, AuditVerify: verify}
