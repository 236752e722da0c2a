"""Journal, revisions, leases, tables and audit in memory."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from engine.core.errors import Fenced
from engine.ports.store import audit, journal, leases, revisions, tables, workers

from .state import Memory


def journal_append(m: Memory, op: journal.JournalAppend) -> None:
    start = max((number for number, _ in m.journal.items()), default=0)
    for number, entry in enumerate(op.entries, start + 1):
        m.journal.put(number, entry)


def journal_find(m: Memory, op: journal.JournalFind) -> list[journal.Entry]:
    entries = m.journal.values()
    traces = {
        entry.trace
        for entry in entries
        for name, value in entry.keys.items()
        if value == op.text and op.name in ("", name)
    }
    for column in () if op.name or not op.text else ("trace", "event_id"):
        ids = {getattr(entry, column) for entry in entries if getattr(entry, column).startswith(op.text)}
        if len(ids) == 1 or op.text in ids:
            named = op.text if op.text in ids else ids.pop()
            traces |= {entry.trace for entry in entries if getattr(entry, column) == named}
    found = [entry for entry in entries if entry.trace in traces]
    return sorted(found, key=lambda entry: entry.at)[: op.limit]


def journal_prune(m: Memory, op: journal.JournalPrune) -> int:
    old = [number for number, entry in m.journal.items() if entry.at < op.before]
    for number in old:
        m.journal.drop(number)
    return len(old)


def revision_put(m: Memory, op: revisions.RevisionPut) -> int:
    new = op.revision
    there: revisions.Revision | None = m.revisions.get(new.id)
    _make_room(m, new.state)
    _forget_reports(m, new.id)
    number = there.number if there else 1 + max((r.number for r in m.revisions.values()), default=0)
    files = {**(there.files if there else {}), **new.files}
    m.revisions.put(new.id, replace(new, number=number, files=files))
    m.pruned.drop(new.id)
    return int(number)


def _make_room(m: Memory, state: str) -> None:
    for digest, other in m.revisions.items():
        if state == other.state == "active":
            m.revisions.put(digest, replace(other, state="past"))
        if state == other.state == "staged":
            m.revisions.put(digest, replace(other, state="rejected", problem=revisions.OVERTAKEN))


def _forget_reports(m: Memory, id: str) -> None:
    for key, _ in m.reports.items():
        if key[0] == id:
            m.reports.drop(key)


def revision_mark(m: Memory, op: revisions.RevisionMark) -> bool:
    known: revisions.Revision | None = m.revisions.get(op.id)
    if known is None or (known.at, known.state) != (op.at, op.was):
        if op.required:
            raise Fenced(f"revision {op.id} is not {op.was} any more")
        return False
    _make_room(m, op.state)
    m.revisions.put(op.id, replace(known, state=op.state, problem=op.problem, at=op.now or op.at))
    if op.now:
        _forget_reports(m, op.id)
    return True


def revision_report(m: Memory, op: revisions.RevisionReport) -> bool:
    known: revisions.Revision | None = m.revisions.get(op.id)
    if known is None or known.at != op.attempt:
        return False
    m.reports.put((op.id, op.report.worker), op.report)
    return True


def revision_reports(m: Memory, op: revisions.RevisionReports) -> list[revisions.Report]:
    return sorted((one for key, one in m.reports.items() if key[0] == op.id), key=lambda one: one.worker)


def revisions_now(m: Memory, op: revisions.RevisionsNow) -> revisions.Standing:
    by_state = {one.state: replace(one, files={}) for one in m.revisions.values()}
    return revisions.Standing(by_state.get("active"), by_state.get("staged"))


def revision_get(m: Memory, op: revisions.RevisionGet) -> revisions.Revision | None:
    found: revisions.Revision | None = m.revisions.get(op.id)
    return found


def revision_of_plan(m: Memory, op: revisions.RevisionOfPlan) -> revisions.Revision | None:
    found = [r for r in m.revisions.values() if op.plan in r.plans.values()]
    return max(found, key=lambda r: (r.id not in m.pruned, r.number), default=None)


def revision_list(m: Memory, op: revisions.RevisionList) -> list[revisions.Revision]:
    newest = sorted(m.revisions.values(), key=lambda r: -r.number)
    return [replace(r, files={}) for r in newest[: op.limit]]


def revision_prune(m: Memory, op: revisions.RevisionPrune) -> int:
    newest = sorted(m.revisions.values(), key=lambda r: -r.number)
    old = [
        r
        for r in newest[max(0, op.keep) :]
        if r.state not in ("active", "staged") and r.id not in m.pruned and not set(r.plans.values()) & set(op.needed)
    ]
    for revision in old:
        m.revisions.put(revision.id, replace(revision, files={}))
        m.pruned.put(revision.id, True)
    return len(old)


def lease_take(m: Memory, op: leases.LeaseTake) -> int:
    owner, token, until = m.leases.get(op.name, (op.owner, 1, 0))
    if owner != op.owner:
        if until > op.now:
            return 0
        token += 1
    m.leases.put(op.name, (op.owner, token, op.now + round(op.seconds * 1_000_000)))
    return int(token)


def lease_drop(m: Memory, op: leases.LeaseDrop) -> None:
    owner, token, _ = m.leases.get(op.name, ("", 0, 0))
    if owner == op.owner:
        m.leases.put(op.name, ("", token, 0))


def cursor_get(m: Memory, op: leases.CursorGet) -> str:
    return str(m.cursors.get(op.name, ""))


def cursor_set(m: Memory, op: leases.CursorSet) -> bool:
    if op.token < m.leases.get(op.name, ("", 0, 0))[1]:
        return False
    m.cursors.put(op.name, op.value)
    return True


def seen_add(m: Memory, op: leases.SeenAdd) -> bool:
    if (op.source, op.key) in m.seen:
        return False
    m.seen.put((op.source, op.key), op.note)
    m.seen_at.put((op.source, op.key), op.now)
    return True


def seen_get(m: Memory, op: leases.SeenGet) -> str | None:
    note: str | None = m.seen.get((op.source, op.key))
    return note


def table_put(m: Memory, op: tables.TablePut) -> list[bool]:
    answers = []
    for row in op.rows:
        there = m.rows.get((row.table, row.key))
        answers.append(there is None or row.version >= there.version)
        if answers[-1]:
            m.rows.put((row.table, row.key), row)
    for table in {row.table for row, done in zip(op.rows, answers, strict=True) if done}:
        m.stamps.put(table, m.stamps.get(table, 0) + 1)
    return answers


def table_all(m: Memory, op: tables.TableAll) -> list[tables.TableRow]:
    return sorted((row for row in m.rows.values() if row.table == op.table), key=lambda row: row.key)


def table_stamp(m: Memory, op: tables.TableStamp) -> int:
    return int(m.stamps.get(op.table, 0))


def _audit(m: Memory) -> list[audit.AuditRow]:
    return sorted(m.audit.values(), key=lambda row: row.seq)


def audit_append(m: Memory, op: audit.AuditAppend) -> int:
    rows = _audit(m)
    row = audit.chained(op.row, rows[-1] if rows else None)
    m.audit.put(row.seq, row)
    return row.seq


def audit_list(m: Memory, op: audit.AuditList) -> list[audit.AuditRow]:
    about = [row for row in _audit(m) if not op.targets or row.target in op.targets]
    return about[::-1][: op.limit]


def audit_verify(m: Memory, op: audit.AuditVerify) -> int:
    before = None
    for row in _audit(m):
        if audit.chained(row, before) != row:
            return row.seq
        before = row
    return 0


def worker_beat(m: Memory, op: workers.WorkerBeat) -> None:
    m.workers.put(op.row.name, op.row)


def worker_gone(m: Memory, op: workers.WorkerGone) -> None:
    m.workers.drop(op.name)


def workers_since(m: Memory, op: workers.WorkersSince) -> list[workers.WorkerRow]:
    return sorted((row for row in m.workers.values() if row.at >= op.at), key=lambda row: row.name)


HANDLERS: dict[type, Any] = {
    workers.WorkerBeat: worker_beat,
    workers.WorkerGone: worker_gone,
    workers.WorkersSince: workers_since,
    journal.JournalAppend: journal_append,
    journal.JournalFind: journal_find,
    journal.JournalPrune: journal_prune,
    revisions.RevisionPut: revision_put,
    revisions.RevisionGet: revision_get,
    revisions.RevisionOfPlan: revision_of_plan,
    revisions.RevisionList: revision_list,
    revisions.RevisionPrune: revision_prune,
    revisions.RevisionMark: revision_mark,
    revisions.RevisionReport: revision_report,
    revisions.RevisionReports: revision_reports,
    revisions.RevisionsNow: revisions_now,
    leases.LeaseTake: lease_take,
    leases.LeaseDrop: lease_drop,
    leases.CursorGet: cursor_get,
    leases.CursorSet: cursor_set,
    leases.SeenAdd: seen_add,
    leases.SeenGet: seen_get,
    tables.TablePut: table_put,
    tables.TableAll: table_all,
    tables.TableStamp: table_stamp,
    audit.AuditAppend: audit_append,
    audit.AuditList: audit_list,
    audit.AuditVerify: audit_verify,
}
