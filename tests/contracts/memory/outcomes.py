"""Inbox, ledger and work items in memory."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from engine.core.jsonx import decode
from engine.ports.store import inbox, ledger, work
from engine.ports.store.ledger import Claim, LedgerRow

from .state import Memory


def inbox_find(m: Memory, op: inbox.InboxFind) -> dict[inbox.EventKey, inbox.InboxRow]:
    return {key: m.inbox.get((op.route, key)) for key in op.keys if (op.route, key) in m.inbox}


def inbox_open(m: Memory, op: inbox.InboxOpen) -> list[inbox.InboxRow | None]:
    return [_inbox_open(m, row) for row in op.rows]


def _inbox_open(m: Memory, row: inbox.InboxRow) -> inbox.InboxRow | None:
    there: inbox.InboxRow | None = m.inbox.get((row.route, row.key))
    if there is not None and (there.plan or there.replay != row.replay):
        return there
    state = "routed" if row.kind in ("filtered", "work_item") else row.state
    m.inbox.put((row.route, row.key), replace(row, state=state))
    return None


def inbox_routed(m: Memory, op: inbox.InboxRouted) -> None:
    for key in op.keys:
        row = m.inbox.get((op.route, key))
        if row is not None and row.plan:
            m.inbox.put((op.route, key), replace(row, state="routed"))


def inbox_replay(m: Memory, op: inbox.InboxReplay) -> int:
    row = m.inbox.get((op.route, op.key))
    if row is None or not (op.keep_plan or row.kind in op.kinds):
        return 0
    plan = row.plan if op.keep_plan else ""
    m.inbox.put((op.route, op.key), replace(row, replay=row.replay + 1, state="open", plan=plan))
    return int(row.replay + 1)


def inbox_duplicates(m: Memory, op: inbox.InboxDuplicates) -> None:
    for key in op.keys:
        if (op.route, key) in m.inbox:
            m.duplicates.put((op.route, key), m.duplicates.get((op.route, key), 0) + 1)


def inbox_plans(m: Memory, op: inbox.InboxPlansInUse) -> set[str]:
    return {row.plan for row in m.inbox.values() if row.plan}


def claim(m: Memory, op: ledger.LedgerClaim) -> list[Claim]:
    return [_claim(m, row, op) for row in op.rows]


def _claim(m: Memory, row: ledger.ClaimRow, op: ledger.LedgerClaim) -> Claim:
    until = op.now + round(op.lease * 1_000_000)
    there: LedgerRow | None = m.ledger.get(row.key)
    if there is None:
        new = LedgerRow(
            row.key, "inflight", row.attempt, row.route, row.sink, row.effect, row.event_id, row.origin, row.guard,
            row.body, row.revision, op.token, until, b"", "", row.amount, row.currency, op.now,
        )  # fmt: skip
        m.ledger.put(row.key, new)
        return Claim("claimed", "inflight", row.attempt)
    same = there.body in ("", row.body)
    told = Claim("final", there.state, there.attempt, 0.0, there.result, same)
    if there.origin != row.origin and (not there.guard or there.guard != row.guard):
        return replace(told, verdict="conflict")
    if there.state in ledger.FINAL:
        return told
    if row.revision < there.revision or (row.revision == there.revision and row.attempt < there.attempt):
        return replace(told, verdict="stale")
    if there.state == "inflight" and there.lease_until > op.now:
        return replace(told, verdict="busy", wait=(there.lease_until - op.now) / 1_000_000)
    newer = row.revision > there.revision
    body = row.body if newer or not there.body else there.body
    taken = replace(
        there, state="inflight", attempt=row.attempt, revision=row.revision, body=body, token=op.token,
        lease_until=until, at=op.now,
    )  # fmt: skip
    m.ledger.put(row.key, taken)
    verdict = "unknown" if there.state == "inflight" else "claimed"
    return Claim(verdict, "inflight", row.attempt, 0.0, there.result, same or newer)  # type: ignore[arg-type]


def settle(m: Memory, op: ledger.LedgerSettle) -> list[bool]:
    return [_settle(m, row, op) for row in op.rows]


def _settle(m: Memory, row: ledger.SettleRow, op: ledger.LedgerSettle) -> bool:
    there: LedgerRow | None = m.ledger.get(row.key)
    if there is None or there.state != "inflight" or there.token != op.token:
        return False
    attempt = (row.attempt or there.attempt + 1) if row.state == "waiting" else there.attempt
    ended = replace(
        there, state=row.state, attempt=attempt, result=row.result, reason=row.reason, lease_until=0, at=op.now
    )
    m.ledger.put(row.key, ended)
    return True


def revive(m: Memory, op: ledger.LedgerRevive) -> int:
    there: LedgerRow | None = m.ledger.get(op.key)
    if there is None or there.state not in ("work_item", "held") or there.revision > op.revision:
        return 0
    body = "" if op.revision > there.revision else there.body
    attempt = there.attempt + 1
    revived = replace(there, state="waiting", attempt=attempt, body=body, revision=op.revision, reason="", at=op.now)
    m.ledger.put(op.key, revived)
    return attempt


def close(m: Memory, op: ledger.LedgerClose) -> bool:
    if op.state not in ("discarded", "superseded", "applied"):
        raise ValueError(op.state)
    there: LedgerRow | None = m.ledger.get(op.key)
    if there is None or there.state not in ("work_item", "waiting", "held"):
        return False
    m.ledger.put(op.key, replace(there, state=op.state, reason=op.reason, at=op.now))
    return True


def ledger_find(m: Memory, op: ledger.LedgerFind) -> dict[ledger.LedgerKey, LedgerRow]:
    return {key: m.ledger.get(key) for key in op.keys if key in m.ledger}


def ledger_of_event(m: Memory, op: ledger.LedgerOfEvent) -> list[LedgerRow]:
    rows = [row for row in m.ledger.values() if row.event_id == op.event_id]
    return sorted(rows, key=lambda row: (row.at, row.key))


def work_create(m: Memory, op: work.WorkCreate) -> list[str]:
    for item in op.items:
        there: work.WorkItem | None = m.work.get(item.id)
        if there is not None:
            kept: dict[str, Any] = {
                "created": there.created,
                "note": there.note,
                "version": there.version + 1,
                "edits": max(there.edits, item.edits),
                "attempts": max(there.attempts, item.attempts),
            }
            if item.level == "event" and there.state == "replayed":
                kept["attempts"] = there.attempts + item.attempts
            if there.state == "open" and there.edits > item.edits:
                kept |= {"headers": there.headers, "body": there.body}
            item = replace(item, **kept)
        m.work.put(item.id, item)
    return [item.id for item in op.items]


def work_get(m: Memory, op: work.WorkGet) -> work.WorkItem | None:
    if op.id in m.work:
        item: work.WorkItem = m.work.get(op.id)
        return item
    found = [item for item in m.work.values() if op.id and item.id.startswith(op.id)]
    return found[0] if len(found) == 1 else None


def work_find(m: Memory, op: work.WorkFind) -> list[work.WorkItem]:
    found = [item for item in m.work.values() if item.state in op.states]
    for name in ("route", "reason", "owner"):
        wanted = getattr(op, name)
        found = [item for item in found if wanted in ("", getattr(item, name))]
    if op.text:
        found = [
            item
            for item in found
            if op.text in (item.id, item.event_id, item.subject, item.root, *decode(item.search).values())
        ]
    found.sort(key=lambda item: (-item.created, item.id))
    return found[op.offset : op.offset + op.limit if op.limit else None]


def work_count(m: Memory, op: work.WorkCount) -> list[tuple[str, str, str, int]]:
    counts: dict[tuple[str, str, str], int] = {}
    for item in m.work.values():
        place = (item.route, item.reason, item.state)
        counts[place] = counts.get(place, 0) + 1
    return [(*place, count) for place, count in sorted(counts.items())]


def conflicts(m: Memory, op: work.Conflicts) -> list[tuple[str, int]]:
    routes = [item.route for item in m.work.values() if item.of_another_record and item.state == "open"]
    return [(route, routes.count(route)) for route in sorted(set(routes))]


def records_refused(m: Memory, op: work.RecordsRefused) -> list[tuple[str, int]]:
    routes = [item.route for item in m.work.values() if item.level == "record" and item.state == "open"]
    return [(route, routes.count(route)) for route in sorted(set(routes))]


def work_change(m: Memory, op: work.WorkChange) -> bool:
    item = m.work.get(op.id)
    if item is None or item.version != op.version:
        return False
    m.work.put(op.id, replace(item, state=op.state, note=op.note, updated=op.now, version=item.version + 1))
    return True


def work_edit(m: Memory, op: work.WorkEdit) -> bool:
    item = m.work.get(op.id)
    if item is None or item.version != op.version or item.state != "open":
        return False
    changed = {"headers": op.headers, "body": op.body, "note": op.note, "updated": op.now}
    m.work.put(op.id, replace(item, **changed, version=item.version + 1, edits=item.edits + 1))
    return True


HANDLERS: dict[type, Any] = {
    inbox.InboxFind: inbox_find,
    inbox.InboxOpen: inbox_open,
    inbox.InboxRouted: inbox_routed,
    inbox.InboxReplay: inbox_replay,
    inbox.InboxDuplicates: inbox_duplicates,
    inbox.InboxPlansInUse: inbox_plans,
    ledger.LedgerClaim: claim,
    ledger.LedgerSettle: settle,
    ledger.LedgerRevive: revive,
    ledger.LedgerClose: close,
    ledger.LedgerFind: ledger_find,
    ledger.LedgerOfEvent: ledger_of_event,
    work.WorkCreate: work_create,
    work.WorkGet: work_get,
    work.WorkFind: work_find,
    work.WorkCount: work_count,
    work.RecordsRefused: records_refused,
    work.Conflicts: conflicts,
    work.WorkChange: work_change,
    work.WorkEdit: work_edit,
}
