"""Operations of ports.store.leases."""

from __future__ import annotations

from engine.backends.postgres.draft import Connection, Draft, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of, load_of
from engine.backends.postgres.table import INTEGER, TEXT, Table
from engine.backends.postgres.text import stored, told
from engine.ports.store.leases import CursorGet, CursorSet, LeaseDrop, LeaseTake, SeenAdd, SeenGet

LEASE = Table(
    "lease",
    {"name": TEXT},
    {"owner": TEXT, "token": INTEGER, "until": INTEGER},
    loaded=("owner", "token", "until"),
)
CURSOR = Table("source_cursor", {"name": TEXT}, {"value": TEXT})
SEEN = Table("seen", {"source": TEXT, "key": TEXT}, {"at": INTEGER, "note": TEXT}, lock=False)

# A cursor stands behind its lease: who advances it has locked the lease whose token it compares.
load, flush = load_of(LEASE, CURSOR, SEEN), flush_of(LEASE, CURSOR, SEEN)


def _want_lease(draft: Draft, op: LeaseTake | LeaseDrop) -> None:
    want(LEASE, draft, [(op.name,)])


def _want_cursor(draft: Draft, op: CursorSet) -> None:
    want(LEASE, draft, [(op.name,)])
    want(CURSOR, draft, [(op.name,)])


def _want_seen(draft: Draft, op: SeenAdd) -> None:
    want(SEEN, draft, [(op.source, op.key)])


def take(draft: Draft, op: LeaseTake) -> int:
    leases, until = draft.of(LEASE), op.now + round(op.seconds * 1_000_000)
    there = leases.get((op.name,))
    if there is None:
        leases.add((op.name,), {"owner": op.owner, "token": 1, "until": until})
        return 1
    if there["owner"] != op.owner and there["until"] > op.now:
        return 0
    # Two things make a new owner: another name after the lease ran out, or anybody after it was dropped (owner '').
    token: int = there["token"] + (there["owner"] != op.owner)
    leases.change((op.name,), owner=op.owner, token=token, until=until)
    return token


def drop(draft: Draft, op: LeaseDrop) -> None:
    leases = draft.of(LEASE)
    there = leases.get((op.name,))
    if there is not None and there["owner"] == op.owner:
        leases.change((op.name,), owner="", until=0)


def advance(draft: Draft, op: CursorSet) -> bool:
    lease, cursors = draft.of(LEASE).get((op.name,)), draft.of(CURSOR)
    if lease is not None and op.token < lease["token"]:
        return False
    if cursors.get((op.name,)) is None:
        cursors.add((op.name,), {"value": op.value})
    else:
        cursors.change((op.name,), value=op.value)
    return True


def see(draft: Draft, op: SeenAdd) -> bool:
    seen_ones = draft.of(SEEN)
    if seen_ones.get((op.source, op.key)) is not None:
        return False
    seen_ones.add((op.source, op.key), {"at": op.now, "note": op.note})
    return True


async def cursor(connection: Connection, op: CursorGet) -> str:
    value: str | None = await connection.fetchval("SELECT value FROM source_cursor WHERE name = $1", stored(op.name))
    return told(value or "")


async def seen(connection: Connection, op: SeenGet) -> str | None:
    sql = "SELECT note FROM seen WHERE source = $1 AND key = $2"
    note: str | None = await connection.fetchval(sql, stored(op.source), stored(op.key))
    return None if note is None else told(note)


WRITES: Writes = {
    LeaseTake: Write(_want_lease, take),
    LeaseDrop: Write(_want_lease, drop),
    CursorSet: Write(_want_cursor, advance),
    SeenAdd: Write(_want_seen, see),
}
READS: Directs = {CursorGet: cursor, SeenGet: seen}
