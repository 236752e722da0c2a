"""What the router promises: one outcome per event, whatever is redelivered, edited or broken in between."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from engine.core.errors import Permanent, StoreDown
from engine.core.jsonx import decode
from engine.ports.store.inbox import InboxOpen, InboxRouted
from engine.ports.transport import Address, Outgoing
from engine.runtime.people.replay import Who
from tests.fixtures.sale import SALE_TYPE
from tests.runtime.killing import Fate, killed_life
from tests.runtime.lab import bench, figures_of, running, sale, settle, virtual
from tests.runtime.routes import FROM_SALES, SALES, TO_ERP, posting, route

ONE = {"reference": "1", "total": 10}
ME = Who("anna", "a test")


def after_decided(ops: Sequence[Any]) -> bool:
    """The posting route wrote its outcome down and published nothing yet."""
    return any(isinstance(op, InboxOpen) and op.rows[0].route == "posting" for op in ops)


def before_routed(ops: Sequence[Any]) -> bool:
    """Everything is published; that it is, is not yet written."""
    return any(isinstance(op, InboxRouted) and op.route == "posting" for op in ops)


def either(first: str, second: str) -> str:
    """Two sinks that share an effect; `first` and `second` say when each is wanted."""
    lab = "use: lab, connection: outside, effect: books"
    return f"""to:
  - {{id: erp, {lab}, action: post, with: {{reference: receipt, total: total}}, when: "{first}"}}
  - {{id: summary, {lab}, action: note, with: {{reference: receipt}}, when: "{second}"}}
"""


SPLIT = """steps:
  - {id: items, split: {in: "LIST", key: sku}}
