"""Operations of ports.store.steps about timers and chained state."""

from __future__ import annotations

from sqlite3 import Connection

from msgspec.structs import astuple

from engine.backends.sqlite.ops.rows import Handlers, columns, insert, names, value
from engine.ports.store.steps import Chain, ChainGet, ChainPut, Timer, TimerDone, TimerNext, TimersDue, TimerSet

_NAMES = names(Timer)
_SET = insert("timer", _NAMES, "ON CONFLICT DO NOTHING")
_DUE = f"SELECT {columns(_NAMES)} FROM timer WHERE done = 0 AND due <= ? ORDER BY due, id LIMIT ?"


def set_timers(connection: Connection, op: TimerSet) -> None:
    connection.executemany(_SET, map(astuple, op.timers))


def due(connection: Connection, op: TimersDue) -> list[Timer]:
    return [Timer(*row) for row in connection.execute(_DUE, (op.now, op.limit))]


def next_due(connection: Connection, op: TimerNext) -> int:
    return int(value(connection, "SELECT min(due) FROM timer WHERE done = 0", default=0))


def done(connection: Connection, op: TimerDone) -> None:
    # The row stays: a copy of the event that comes later must not set the timer again.
    connection.executemany("UPDATE timer SET done = 1, headers = '{}', body = x'' WHERE id = ?", [(i,) for i in op.ids])


def chain(connection: Connection, op: ChainGet) -> Chain:
    version, content = connection.execute("SELECT version, value FROM chain WHERE key = ?", (op.key,)).fetchone() or (
        0,
        b"",
    )
    return Chain(version, content, _recorded(connection, op.key, op.event_id))


def _recorded(connection: Connection, key: str, event_id: str) -> bytes | None:
    found: bytes | None = value(
        connection, "SELECT result FROM chain_result WHERE key = ? AND event_id = ?", key, event_id
    )
    return found


def advance(connection: Connection, op: ChainPut) -> bool:
    version = value(connection, "SELECT version FROM chain WHERE key = ?", op.key, default=0)
    if version != op.version or _recorded(connection, op.key, op.event_id) is not None:
        return False
    connection.execute("INSERT OR REPLACE INTO chain VALUES (?, ?, ?)", (op.key, version + 1, op.value))
    connection.execute("INSERT INTO chain_result VALUES (?, ?, ?)", (op.key, op.event_id, op.result))
    return True


HANDLERS: Handlers = {
    TimerSet: set_timers,
    TimersDue: due,
    TimerNext: next_due,
    TimerDone: done,
    ChainGet: chain,
    ChainPut: advance,
}
