"""Ingress: what a source brings is durable before it is let go of, and what cannot be taken in is a work item."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import Failure, Permanent, StoreDown, TransportBlocked
from engine.core.jsonx import decode, encode
from engine.plugins.contracts import Arrival
from engine.ports.store.journal import JournalAppend
from engine.ports.store.work import WorkEdit
from engine.runtime.people.replay import Who
from tests.fixtures.sale import SALE_TYPE
from tests.runtime.lab import Bench, bench, running, sale, settle, virtual
from tests.runtime.routes import CHECKED, FROM_FILE, SALES, TO_BUS, TO_ERP, alone, route

ME = Who("anna", "a test")
TYPED = SALES | {"routes/ingest.yaml": route("ingest", FROM_FILE + "accepts: sale@1\n" + TO_BUS)}
LINES = {"routes/ingest.yaml": route("ingest", FROM_FILE.replace("json", "ndjson") + CHECKED + TO_BUS)}


@virtual
async def test_a_record_that_does_not_fit_is_a_work_item_and_its_neighbours_proceed() -> None:
    async with bench() as made, running(made, TYPED):
        made.lab.offer([sale("1"), {"store": "A"}, sale("3")], "day.json")
        await settle()
        assert [request["reference"] for request in made.lab.requests()] == ["1", "3"]
        assert made.lab.acked == [("day.json", 1)]
        (item,) = await made.items()
        assert (item.level, item.reason, item.owner) == ("record", "schema-violation", "stores")
        assert decode(item.search) == {"file": "day.json", "store": "A"}


@virtual
async def test_a_line_that_is_no_json_is_a_work_item_with_file_and_line() -> None:
    async with bench() as made, running(made, SALES | LINES):
        made.lab.offer(b'{"store": "A", "receipt": "1", "date": "2026-03-14", "total": 10}\n{broken\n', "day.ndjson")
        await settle()
        (item,) = await made.items()
        headers = decode(item.headers)
        assert (headers["h-file"], headers["h-line"], item.body) == ("day.ndjson", "2", b"{broken\n")
        assert len(made.lab.sent) == 1


CSV = {"routes/ingest.yaml": route("ingest", FROM_FILE.replace("json", "csv") + CHECKED + TO_BUS)}


@pytest.mark.parametrize(
    ("files", "name", "content"),
    [
        (TYPED, "day.json", [sale("1"), {"store": "A", "receipt": "77"}]),  # a member is missing
        (SALES | CSV, "day.csv", b"store,receipt,date,total\nA,77,2026-03-14\n"),  # a cell is missing
    ],
)
@virtual
async def test_a_record_refused_at_the_door_is_found_by_the_keys_that_can_be_read(
    files: dict[str, str], name: str, content: Any
) -> None:
    async with bench() as made, running(made, files) as engine:
        made.lab.offer(content, name)
        await settle()
        (item,) = await made.items()
        asked = [
            ("77", "receipt", []),
            ("77", "", []),
            ("77", "receipt", [("file", name)]),
            ("A", "store", [("", "77")]),
        ]
        for text, key, more in asked:
            assert [found["id"] for found in (await engine.control.trace(text, key, more))["work"]] == [item.id]
        assert (await engine.control.trace("77", "receipt", [("file", "other")]))["work"] == []
        assert (await engine.control.trace("77", "store"))["work"] == []
        listed = await engine.control.work_list(text="77", name="receipt")
        assert [found["id"] for found in listed["items"]] == [item.id]


@virtual
async def test_a_key_with_a_control_character_in_a_file_is_a_work_item() -> None:
    async with bench() as made, running(made, TYPED) as engine:
        made.lab.offer([sale("1"), sale("2\n")], "day.json")
        await settle()
        (item,) = await made.items()
        assert (item.reason, decode(item.search)) == ("control-character", {"file": "day.json", "store": "A"})
        assert [request["reference"] for request in made.lab.requests()] == ["1"]
        assert made.lab.acked == [("day.json", 1)]
        assert [found["id"] for found in (await engine.control.trace("A", "store"))["work"]] == [item.id]


@virtual
async def test_who_sends_a_key_with_a_control_character_is_told_and_nothing_is_kept() -> None:
    async with bench() as made, running(made, TYPED):
        answered: list[object] = []

        async def ack(refused: int) -> None:
            answered.append(refused)

        async def release(failure: Failure) -> None:
            answered.append((type(failure), failure.reason))

        for receipt in ("1\n", "1", "2"):
            content = encode([sale("3"), sale(receipt)])
            made.lab.inbox.put_nowait(Arrival("/hook", ack, release, content, headers={"path": "/hook"}, told=True))
            await settle()
        assert answered == [(Permanent, "control-character"), 0, 0]
        assert await made.items() == []
        assert sorted(request["reference"] for request in made.lab.requests()) == ["1", "2", "3"]


@virtual
async def test_a_private_key_of_a_refused_record_is_written_nowhere() -> None:
    private = SALE_TYPE.replace("search: {receipt: receipt}", "search: {receipt: receipt}\n  private: [receipt]")
    async with bench() as made, running(made, TYPED | {"mappings/schemas/sale@1.yaml": private}) as engine:
        made.lab.offer([{"store": "A", "receipt": "77"}], "day.json")
        await settle()
        (item,) = await made.items()
        assert decode(item.search) == {"file": "day.json", "receipt": "***", "store": "A"}
        assert (await engine.control.trace("77", "receipt"))["work"] == []


@virtual
async def test_a_document_that_cannot_be_read_is_one_work_item_and_the_source_lets_go() -> None:
    async with bench() as made, running(made, SALES):
        made.lab.offer(b"<xml/>", "day.json")
        await settle()
        (item,) = await made.items()
        assert (item.level, item.reason) == ("record", "corrupt-document")
        assert made.lab.acked == [("day.json", 1)]


@virtual
async def test_a_document_without_a_record_is_found_by_its_file() -> None:
    async with bench() as made, running(made, SALES):
        made.lab.offer([], "none.json")
        made.lab.offer([sale("1")], "one.json")
        await settle()
        story = [(line.route, line.what, line.detail) for line in await made.story("none.json")]
        assert story == [
            ("ingest", "read", "0 records: nothing follows from it"),
            ("ingest", "archived", "as none.json in the lab"),
        ]
        assert ("none.json", 0) in made.lab.acked and await made.items() == []
        assert "archived" not in [line.what for line in await made.story("one.json")]


@virtual
async def test_a_document_without_a_record_is_let_go_of_when_its_line_is_written() -> None:
    async with bench() as made, running(made, SALES):
        real, down = made.store.apply, [True]

        async def apply(op: Any) -> Any:
            if down[0] and isinstance(op, JournalAppend):
                raise StoreDown("the disk is full")
            return await real(op)

        made.store.apply = apply
        made.lab.offer([], "none.json")
        await settle(5)
        assert made.lab.acked == []
        down[0] = False
        await settle(5)
        assert made.lab.acked == [("none.json", 0)]
        assert next(line.what for line in await made.story("none.json")) == "read"


@virtual
async def test_a_corrected_record_enters_again_under_its_own_identity() -> None:
    async with bench() as made, running(made, TYPED) as engine:
        made.lab.offer([{**sale("1"), "total": "ten"}], "day.json")
        await settle()
        (item,) = await made.items()
        fixed = item.body.replace(b'"ten"', b"10")
        edit = WorkEdit(item.id, item.version, item.headers, fixed, "typed by hand", made.clock.now())
        assert await made.store.apply(edit)
        (item,) = await made.items()
        await engine.control._decisions.replay(item, ME)
        await settle()
        assert made.lab.requests() == [{"reference": "1", "total": 10}]
        assert await made.items() == []


@virtual
async def test_card_numbers_are_masked_before_anything_is_written() -> None:
    card = "4111111111111111"
    async with bench() as made, running(made, TYPED):
        made.lab.offer([sale("1", note=f"paid with {card}"), {"store": card}], f"day-{card}.json")
        made.lab.offer(b'{"broken": ' + card.encode(), "bad.json")
        await settle()
        dump = await whole_database(made)
        assert "411111******1111" in dump and card not in dump


async def whole_database(made: Bench) -> str:
    """Everything that was ever written, as text."""
    connection = made.database._writer
    assert connection is not None
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return "\n".join(str(row) for table in tables for row in connection.execute(f'SELECT * FROM "{table}"'))


@virtual
async def test_a_native_record_is_known_by_content_and_position() -> None:
    async with bench() as made, running(made, alone(TO_ERP)):
        made.lab.offer([sale("1"), sale("1")], "a.json")
        made.lab.offer([sale("1"), sale("1")], "b.json")
        await settle()
        assert len({key for _, key, _ in made.lab.sent}) == 2


@virtual
async def test_a_source_s_own_id_decides_before_the_content_does() -> None:
    async with bench() as made, running(made, alone(TO_ERP)):
        for total in (1, 2):
            made.lab.offer(sale("1", total=total), "hook", id="evt-7")
            await settle()
        made.lab.offer(sale("1", total=1), "hook", id="evt-8")
        await settle()
        assert [request["total"] for request in made.lab.requests()] == [1, 1]
        assert [item.reason for item in await made.items()] == ["idempotency-conflict"]


@virtual
async def test_what_a_source_refuses_itself_is_a_work_item() -> None:
    async with bench() as made, running(made, SALES):
        acked: list[int] = []

        async def ack(refused: int) -> None:
            acked.append(refused)

        async def release(failure: object) -> None:
            acked.append(-1)

        made.lab.inbox.put_nowait(Arrival("big.bin", ack, release, failure=Permanent("too-large", "10 GB"), id="x"))
        await settle()
        assert acked == [1] and [item.reason for item in await made.items()] == ["too-large"]


@virtual
async def test_an_arrival_is_given_back_when_the_transport_takes_nothing_for_long() -> None:
    async with bench() as made, running(made, SALES) as engine:
        await settle(1)
        object.__setattr__(engine.cell, "transport", Blocked())
        made.lab.offer([sale("1")], "day.json")
        await settle(60)
        assert made.lab.released == [("day.json", "transport-blocked")] and made.lab.acked == []


class Blocked:
    """A transport that takes nothing."""

    async def publish(self, batch: object) -> object:
        raise TransportBlocked("disk full")


ORDERED = SALE_TYPE.replace("  key:", "  order_by: store\n  key:")


@virtual
async def test_ordered_events_are_numbered_where_they_are_born_and_keep_their_number() -> None:
    files = alone("accepts: sale@1\n" + TO_ERP) | {"mappings/schemas/sale@1.yaml": ORDERED}
    async with bench() as made, running(made, files):
        day = [sale("1"), sale("2"), sale("1", store="B")]
        made.lab.offer(day, "a.json")
        await settle()
        made.lab.offer([*day, sale("3")], "b.json")
        await settle()
        rows = made.database._writer.execute("SELECT order_key, number FROM order_number ORDER BY 1, 2").fetchall()
        assert rows == [("A", 1), ("A", 2), ("A", 3), ("B", 1)]


@pytest.mark.parametrize(
    ("answer", "replies", "released"),
    [("10", [{"body": {"total": 10}}], []), ("9000", [], [("ask", "too-much")])],
)
@virtual
async def test_a_synchronous_request_gets_its_reply_through_the_same_pipeline(
    answer: str, replies: list[object], released: list[object]
) -> None:
    rest = """steps:
  - {id: small, check: [{that: "total < `5000`", otherwise: {work_item: too-much}}]}
reply: {body: {total: total}}
"""
    async with bench() as made, running(made, alone(rest + TO_ERP)):
        await settle(1)
        made.lab.offer(sale("1", total=int(answer)), "ask", wants_reply=True)
        await settle()
        assert made.lab.replies == replies and made.lab.released == released
        assert len(made.lab.sent) == len(replies)
        assert await made.items() == []
