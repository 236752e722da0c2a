"""Operations of ports.store.ledger."""

from __future__ import annotations

from typing import Any

from engine.backends.postgres.draft import Connection, Draft, Rows, want
from engine.backends.postgres.ops.topic import Directs, Write, Writes, flush_of, load_of
from engine.backends.postgres.table import BYTES, INTEGER, TEXT, Key, Row, Table, columns
from engine.backends.postgres.text import plain, stored, stored_all
from engine.ports.store.ledger import (
    FINAL,
    Claim,
    ClaimRow,
    LedgerClaim,
    LedgerClose,
    LedgerFind,
    LedgerKey,
    LedgerOfEvent,
    LedgerRevive,
    LedgerRow,
    LedgerSettle,
    SettleRow,
)

_VALUES = {
    "state": TEXT, "attempt": INTEGER, "route": TEXT, "sink": TEXT, "effect": TEXT, "event_id": TEXT, "origin": TEXT,
    "guard": TEXT, "body": TEXT, "revision": INTEGER, "token": TEXT, "lease_until": INTEGER, "result": BYTES,
    "reason": TEXT, "amount": TEXT, "currency": TEXT, "at": INTEGER,
}  # fmt: skip
_LOOKED_AT = ("state", "attempt", "origin", "guard", "body", "revision", "token", "lease_until", "result")
LEDGER = Table("ledger", {"day": TEXT, "id": TEXT}, _VALUES, loaded=_LOOKED_AT)
_COLUMNS = columns(("day", "id", *_VALUES))
_FIND = f'SELECT {_COLUMNS} FROM ledger JOIN unnest($1::text[], $2::text[]) AS g ("day", "id") USING (day, id)'
_OF_EVENT = f"SELECT {_COLUMNS} FROM ledger WHERE event_id = $1 ORDER BY at, day, id"
_CLOSING = frozenset({"discarded", "superseded", "applied"})

load, flush = load_of(LEDGER), flush_of(LEDGER)


def _want_rows(draft: Draft, op: LedgerClaim | LedgerSettle) -> None:
    want(LEDGER, draft, [row.key for row in op.rows])


def _want_one(draft: Draft, op: LedgerRevive | LedgerClose) -> None:
    want(LEDGER, draft, [op.key])


def claiming(op: LedgerClaim) -> list[tuple[Key, Row]]:
    """What is written where nothing is there."""
    return [(row.key, _new(row, op, _until(op))) for row in op.rows]


def claimed(row: ClaimRow) -> Claim:
    """The answer where nothing was there."""
    return Claim("claimed", "inflight", row.attempt)


def _until(op: LedgerClaim) -> int:
    return op.now + round(op.lease * 1_000_000)


def claim(draft: Draft, op: LedgerClaim) -> list[Claim]:
    rows = draft.of(LEDGER)
    return [_claim(rows, row, op, _until(op)) for row in op.rows]


def _claim(rows: Rows, row: ClaimRow, op: LedgerClaim, until: int) -> Claim:
    there = rows.get(row.key)
    if there is None:
        rows.add(row.key, _new(row, op, until))
        return claimed(row)
    refused = _refusal(there, row, op.now)
    if refused is not None:
        return refused
    newer = row.revision > there["revision"]
    same_body = not there["body"] or there["body"] == row.body or newer
    body = there["body"] if there["body"] and not newer else row.body
    verdict: Any = "unknown" if there["state"] == "inflight" else "claimed"
    taken = {"attempt": row.attempt, "revision": row.revision, "body": body, "token": op.token, "lease_until": until}
    rows.change(row.key, state="inflight", **taken, at=op.now)
    return Claim(verdict, "inflight", row.attempt, result=there["result"], same_body=same_body)


def _new(row: ClaimRow, op: LedgerClaim, until: int) -> Row:
    return {
        "state": "inflight", "attempt": row.attempt, "route": row.route, "sink": row.sink, "effect": row.effect,
        "event_id": row.event_id, "origin": row.origin, "guard": row.guard, "body": row.body,
        "revision": row.revision, "token": op.token, "lease_until": until, "result": b"", "reason": "",
        "amount": row.amount, "currency": row.currency, "at": op.now,
    }  # fmt: skip


def _refusal(there: Row, row: ClaimRow, now: int) -> Claim | None:
    """Why a row that exists cannot be claimed by this copy; None when it can."""

    def refused(verdict: Any, wait: float = 0.0) -> Claim:
        same_body = not there["body"] or there["body"] == row.body
        return Claim(verdict, there["state"], there["attempt"], wait, there["result"], same_body)

    if there["origin"] != row.origin and not (there["guard"] and there["guard"] == row.guard):
        return refused("conflict")
    if there["state"] in FINAL:
        return refused("final")
    if (row.revision, row.attempt) < (there["revision"], there["attempt"]):
        return refused("stale")
    if there["state"] == "inflight" and there["lease_until"] > now:
        return refused("busy", (there["lease_until"] - now) / 1_000_000)
    return None


def settle(draft: Draft, op: LedgerSettle) -> list[bool]:
    rows = draft.of(LEDGER)
    return [_settle(rows, row, op) for row in op.rows]


def _settle(rows: Rows, row: SettleRow, op: LedgerSettle) -> bool:
    there = rows.get(row.key)
    if there is None or there["state"] != "inflight" or there["token"] != op.token:
        return False
    ended: Row = {"state": row.state, "result": row.result, "reason": row.reason, "lease_until": 0, "at": op.now}
    if row.state == "waiting":
        ended["attempt"] = row.attempt or there["attempt"] + 1
    rows.change(row.key, **ended)
    return True


def revive(draft: Draft, op: LedgerRevive) -> int:
    rows = draft.of(LEDGER)
    there = rows.get(op.key)
    if there is None or there["state"] not in ("work_item", "held") or there["revision"] > op.revision:
        return 0
    attempt: int = there["attempt"] + 1
    body = "" if op.revision > there["revision"] else there["body"]
    rows.change(op.key, state="waiting", attempt=attempt, reason="", body=body, revision=op.revision, at=op.now)
    return attempt


def close(draft: Draft, op: LedgerClose) -> bool:
    if op.state not in _CLOSING:
        raise ValueError(f"a ledger row is closed as one of {', '.join(sorted(_CLOSING))}, not {op.state}")
    rows = draft.of(LEDGER)
    there = rows.get(op.key)
    if there is None or there["state"] not in ("work_item", "waiting", "held"):
        return False
    rows.change(op.key, state=op.state, reason=op.reason, at=op.now)
    return True


def _row(found: tuple[Any, ...]) -> LedgerRow:
    return LedgerRow(LedgerKey(found[0], found[1]), *found[2:])


async def find(connection: Connection, op: LedgerFind) -> dict[LedgerKey, LedgerRow]:
    days, ids = [key.day for key in op.keys], [key.id for key in op.keys]
    rows = map(_row, plain(await connection.fetch(_FIND, stored_all(days), stored_all(ids))))
    return {row.key: row for row in rows}


async def of_event(connection: Connection, op: LedgerOfEvent) -> list[LedgerRow]:
    return [_row(found) for found in plain(await connection.fetch(_OF_EVENT, stored(op.event_id)))]


WRITES: Writes = {
    LedgerClaim: Write(_want_rows, claim),
    LedgerSettle: Write(_want_rows, settle),
    LedgerRevive: Write(_want_one, revive),
    LedgerClose: Write(_want_one, close),
}
READS: Directs = {LedgerFind: find, LedgerOfEvent: of_event}
