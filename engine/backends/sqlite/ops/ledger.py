"""Operations of ports.store.ledger."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from engine.backends.sqlite.ops.rows import Handlers, columns, insert, names
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

_NAMES = names(LedgerRow, "key", ("day", "id"))
_INSERT = insert("ledger", _NAMES, "ON CONFLICT DO NOTHING")
_SELECT = f"SELECT {columns(_NAMES)} FROM ledger WHERE day = ? AND id = ?"
_OF_EVENT = f"SELECT {columns(_NAMES)} FROM ledger WHERE event_id = ? ORDER BY at, day, id"
_TAKE = (
    "UPDATE ledger SET state = 'inflight', attempt = ?, revision = ?, body = ?, token = ?, lease_until = ?, at = ? "
    "WHERE day = ? AND id = ?"
)
_SETTLE = (
    "UPDATE ledger SET state = ?, attempt = ?, result = ?, reason = ?, lease_until = 0, at = ? "
    "WHERE day = ? AND id = ? AND state = 'inflight' AND token = ?"
)
_SETTLE_SAME_ATTEMPT = _SETTLE.replace("attempt = ?", "attempt = attempt + ?")
_REVIVE = (
    "UPDATE ledger SET state = 'waiting', attempt = attempt + 1, reason = '', at = ?, "
    "body = CASE WHEN revision < ? THEN '' ELSE body END, revision = ? "
    "WHERE day = ? AND id = ? AND state IN ('work_item', 'held') AND revision <= ? RETURNING attempt"
)
_CLOSE = (
    "UPDATE ledger SET state = ?, reason = ?, at = ? "
    "WHERE day = ? AND id = ? AND state IN ('work_item', 'waiting', 'held')"
)
_CLOSING = frozenset({"discarded", "superseded", "applied"})


def _row(found: Sequence[object]) -> LedgerRow:
    day, delivery_id, *rest = found
    return LedgerRow(LedgerKey(day, delivery_id), *rest)  # type: ignore[arg-type]


def claim(connection: Connection, op: LedgerClaim) -> list[Claim]:
    until = op.now + round(op.lease * 1_000_000)
    return [_claim(connection, row, op, until) for row in op.rows]


def _claim(connection: Connection, row: ClaimRow, op: LedgerClaim, until: int) -> Claim:
    values = (
        *row.key, "inflight", row.attempt, row.route, row.sink, row.effect, row.event_id, row.origin, row.guard,
        row.body, row.revision, op.token, until, b"", "", row.amount, row.currency, op.now,
    )  # fmt: skip
    if connection.execute(_INSERT, values).rowcount:
        return Claim("claimed", "inflight", row.attempt)
    there = _row(connection.execute(_SELECT, row.key).fetchone())
    refused = refusal(there, row, op.now)
    if refused is not None:
        return refused
    same_body = not there.body or there.body == row.body or row.revision > there.revision
    body = there.body if there.body and row.revision == there.revision else row.body
    connection.execute(_TAKE, (row.attempt, row.revision, body, op.token, until, op.now, *row.key))
    unknown = there.state == "inflight"
    return Claim("unknown" if unknown else "claimed", "inflight", row.attempt, result=there.result, same_body=same_body)


def refusal(there: LedgerRow, row: ClaimRow, now: int) -> Claim | None:
    """Why a row that exists cannot be claimed by this copy; None when it can."""
    same_body = not there.body or there.body == row.body
    if there.origin != row.origin and not (there.guard and there.guard == row.guard):
        return Claim("conflict", there.state, there.attempt, result=there.result, same_body=same_body)
    if there.state in FINAL:
        return Claim("final", there.state, there.attempt, result=there.result, same_body=same_body)
    if (row.revision, row.attempt) < (there.revision, there.attempt):
        return Claim("stale", there.state, there.attempt, result=there.result, same_body=same_body)
    if there.state == "inflight" and there.lease_until > now:
        wait = (there.lease_until - now) / 1_000_000
        return Claim("busy", there.state, there.attempt, wait, there.result, same_body)
    return None


def settle(connection: Connection, op: LedgerSettle) -> list[bool]:
    return [_settle(connection, row, op) for row in op.rows]


def _settle(connection: Connection, row: SettleRow, op: LedgerSettle) -> bool:
    sql, attempt = _SETTLE_SAME_ATTEMPT, 0
    if row.state == "waiting":
        sql, attempt = (_SETTLE, row.attempt) if row.attempt else (_SETTLE_SAME_ATTEMPT, 1)
    values = (row.state, attempt, row.result, row.reason, op.now, *row.key, op.token)
    return connection.execute(sql, values).rowcount == 1


def revive(connection: Connection, op: LedgerRevive) -> int:
    values = (op.now, op.revision, op.revision, *op.key, op.revision)
    found = connection.execute(_REVIVE, values).fetchall()
    return int(found[0][0]) if found else 0


def close(connection: Connection, op: LedgerClose) -> bool:
    if op.state not in _CLOSING:
        raise ValueError(f"a ledger row is closed as one of {', '.join(sorted(_CLOSING))}, not {op.state}")
    return connection.execute(_CLOSE, (op.state, op.reason, op.now, *op.key)).rowcount == 1


def find(connection: Connection, op: LedgerFind) -> dict[LedgerKey, LedgerRow]:
    found = (connection.execute(_SELECT, key).fetchone() for key in op.keys)
    rows = (_row(row) for row in found if row is not None)
    return {row.key: row for row in rows}


def of_event(connection: Connection, op: LedgerOfEvent) -> list[LedgerRow]:
    return [_row(row) for row in connection.execute(_OF_EVENT, (op.event_id,))]


HANDLERS: Handlers = {
    LedgerClaim: claim,
    LedgerSettle: settle,
    LedgerRevive: revive,
    LedgerClose: close,
    LedgerFind: find,
    LedgerOfEvent: of_event,
}