"""
TO_ITEM = "to:\n  - {id: erp, use: lab, connection: outside, action: post, with: {reference: sku}}\n"


def split(expression: str) -> dict[str, str]:
    return posting(SPLIT.replace("LIST", expression), TO_ITEM)


STOCK = "$id: stock@1\ntitle: Stock\nx-tillflow: {key: [store, receipt]}\ntype: object\n"
BOOKS = {
    "routes/tables.yaml": "tillflow: 1\ntables:\n  books: {csv: ../mappings/tables/books.csv, key: store}\n",
    "mappings/tables/books.csv": "store,kind\nA,line\n",
}
TWICE = {"mappings/tables/books.csv": b"store,kind\nA,line\nA,twice\n"}  # a version that cannot be used
LINES = [{"sku": "a", "keep": True}, {"sku": "b", "keep": False}]
EDITS = {
    "a mapping": (posting(), posting(to=TO_ERP.replace("total: total", "total: receipt")), [ONE]),
    "a when": (
        posting(to=either("total > `0`", "total < `0`")),
        posting(to=either("total < `0`", "total > `0`")),
        [ONE],
    ),
    "a filter": (posting(), posting("steps:\n  - {id: none, filter: {reason: nothing-today}}\n"), [ONE]),
    "a split": (split("lines"), split("lines[?keep]"), [{"reference": "a"}, {"reference": "b"}]),
}


@pytest.mark.parametrize("moment", [after_decided, before_routed])
@pytest.mark.parametrize("edit", EDITS)
@virtual
async def test_an_edit_between_a_crash_and_the_redelivery_changes_nothing(edit: str, moment: Any) -> None:
    before, after, effects = EDITS[edit]
    async with bench() as made:
        made.lab.offer([sale("1", lines=LINES)])
        await killed_life(made, before, Fate(on=moment, done_first=moment is after_decided))
        async with running(made, after):
            await settle(60)
        posted = {key: request for _, key, request in made.lab.sent}
        assert sorted(posted.values(), key=str) == effects
        assert await made.items() == []


@virtual
async def test_a_table_that_changed_in_between_is_a_work_item_not_another_outcome() -> None:
    wants = "lookup('books', store).kind == '{}'"
    files = posting(to=either(wants.format("line"), wants.format("summary"))) | BOOKS
    async with bench() as made:
        made.lab.offer([sale("1")])
        await killed_life(made, files, Fate(on=after_decided, done_first=True))
        changed = files | {"mappings/tables/books.csv": "store,kind\nA,summary\n"}
        async with running(made, changed):
            await settle(60)
            assert made.lab.sent == []
            (item,) = await made.items()
            assert (item.reason, item.level) == ("outcome-changed", "event")
            assert "before: erp; now: summary" in item.detail


@pytest.mark.parametrize(
    ("died", "refusal", "actions"),
    [(after_decided, "", ["note"]), (before_routed, "`erp` has it already (applied)", ["post"])],
    ids=["nothing was published", "it was delivered"],
)
@virtual
async def test_a_changed_outcome_is_replayed_when_nothing_of_the_first_one_left(
    died: Callable[[Sequence[Any]], bool], refusal: str, actions: list[str]
) -> None:
    wants = "lookup('books', store).kind == '{}'"
    files = posting(to=either(wants.format("line"), wants.format("summary"))) | BOOKS
    async with bench() as made:
        made.lab.offer([sale("1")])
        await killed_life(made, files, Fate(on=died, done_first=not refusal))
        async with running(made, files | {"mappings/tables/books.csv": "store,kind\nA,summary\n"}) as engine:
            await settle(60)
            (item,) = await made.items()
            if refusal:
                with pytest.raises(Permanent, match=re.escape(refusal)):
                    await engine.control.work_replay(item.id, "clerk", "as it is now")
            else:
                await engine.control.work_replay(item.id, "clerk", "as it is now")
            await settle(60)
            assert [action for action, _, _ in made.lab.sent] == actions
            assert [one.reason for one in await made.items()] == (["outcome-changed"] if refusal else [])


@virtual
async def test_an_outcome_whose_plan_is_gone_is_a_work_item() -> None:
    async with bench() as made:
        made.lab.offer([sale("1")])
        await killed_life(made, posting(), Fate(on=after_decided, done_first=True))
        engine = made.engine(posting(to=TO_ERP.replace("total: total", "total: receipt")))
        await engine.start()

        def cannot(files: Any) -> Any:
            raise ValueError("a plugin of it is not installed")

        engine.plans._load = cannot
        await settle(60)
        await engine.stop()
        assert [item.reason for item in await made.items()] == ["outcome-changed"]
        assert made.lab.sent == []


@virtual
async def test_another_record_with_the_same_key_is_a_conflict_and_the_first_one_stays() -> None:
    async with bench() as made, running(made, SALES) as engine:
        made.lab.offer([sale("1", total=10)])
        await settle()
        made.lab.offer([sale("1", total=11)])
        await settle()
        assert made.lab.requests() == [ONE]
        (item,) = await made.items()
        assert (item.reason, item.route, item.level) == ("idempotency-conflict", "posting", "event")
        assert item.detail == (
            "this record differs from the first one under the key sale@1 `A|1`, and so does its guard; "
            "it differs at /total; what else differs cannot be told: of the first one only a digest is kept; "
            "the first one stays"
        )
        assert decode(item.data)["differs"] == ["/total"]
        figures = (await engine.control.figures("posting"))["figures"]
        assert [(one["received"], one["applied"], one["work_items"], one["balanced"]) for one in figures] == [
            (1, 1, 0, True),
            (1, 1, 0, True),
        ]
        assert (await engine.control.status())["conflicts"] == [{"route": "posting", "count": 1}]


@virtual
async def test_a_conflict_of_a_type_without_a_guard_says_nothing_of_one() -> None:
    unguarded = SALE_TYPE.replace("  guard: total\n", "")
    async with bench() as made, running(made, SALES | {"mappings/schemas/sale@1.yaml": unguarded}):
        for note in ("a", "b", "a"):
            made.lab.offer([sale("1", note=note)])
            await settle()
        (item,) = await made.items()
        assert item.detail == (
            "this record differs from the first one under the key sale@1 `A|1`; "
            "what differs cannot be told: of the first one only a digest is kept; the first one stays"
        )


@virtual
async def test_a_conflict_with_one_that_waits_for_a_person_names_every_place_and_no_value() -> None:
    refuses = posting('steps:\n  - {id: no, check: [{that: "total < `1`", otherwise: {work_item: too-much}}]}\n')
    private = SALE_TYPE.replace("  amount: total\n", "  amount: total\n  private: [note]\n")
    async with bench() as made, running(made, refuses | {"mappings/schemas/sale@1.yaml": private}):
        made.lab.offer([sale("1", note="4711 Main Street", lines=[{"a": 1, "b": 2}, {"a": 3}])])
        await settle()
        made.lab.offer([sale("1", total=11, note="4712 Main Street", lines=[{"a": 1, "c": 2}])])
        await settle()
        first, second = await made.items()
        assert (first.reason, second.reason) == ("too-much", "idempotency-conflict")
        places = ["/total", "/note", "/lines/0/b", "/lines/0/c", "/lines/1"]
        assert sorted(decode(second.data)["differs"]) == sorted(places)
        assert all(place in second.detail for place in places)
        assert "Main Street" not in second.detail + second.data and "cannot be told" not in second.detail


@virtual
async def test_copies_in_one_batch_are_decided_once() -> None:
    async with bench() as made, running(made, SALES) as engine:
        made.lab.offer([sale("1", till=n) for n in range(50)])
        await settle()
        assert made.lab.requests() == [ONE]
        figures = await figures_of(engine, "posting")
        assert (figures["received"], figures["duplicates"]) == (1, 49)


@virtual
async def test_sinks_that_share_an_effect_and_are_both_selected_are_a_work_item() -> None:
    async with bench() as made, running(made, posting(to=either("total > `0`", "total > `1`"))):
        made.lab.offer([sale("1")])
        await settle()
        assert made.lab.sent == []
        (item,) = await made.items()
        assert item.reason == "effect-twice" and "books" in item.detail


@virtual
async def test_an_event_nobody_subscribes_to_is_a_work_item_and_a_replay_publishes_it() -> None:
    lonely = {"routes/ingest.yaml": SALES["routes/ingest.yaml"]}
    async with bench() as made:
        async with running(made, lonely):
            made.lab.offer([sale("1")])
            await settle()
            (item,) = await made.items()
            assert (item.reason, item.route) == ("no-subscriber", "ingest")
        async with running(made, SALES) as engine:
            await engine.control._decisions.replay(item, ME)
            await settle()
        assert made.lab.requests() == [ONE]


@virtual
async def test_a_work_item_is_replayed_on_the_current_plan_under_the_same_id() -> None:
    refusing = posting('steps:\n  - {id: small, check: [{that: "total < `5`", otherwise: {work_item: too-much}}]}\n')
    async with bench() as made:
        async with running(made, refusing):
            made.lab.offer([sale("1")])
            await settle()
            made.lab.offer([sale("1")], "again.json")
            await settle()
            (item,) = await made.items()
            assert item.reason == "too-much"
        async with running(made, SALES) as engine:
            await engine.control._decisions.replay(item, ME)
            await settle()
            assert await made.items() == []
            figures = await figures_of(engine, "posting")
            assert (figures["received"], figures["applied"], figures["balanced"]) == (1, 1, True)
        assert made.lab.requests() == [ONE]


@pytest.mark.parametrize(
    ("type_", "reason"),
    [("sale@7", "unknown-version"), ("refund@1", "wrong-type"), ("sale@2", "unsupported-version")],
)
@virtual
async def test_an_event_the_route_does_not_take_is_a_work_item(type_: str, reason: str) -> None:
    files = SALES | {"mappings/schemas/sale@2.yaml": SALE_TYPE.replace("sale@1", "sale@2")}
    async with bench() as made, running(made, files):
        headers = {"tf-kind": "event", "tf-id": "a" * 32, "tf-type": type_, "tf-day": "2026-03-14"}
        await made.transport.publish([Outgoing(Address("route", "posting"), headers, b'{"receipt": "1"}')])
        await settle()
        assert [item.reason for item in await made.items()] == [reason]


@virtual
async def test_a_newer_version_that_says_it_is_compatible_is_taken() -> None:
    newer = SALE_TYPE.replace("sale@1", "sale@2").replace("title: A sale", "title: A sale\ncompatible_with: 1")
    ingest = SALES["routes/ingest.yaml"].replace("sale@1", "sale@2")
    files = SALES | {"mappings/schemas/sale@2.yaml": newer, "routes/ingest.yaml": ingest}
    async with bench() as made, running(made, files):
        made.lab.offer([sale("1")])
        await settle()
        assert made.lab.requests() == [ONE]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b""])
@virtual
async def test_what_cannot_be_read_is_a_work_item_and_its_neighbours_proceed(body: bytes) -> None:
    async with bench() as made, running(made, SALES):
        await made.transport.publish([Outgoing(Address("route", "posting"), {"tf-time": "x"}, body)])
        made.lab.offer([sale("1")])
        await settle()
        assert [item.reason for item in await made.items()] == ["unreadable"]
        assert made.lab.requests() == [ONE]
        assert (await made.transport.depths())[Address("route", "posting")].unacked == 0


@virtual
async def test_a_step_that_fails_for_a_while_is_tried_again_through_the_tiers() -> None:
    step = "steps:\n  - {id: book, set: {note: \"lookup('books', store).kind\"}}\n"
    to = TO_ERP.replace("total: total", "total: note")
    async with bench() as made, running(made, posting(step, to) | BOOKS, TWICE):
        made.lab.offer([sale("1")])
        await settle(20)
        assert made.lab.sent == [] and await made.items() == []
        retries = [line.attempt for line in await made.story("1") if line.what == "retrying"]
        assert retries == list(range(1, len(retries) + 1)) and len(retries) >= 2
        made.table_files["mappings/tables/books.csv"] = b"store,kind\nA,line\n"
        await settle(600)
        assert made.lab.requests() == [{"reference": "1", "total": "line"}]


@virtual
async def test_a_step_that_never_succeeds_ends_as_a_work_item() -> None:
    step = "steps:\n  - {id: book, set: {note: \"lookup('books', store).kind\"}}\n"
    async with bench() as made, running(made, posting("retry: {give_up_after: 10m}\n" + step) | BOOKS, TWICE):
        made.lab.offer([sale("1")])
        await settle(3600)
        (item,) = await made.items()
        assert item.reason == "table-unavailable" and item.attempts >= 4
        assert decode(item.data)["step"] == "book"


@virtual
async def test_a_plain_route_does_not_ask_the_store_and_goes_on_while_it_is_down() -> None:
    files = {
        "routes/ingest.yaml": SALES["routes/ingest.yaml"].replace("financial", "operational"),
        "routes/copy.yaml": route("copy", FROM_SALES + "to:\n  - {id: on, event: stock@1}\n", "operational"),
        "routes/late.yaml": route("late", "from: {event: stock@1}\n" + TO_ERP, "financial"),
        "mappings/schemas/stock@1.yaml": STOCK,
    }
    async with bench() as made, running(made, files) as engine:
        await settle()
        down = DownStore(made.store)
        object.__setattr__(engine.cell, "store", down)
        made.lab.offer([sale("1")])
        await settle()
        assert made.lab.acked == [("f.json", 0)]
        late = (await made.transport.depths())[Address("route", "late")]
        assert (late.ready, late.unacked) == (0, 1)
        assert engine.routers["copy"].handled == 1
        down.up = True
        await settle(30)
        assert engine.routers["late"].handled == 1 and await made.items() == []


class DownStore:
    """A store that cannot be reached until `up`."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.up = False

    async def apply(self, op: Any) -> Any:
        if not self.up:
            raise StoreDown("unplugged")
        return await self._real.apply(op)

    async def apply_all(self, *ops: Any) -> Any:
        if not self.up:
            raise StoreDown("unplugged")
        return await self._real.apply_all(*ops)


