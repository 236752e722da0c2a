"""What every store does with journal, revisions, leases, cursors, tables and audit."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced
from engine.ports.store import Store
from engine.ports.store.audit import AuditAppend, AuditList, AuditRow, AuditVerify, chained
from engine.ports.store.journal import Entry, JournalAppend, JournalFind, JournalPrune
from engine.ports.store.leases import CursorGet, CursorSet, LeaseDrop, LeaseTake, SeenAdd, SeenGet
from engine.ports.store.revisions import Revision, RevisionGet, RevisionList, RevisionOfPlan, RevisionPrune, RevisionPut
from engine.ports.store.tables import TableAll, TablePut, TableRow, TableStamp

pytestmark = pytest.mark.anyio

SECOND = 1_000_000

# --- journal --------------------------------------------------------------------------------------------------------


def entry(at: int, event: str, trace: str, what: str = "received", **keys: str) -> Entry:
    return Entry(
        at, "2026-03-14", event, trace, "sales", what, "journal", 2, "a sentence", "rev", "sale.completed@2", keys=keys
    )


STORY = [
    entry(1, "native-1", "trace-1"),
    entry(2, "ev-1", "trace-1", "routed", receipt="1001", store="4711"),
    entry(3, "ev-2", "trace-2", "routed", receipt="1002", store="4711"),
    entry(4, "ev-1", "trace-1", "applied"),
]


async def told(store: Store, text: str, **more: object) -> list[int]:
    return [one.at for one in await store.apply(JournalFind(text, **more))]  # type: ignore[arg-type]


async def test_the_whole_trace_is_told_oldest_first(store: Store) -> None:
    await store.apply(JournalAppend(STORY[::-1]))
    assert await store.apply(JournalFind("1001")) == [STORY[0], STORY[1], STORY[3]]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("1002", "", [3]),
        ("4711", "", [1, 2, 3, 4]),
        ("4711", "store", [1, 2, 3, 4]),
        ("4711", "receipt", []),
        ("1001", "receipt", [1, 2, 4]),
        ("trace-1", "", [1, 2, 4]),
        ("trace-2", "", [3]),
        ("ev-2", "", [3]),
        ("native", "", [1, 2, 4]),
        ("trace-", "", []),
        ("ev-1", "receipt", []),
        ("none", "", []),
        ("", "", []),
        ("%", "", []),
    ],
)
async def test_a_story_is_found_by_id_beginning_or_key(store: Store, text: str, name: str, expected: list[int]) -> None:
    await store.apply(JournalAppend(STORY))
    assert await told(store, text, name=name) == expected


async def test_an_id_is_found_though_others_begin_with_it(store: Store) -> None:
    await store.apply(JournalAppend([entry(1, "ev-1", "t1"), entry(2, "ev-12", "t2")]))
    assert await told(store, "ev-1") == [1]


async def test_equal_moments_keep_the_order_of_writing_and_the_limit_counts(store: Store) -> None:
    await store.apply(JournalAppend([entry(7, f"e{n}", "t") for n in range(5)]))
    assert [one.event_id for one in await store.apply(JournalFind("t", limit=3))] == ["e0", "e1", "e2"]


async def test_old_entries_are_pruned_with_their_keys(store: Store) -> None:
    await store.apply(JournalAppend(STORY))
    assert await store.apply(JournalPrune(3)) == 2
    assert await told(store, "1001") == []
    assert await told(store, "1002") == [3]
    assert await told(store, "trace-1") == [4]


async def test_many_old_entries_are_pruned_piece_by_piece_and_no_others(store: Store) -> None:
    old, young = 2500, 30
    lines = [entry(n, f"ev-{n}", f"t-{n}", receipt=f"r{n}") for n in range(old)]
    late = [entry(10_000 + n, f"new-{n}", f"u-{n}", receipt=f"s{n}") for n in range(young)]
    await store.apply(JournalAppend(late[:10] + lines + late[10:]))
    gone = 0
    while some := await store.apply(JournalPrune(10_000)):
        gone += some
    assert gone == old
    assert [await told(store, text) for text in ("r0", "r2499", "ev-7")] == [[], [], []]
    assert [await told(store, text) for text in ("s0", "s29")] == [[10_000], [10_029]]


# --- revisions ------------------------------------------------------------------------------------------------------


def revision(name: str, **facts: object) -> Revision:
    files = {"routes/sales.yaml": f"route: {name}".encode(), "routes/same.yaml": b"same"}
    plans = {"sales": f"plan-{name}", "stock": "plan-same"}
    return replace(Revision(name, plans, files, author="cli", reason="start", at=5), **facts)  # type: ignore[arg-type]


async def test_a_revision_is_kept_with_all_its_bytes(store: Store) -> None:
    assert await store.apply(RevisionPut(revision("a"))) == 1
    assert await store.apply(RevisionGet("a")) == revision("a", number=1)
    assert await store.apply(RevisionGet("none")) is None


async def test_there_is_one_active_revision(store: Store) -> None:
    for name, state in (("a", "active"), ("b", "staged"), ("c", "active"), ("d", "rejected")):
        await store.apply(RevisionPut(revision(name, state=state)))
    states = {one.id: one.state for one in await store.apply(RevisionList())}
    assert states == {"a": "past", "b": "staged", "c": "active", "d": "rejected"}


async def test_going_back_to_a_revision_keeps_its_number(store: Store) -> None:
    for name in ("a", "b"):
        await store.apply(RevisionPut(revision(name)))
    assert await store.apply(RevisionPut(revision("a", reason="rollback", at=9))) == 1
    listed = await store.apply(RevisionList())
    assert [(one.number, one.id, one.state, one.files) for one in listed] == [
        (2, "b", "past", {}),
        (1, "a", "active", {}),
    ]
    assert await store.apply(RevisionList(limit=1)) == [revision("b", number=2, state="past", files={})]
    assert await store.apply(RevisionGet("a")) == revision("a", number=1, reason="rollback", at=9)


async def test_a_plan_is_found_in_the_newest_revision_that_has_it(store: Store) -> None:
    for name in ("a", "b"):
        await store.apply(RevisionPut(revision(name)))
    of_a, of_both = await store.apply(RevisionOfPlan("plan-a")), await store.apply(RevisionOfPlan("plan-same"))
    assert of_a == revision("a", number=1, state="past")
    assert of_both == revision("b", number=2)
    assert await store.apply(RevisionOfPlan("none")) is None


async def test_pruning_keeps_the_newest_the_needed_and_the_active(store: Store) -> None:
    # given a is active again, d is needed by nobody, b by an open inbox row
    for name in ("a", "b", "c", "d", "e"):
        await store.apply(RevisionPut(revision(name)))
    await store.apply(RevisionPut(revision("a")))
    # when
    assert await store.apply(RevisionPrune(1, ["plan-b"])) == 2
    assert await store.apply(RevisionPrune(1, ["plan-b"])) == 0
    # then
    kept = {name: bool((await store.apply(RevisionGet(name))).files) for name in "abcde"}  # type: ignore[union-attr]
    assert kept == {"a": True, "b": True, "c": False, "d": False, "e": True}
    assert len(await store.apply(RevisionList())) == 5
    assert await store.apply(RevisionOfPlan("plan-same")) == revision("e", number=5, state="past")
    # and a pruned one that is loaded again is whole again
    await store.apply(RevisionPut(revision("d")))
    assert (await store.apply(RevisionGet("d"))).files == revision("d").files  # type: ignore[union-attr]


# --- leases, cursors, what was seen ---------------------------------------------------------------------------------


async def test_a_lease_has_one_owner_until_it_runs_out(store: Store) -> None:
    assert await store.apply(LeaseTake("leader", "a", 0, 10.0)) == 1
    assert await store.apply(LeaseTake("leader", "b", 5 * SECOND, 10.0)) == 0
    assert await store.apply(LeaseTake("leader", "a", 9 * SECOND, 10.0)) == 1
    assert await store.apply(LeaseTake("leader", "b", 18 * SECOND, 10.0)) == 0
    assert await store.apply(LeaseTake("leader", "b", 19 * SECOND, 10.0)) == 2
    assert await store.apply(LeaseTake("leader", "a", 20 * SECOND, 10.0)) == 0
    assert await store.apply(LeaseTake("other", "a", 20 * SECOND, 10.0)) == 1


async def test_a_lease_that_ran_out_untaken_keeps_its_token(store: Store) -> None:
    await store.apply(LeaseTake("leader", "a", 0, 1.0))
    assert await store.apply(LeaseTake("leader", "a", 99 * SECOND, 1.0)) == 1


async def test_a_dropped_lease_is_free_and_its_next_token_larger(store: Store) -> None:
    await store.apply(LeaseTake("leader", "a", 0, 100.0))
    await store.apply(LeaseDrop("leader", "b"))
    assert await store.apply(LeaseTake("leader", "b", 1, 100.0)) == 0
    await store.apply(LeaseDrop("leader", "a"))
    assert await store.apply(LeaseTake("leader", "a", 1, 100.0)) == 2


async def test_a_required_lease_that_is_taken_is_fenced(store: Store) -> None:
    await store.apply(LeaseTake("leader", "a", 0, 100.0))
    with pytest.raises(Fenced):
        await store.apply(LeaseTake("leader", "b", 1, 100.0, required=True))


async def test_a_cursor_moves_under_the_newest_token_only(store: Store) -> None:
    assert await store.apply(CursorGet("files")) == ""
    old = await store.apply(LeaseTake("files", "a", 0, 1.0))
    assert await store.apply(CursorSet("files", "page-1", old))
    new = await store.apply(LeaseTake("files", "b", 2 * SECOND, 1.0))
    assert not await store.apply(CursorSet("files", "page-2", old))
    with pytest.raises(Fenced):
        await store.apply(CursorSet("files", "page-2", old, required=True))
    assert await store.apply(CursorGet("files")) == "page-1"
    assert await store.apply(CursorSet("files", "page-3", new))
    assert await store.apply(CursorGet("files")) == "page-3"


async def test_what_was_seen_stays_seen_with_its_first_note(store: Store) -> None:
    assert await store.apply(SeenGet("files", "digest")) is None
    assert await store.apply(SeenAdd("files", "digest", 5, "sales.csv"))
    assert not await store.apply(SeenAdd("files", "digest", 6, "copy of sales.csv"))
    assert await store.apply(SeenGet("files", "digest")) == "sales.csv"
    assert await store.apply(SeenGet("other", "digest")) is None
    assert await store.apply(SeenAdd("other", "digest", 7))
    assert await store.apply(SeenGet("other", "digest")) == ""


# --- tables ---------------------------------------------------------------------------------------------------------


async def test_rows_are_replaced_by_ones_that_are_not_older(store: Store) -> None:
    first = [TableRow("prices", "2", b"b", 5), TableRow("prices", "1", b"a", 5), TableRow("other", "1", b"x")]
    assert await store.apply(TablePut(first)) == [True, True, True]
    second = [
        TableRow("prices", "1", b"old", 4),
        TableRow("prices", "2", b"same", 5),
        TableRow("prices", "3", b"new", 1),
    ]
    assert await store.apply(TablePut(second)) == [False, True, True]
    rows = await store.apply(TableAll("prices"))
    assert [(row.key, row.row, row.version) for row in rows] == [("1", b"a", 5), ("2", b"same", 5), ("3", b"new", 1)]
    assert await store.apply(TableAll("none")) == []


async def test_the_stamp_grows_when_a_row_changes(store: Store) -> None:
    stamps = [await store.apply(TableStamp("prices"))]
    for row in (TableRow("prices", "1", b"a", 5), TableRow("prices", "1", b"b", 4), TableRow("prices", "1", b"c", 6)):
        await store.apply(TablePut([row]))
        stamps.append(await store.apply(TableStamp("prices")))
    assert stamps[0] < stamps[1] == stamps[2] < stamps[3]
    assert await store.apply(TableStamp("other")) == 0


# --- audit ----------------------------------------------------------------------------------------------------------

CHANGE = AuditRow(5, "anna", "work.discard", "ab12cd", "double entry", "before", "after")


async def test_audit_rows_are_numbered_chained_and_told_newest_first(store: Store) -> None:
    assert await store.apply(AuditVerify()) == 0
    for number in range(1, 6):
        assert await store.apply(AuditAppend(replace(CHANGE, at=number))) == number
    rows = await store.apply(AuditList(limit=2))
    assert [(row.seq, row.at, row.actor) for row in rows] == [(5, 5, "anna"), (4, 4, "anna")]
    assert rows[0] == chained(replace(CHANGE, at=5), rows[1])
    assert len({row.hash for row in await store.apply(AuditList())}) == 5
    assert await store.apply(AuditVerify()) == 0


async def test_audit_rows_are_found_by_what_they_are_about(store: Store) -> None:
    for number, target in enumerate(["sales/a", "sales/b", "sales/a", "orders/a", "sales/b"], 1):
        await store.apply(AuditAppend(replace(CHANGE, at=number, target=target)))

    async def told(limit: int, *targets: str) -> list[int]:
        return [row.seq for row in await store.apply(AuditList(limit, targets))]

    assert await told(9, "sales/a") == [3, 1]
    assert await told(3, "sales/a", "sales/b") == [5, 3, 2]
    assert await told(9, "sales") == []
    assert await told(9) == [5, 4, 3, 2, 1]
