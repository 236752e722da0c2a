"""Operations of ports.store.steps about timers and chained state."""

from __future__ import annotations

from msgspec.structs import fields

from engine.backends.postgres.draft import Connection, Draft, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of, load_of
from engine.backends.postgres.table import BYTES, FLAG, INTEGER, TEXT, Table, columns
from engine.backends.postgres.text import plain, stored
from engine.ports.store.steps import Chain, ChainGet, ChainPut, Timer, TimerDone, TimerNext, TimersDue, TimerSet

_NAMES = tuple(field.name for field in fields(Timer))
_OTHERS = {"due": INTEGER, "generation": INTEGER, "body": BYTES}
_VALUES = {name: _OTHERS.get(name, TEXT) for name in _NAMES if name != "id"}
TIMER = Table("timer", {"id": TEXT}, {**_VALUES, "done": FLAG}, loaded=("done",))
CHAIN = Table("chain", {"key": TEXT}, {"version": INTEGER, "value": BYTES}, loaded=("version",))
RESULT = Table("chain_result", {"key": TEXT, "event_id": TEXT}, {"result": BYTES}, lock=False)
_DUE = f"SELECT {columns(_NAMES)} FROM timer WHERE NOT done AND due <= $1 ORDER BY due, id LIMIT $2"
_CHAIN = (
    "SELECT c.version, c.value, r.result FROM (SELECT $1::text AS key) AS g LEFT JOIN chain AS c ON c.key = g.key "
    "LEFT JOIN chain_result AS r ON r.key = g.key AND r.event_id = $2"
)

load, flush = load_of(TIMER, CHAIN, RESULT), flush_of(TIMER, CHAIN, RESULT)


def _want_timers(draft: Draft, op: TimerSet) -> None:
    want(TIMER, draft, [(timer.id,) for timer in op.timers])


def _want_ids(draft: Draft, op: TimerDone) -> None:
    want(TIMER, draft, [(name,) for name in op.ids])


def _want_chain(draft: Draft, op: ChainPut) -> None:
    want(CHAIN, draft, [(op.key,)])
    want(RESULT, draft, [(op.key, op.event_id)])


def set_timers(draft: Draft, op: TimerSet) -> None:
    timers = draft.of(TIMER)
    for timer in op.timers:
        if timers.get((timer.id,)) is None:
            timers.add((timer.id,), {**{name: getattr(timer, name) for name in _VALUES}, "done": False})


def done(draft: Draft, op: TimerDone) -> None:
    timers = draft.of(TIMER)
    for name in op.ids:
        there = timers.get((name,))
        # The row stays: a copy of the event that comes later must not set the timer again.
        if there is not None and not there["done"]:
            timers.change((name,), done=True, headers="{}", body=b"")


def advance(draft: Draft, op: ChainPut) -> bool:
    chains, results = draft.of(CHAIN), draft.of(RESULT)
    there = chains.get((op.key,))
    version = 0 if there is None else there["version"]
    if version != op.version or results.get((op.key, op.event_id)) is not None:
        return False
    values = {"version": version + 1, "value": op.value}
    if there is None:
        chains.add((op.key,), values)
    else:
        chains.change((op.key,), **values)
    results.add((op.key, op.event_id), {"result": op.result})
    return True


async def due(connection: Connection, op: TimersDue) -> list[Timer]:
    return [Timer(*row) for row in plain(await connection.fetch(_DUE, op.now, op.limit))]


async def next_due(connection: Connection, op: TimerNext) -> int:
    found: int | None = await connection.fetchval("SELECT min(due) FROM timer WHERE NOT done")
    return found or 0


async def chain(connection: Connection, op: ChainGet) -> Chain:
    [(version, value, recorded)] = await connection.fetch(_CHAIN, stored(op.key), stored(op.event_id))
    return Chain(0, b"", recorded) if version is None else Chain(version, value, recorded)


WRITES: Writes = {
    TimerSet: Write(_want_timers, set_timers),
    TimerDone: Write(_want_ids, done),
    ChainPut: Write(_want_chain, advance),
}
READS: Directs = {TimersDue: due, TimerNext: next_due, ChainGet: chain}