@virtual
async def test_an_event_that_waits_for_a_call_holds_up_nobody() -> None:
    step = """steps:
  - id: ask
    when: "store == 'slow'"
    call: {use: lab, connection: outside, action: ask, with: {reference: receipt}, into: answer}
"""
    async with bench() as made, running(made, posting(step)):
        made.lab.slow = 10.0
        made.lab.offer([sale("1", store="slow"), *[sale(str(n)) for n in range(2, 300)]])
        await settle(2)
        assert len(made.lab.sent) == 298 and len(made.lab.calls) == 1
        await settle(30)
        assert len(made.lab.sent) == 299


@virtual
async def test_a_wire_tap_before_a_filter_sends_its_copy_and_the_filter_holds() -> None:
    steps = """steps:
  - {id: copy, wire_tap: {sink: audit}}
  - {id: none, filter: {reason: nothing-today}}
"""
    to = TO_ERP + "  - {id: audit, use: lab, connection: outside, action: note, with: {reference: receipt}}\n"
    async with bench() as made, running(made, posting(steps, to)) as engine:
        made.lab.offer([sale("1")])
        await settle()
        assert [(action, request) for action, _, request in made.lab.sent] == [("note", {"reference": "1"})]
        figures = await figures_of(engine, "posting")
        assert figures["filtered_by"] == {"nothing-today": 1}
