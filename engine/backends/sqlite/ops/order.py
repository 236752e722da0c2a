"""Operations of ports.store.order that give numbers, and `ordering: latest`."""

from __future__ import annotations

from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers, value
from engine.ports.store.order import Birth, LatestClaim, OrderNumber

_GIVEN = "SELECT number FROM order_number WHERE type = ? AND event_id = ?"
_NEXT = (
    "INSERT INTO order_counter VALUES (?, ?, 1) "
    "ON CONFLICT (type, order_key) DO UPDATE SET last = last + 1 RETURNING last"
)
_GIVE = "INSERT INTO order_number (type, event_id, day, order_key, number) VALUES (?, ?, ?, ?, ?)"
_LATEST = (
    "INSERT INTO latest VALUES (?, ?, ?) ON CONFLICT (fence, order_key) DO UPDATE SET version = excluded.version "
    "WHERE excluded.version >= latest.version"
)


def number(connection: Connection, op: OrderNumber) -> list[int]:
    return [_number(connection, birth) for birth in op.births]


def _number(connection: Connection, birth: Birth) -> int:
    given = value(connection, _GIVEN, birth.type_name, birth.event_id)
    if given is not None:
        return int(given)
    new = int(connection.execute(_NEXT, (birth.type_name, birth.order_key)).fetchall()[0][0])
    connection.execute(_GIVE, (birth.type_name, birth.event_id, birth.day, birth.order_key, new))
    return new


def latest(connection: Connection, op: LatestClaim) -> list[bool]:
    return [connection.execute(_LATEST, (op.fence, key, version)).rowcount == 1 for key, version in op.versions]


HANDLERS: Handlers = {OrderNumber: number, LatestClaim: latest}
