"""Operations of ports.store.audit."""

from __future__ import annotations

from sqlite3 import Connection

from msgspec.structs import astuple

from engine.backends.sqlite.ops.rows import Handlers, columns, insert, names
from engine.core.jsonx import encode
from engine.ports.store.audit import AuditAppend, AuditList, AuditRow, AuditVerify, chained

_NAMES = names(AuditRow)
_INSERT = insert("audit", _NAMES)
_NEWEST = f"SELECT {columns(_NAMES)} FROM audit ORDER BY seq DESC LIMIT ?"
_ABOUT = (
    f"SELECT {columns(_NAMES)} FROM audit WHERE target IN (SELECT value FROM json_each(?)) ORDER BY seq DESC LIMIT ?"
)
_ALL = f"SELECT {columns(_NAMES)} FROM audit ORDER BY seq"


def append(connection: Connection, op: AuditAppend) -> int:
    newest = connection.execute(_NEWEST, (1,)).fetchone()
    row = chained(op.row, AuditRow(*newest) if newest else None)
    connection.execute(_INSERT, astuple(row))
    return row.seq


def newest_first(connection: Connection, op: AuditList) -> list[AuditRow]:
    if op.targets:
        found = connection.execute(_ABOUT, (encode(list(op.targets)).decode(), op.limit))
    else:
        found = connection.execute(_NEWEST, (op.limit,))
    return [AuditRow(*row) for row in found]


def verify(connection: Connection, op: AuditVerify) -> int:
    before: AuditRow | None = None
    for found in connection.execute(_ALL):
        row = AuditRow(*found)
        if chained(row, before) != row:
            return row.seq
        before = row
    return 0


HANDLERS: Handlers = {AuditAppend: append, AuditList: newest_first, AuditVerify: verify}
