"""Operations of ports.store.workers."""

from __future__ import annotations

from engine.backends.postgres.draft import Connection, Draft, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of, load_of
from engine.backends.postgres.table import INTEGER, TEXT, Table
from engine.backends.postgres.text import told
from engine.ports.store.workers import WorkerBeat, WorkerGone, WorkerRow, WorkersSince

WORKER = Table("worker", {"name": TEXT}, {"since": INTEGER, "at": INTEGER, "facts": TEXT})

load, flush = load_of(WORKER), flush_of(WORKER)


def _want_beat(draft: Draft, op: WorkerBeat) -> None:
    want(WORKER, draft, [(op.row.name,)])


def _want_gone(draft: Draft, op: WorkerGone) -> None:
    want(WORKER, draft, [(op.name,)])


def beat(draft: Draft, op: WorkerBeat) -> None:
    workers, row = draft.of(WORKER), {"since": op.row.since, "at": op.row.at, "facts": op.row.facts}
    if workers.get((op.row.name,)) is None:
        workers.add((op.row.name,), row)
    else:
        workers.change((op.row.name,), **row)


def gone(draft: Draft, op: WorkerGone) -> None:
    workers = draft.of(WORKER)
    if workers.get((op.name,)) is not None:
        workers.drop((op.name,))


async def since(connection: Connection, op: WorkersSince) -> list[WorkerRow]:
    rows = await connection.fetch("SELECT name, since, at, facts FROM worker WHERE at >= $1 ORDER BY name", op.at)
    return [WorkerRow(told(row["name"]), row["since"], row["at"], told(row["facts"])) for row in rows]


WRITES: Writes = {WorkerBeat: Write(_want_beat, beat), WorkerGone: Write(_want_gone, gone)}
READS: Directs = {WorkersSince: since}
