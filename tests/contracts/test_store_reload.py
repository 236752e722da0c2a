"""What every store does with staged revisions and with what the processes report on them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced
from engine.ports.store import Store
from engine.ports.store.audit import AuditAppend, AuditList, AuditRow
from engine.ports.store.revisions import (
    OVERTAKEN,
    Report,
    Revision,
    RevisionGet,
    RevisionList,
    RevisionMark,
    RevisionPut,
    RevisionReport,
    RevisionReports,
    RevisionsNow,
    Standing,
)

pytestmark = pytest.mark.anyio


def revision(name: str, state: str = "active", at: int = 5) -> Revision:
    files = {"routes/sales.yaml": name.encode()}
    return Revision(name, {"sales": f"plan-{name}"}, files, state, "ana", "a new field", at)  # type: ignore[arg-type]


async def states(store: Store) -> dict[str, tuple[str, str]]:
    return {one.id: (one.state, one.problem) for one in await store.apply(RevisionList())}


async def test_what_counts_now(store: Store) -> None:
    assert await store.apply(RevisionsNow()) == Standing()
    await store.apply(RevisionPut(revision("a")))
    await store.apply(RevisionPut(revision("b", "staged", at=6)))
    bare = {"files": {}}
    assert await store.apply(RevisionsNow()) == Standing(
        replace(revision("a"), number=1, **bare),  # type: ignore[arg-type]
        replace(revision("b", "staged", at=6), number=2, **bare),  # type: ignore[arg-type]
    )


async def test_a_staged_one_becomes_active_and_the_one_before_past(store: Store) -> None:
    await store.apply(RevisionPut(revision("a")))
    await store.apply(RevisionPut(revision("b", "staged", at=6)))
    assert await store.apply(RevisionMark("b", 6, "staged", "active"))
    assert await states(store) == {"a": ("past", ""), "b": ("active", "")}
    assert (await store.apply(RevisionGet("b"))).files == revision("b").files  # type: ignore[union-attr]


async def test_only_the_attempt_that_was_meant_is_marked(store: Store) -> None:
    await store.apply(RevisionPut(revision("b", "staged", at=6)))
    assert not await store.apply(RevisionMark("b", 5, "staged", "active"))
    assert not await store.apply(RevisionMark("b", 6, "active", "past"))
    assert not await store.apply(RevisionMark("none", 6, "staged", "active"))
    with pytest.raises(Fenced):
        await store.apply(RevisionMark("b", 5, "staged", "active", required=True))
    assert await states(store) == {"b": ("staged", "")}


async def test_a_rejected_one_says_why_until_it_is_staged_again(store: Store) -> None:
    await store.apply(RevisionPut(revision("b", "staged", at=6)))
    assert await store.apply(RevisionMark("b", 6, "staged", "rejected", "worker-2: the ERP does not answer"))
    assert await states(store) == {"b": ("rejected", "worker-2: the ERP does not answer")}
    await store.apply(RevisionPut(revision("b", "staged", at=7)))
    assert await states(store) == {"b": ("staged", "")}


async def test_one_is_staged_at_a_time(store: Store) -> None:
    await store.apply(RevisionPut(revision("b", "staged", at=6)))
    await store.apply(RevisionPut(revision("c", "staged", at=7)))
    assert await states(store) == {"b": ("rejected", OVERTAKEN), "c": ("staged", "")}


async def test_going_back_is_one_transaction_with_its_audit(store: Store) -> None:
    await store.apply(RevisionPut(revision("a")))
    await store.apply(RevisionPut(revision("b", at=6)))
    audit = AuditAppend(AuditRow(9, "probation", "revision.rollback", "b", "too many work items"))
    back = [
        RevisionMark("a", 5, "past", "active", now=9, required=True),
        RevisionMark("b", 6, "past", "rejected", "too many work items", required=True),
    ]
    with pytest.raises(Fenced):
        await store.apply_all(audit, *back, RevisionMark("b", 5, "rejected", "past", required=True))
    assert await states(store) == {"a": ("past", ""), "b": ("active", "")}
    assert await store.apply(AuditList()) == []

    await store.apply_all(audit, *back)
    assert await states(store) == {"a": ("active", ""), "b": ("rejected", "too many work items")}
    assert (await store.apply(RevisionsNow())).active.at == 9  # type: ignore[union-attr]
    assert [row.action for row in await store.apply(AuditList())] == ["revision.rollback"]


async def test_each_process_reports_on_the_present_attempt(store: Store) -> None:
    await store.apply(RevisionPut(revision("b", "staged", at=6)))
    ready, refused = Report("w1", "ready", at=7), Report("w2", "refused", "routes/sales.yaml:3:1 no such queue", 8)
    assert await store.apply(RevisionReport("b", 6, refused))
    assert await store.apply(RevisionReport("b", 6, ready))
    assert not await store.apply(RevisionReport("b", 5, ready))
    assert not await store.apply(RevisionReport("none", 6, ready))
    assert await store.apply(RevisionReports("b")) == [ready, refused]
    # and a later one of the same process takes the place of its earlier one
    running = Report("w1", "running", at=9)
    assert await store.apply(RevisionReport("b", 6, running))
    assert await store.apply(RevisionReports("b")) == [running, refused]


async def test_a_new_attempt_begins_without_reports(store: Store) -> None:
    await store.apply(RevisionPut(revision("a", "staged", at=6)))
    await store.apply(RevisionReport("a", 6, Report("w1", "ready")))
    await store.apply(RevisionPut(revision("a", "staged", at=7)))
    assert await store.apply(RevisionReports("a")) == []
    # and so does one that is made active again
    await store.apply(RevisionReport("a", 7, Report("w1", "running")))
    assert await store.apply(RevisionMark("a", 7, "staged", "active", now=8))
    assert await store.apply(RevisionReports("a")) == []
    assert not await store.apply(RevisionReport("a", 7, Report("w1", "running")))
