"""A record that is edited and replayed: it gives its record, or its item stays open and says why."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import Permanent, TransportBlocked
from engine.core.jsonx import decode
from engine.ports.store.work import WorkEdit
from tests.fixtures.sale import SALE_TYPE
from tests.runtime.lab import Bench, bench, running, sale, settle, virtual
from tests.runtime.routes import FROM_FILE, SALES, TO_ERP, posting, route

ME = ("anna", "a test")
FIXED = "{fixed_width: {lines: [{type: sale, fields: [{name: receipt, from: 1, length: 4, type: integer}, {name: total, from: 5, length: 3, type: text}]}]}}"
SMALL = 'steps:\n  - {id: small, check: [{that: "total < `5`", otherwise: {work_item: too-much}}]}\n'
HEADER = b"receipt,total\n"


def of(format: str) -> dict[str, str]:
    return {"routes/one.yaml": route("one", FROM_FILE.replace("json", format) + TO_ERP, "operational")}


async def one_item(made: Bench, content: bytes, name: str = "day.txt") -> Any:
    made.lab.offer(content, name)
    await settle()
    (item,) = await made.items()
    return item


async def forced(made: Bench, item: Any, body: bytes) -> None:
    """An edit as it was taken once."""
    edit = WorkEdit(item.id, item.version, item.headers, body, "by hand", made.clock.now())
    assert await made.store.apply(edit)


@virtual
async def test_a_corrected_line_without_its_header_is_refused_and_nothing_is_lost() -> None:
    async with bench() as made, running(made, of("csv")) as engine:
        item = await one_item(made, HEADER + b"1001,5.00,oops\n")

        with pytest.raises(Permanent, match="keep line 1 and put the corrected line below it"):
            await engine.control.work_edit(item.id, "1001,5.00\n", *ME)
        assert (await made.items()) == [item]

        await forced(made, item, b"1001,5.00\n")
        with pytest.raises(Permanent, match="a header row and no record"):
            await engine.control.work_replay(item.id, *ME)
        (open_,) = await made.items()
        assert (open_.state, made.lab.requests()) == ("open", [])

        await engine.control.work_edit(item.id, "receipt,total\n1001,5.00\n", *ME)
        told = await engine.control.work_replay(item.id, *ME)
        await settle()
        assert told["text"].endswith("was taken in again: 1 record")
        assert made.lab.requests() == [{"reference": "1001", "total": "5.00"}]
        assert await made.items() == []


@pytest.mark.parametrize(
    ("format", "bad", "empty"),
    [
        ("json", b"{broken", b"[]"),
        ("ndjson", b"{broken\n", b"\n"),
        ("{xml: {record: o/l}}", b"<o><l></o>", b"<o></o>"),
        (FIXED, b"abcd\n", b"\n"),
        ("csv", HEADER + b"1,2,3\n", b"1,2\n"),
    ],
)
@virtual
async def test_what_holds_no_record_stays_open(format: str, bad: bytes, empty: bytes) -> None:
    async with bench() as made, running(made, of(format)) as engine:
        item = await one_item(made, bad)

        with pytest.raises(Permanent, match=r"no record|edit is empty"):
            await engine.control.work_edit(item.id, empty.decode(), *ME)
        await forced(made, item, empty)
        with pytest.raises(Permanent, match=r"no record|document is empty"):
            await engine.control.work_replay(item.id, *ME)

        assert [one.id for one in await made.items()] == [item.id]
        assert made.lab.requests() == []


@virtual
async def test_a_row_must_not_take_the_place_of_the_header() -> None:
    async with bench() as made, running(made, of("csv")) as engine:
        item = await one_item(made, HEADER + b"1,2,3\n")
        with pytest.raises(Permanent, match="the header row is gone"):
            await engine.control.work_edit(item.id, "1,2\n2,3\n", *ME)
        assert (await engine.control.work_edit(item.id, "receipt,total\r\n1,2\r\n", *ME))["edits"] == 1
        assert (await engine.control.work_edit(item.id, "receipt,total\n1,3\n", *ME))["edits"] == 2


@virtual
async def test_an_edit_that_is_still_bad_may_be_kept() -> None:
    async with bench() as made, running(made, of("csv")) as engine:
        item = await one_item(made, HEADER + b"1,2,3\n")
        shown = await engine.control.work_edit(item.id, "receipt,total\n1,2,3,4\n", *ME)
        assert shown["edits"] == 1


@virtual
async def test_several_records_in_the_place_of_one_are_not_taken_for_one() -> None:
    async with bench() as made, running(made, of("csv")) as engine:
        item = await one_item(made, HEADER + b"1,2,3\n")
        await engine.control.work_edit(item.id, "receipt,total\n1,2\n2,3\n", *ME)
        with pytest.raises(Permanent, match="2 records in the place of one"):
            await engine.control.work_replay(item.id, *ME)
        assert made.lab.requests() == []


@virtual
async def test_several_records_with_keys_of_their_own_are_told() -> None:
    ingest = route(
        "ingest", FROM_FILE.replace("json", "ndjson") + "accepts: sale@1\nto:\n  - {id: sales, event: sale@1}\n"
    )
    files = SALES | {"routes/ingest.yaml": ingest, "mappings/schemas/sale@1.yaml": SALE_TYPE}
    async with bench() as made, running(made, files) as engine:
        item = await one_item(made, b"{broken\n", "day.ndjson")
        lines = "".join(f'{{"store":"A","receipt":"{n}","date":"2026-03-14","total":1}}\n' for n in (1, 2))
        await engine.control.work_edit(item.id, lines, *ME)
        told = await engine.control.work_replay(item.id, *ME)
        await settle()
        assert "2 records in the place of one" in told["text"]
        assert [one["reference"] for one in made.lab.requests()] == ["1", "2"]


@virtual
async def test_a_whole_document_says_how_many_it_gave() -> None:
    async with bench() as made, running(made, of("json")) as engine:
        item = await one_item(made, b"{broken")
        await engine.control.work_edit(item.id, '[{"receipt": "1", "total": 1}, {"receipt": "2", "total": 2}]', *ME)
        told = await engine.control.work_replay(item.id, *ME)
        assert told["text"].endswith("was taken in again: 2 records of the whole document")


@virtual
async def test_a_replay_in_vain_is_counted_and_leaves_its_trace() -> None:
    async with bench() as made, running(made, of("csv")) as engine:
        item = await one_item(made, HEADER + b"1,2,3\n", "day.csv")
        for _ in range(3):
            await settle(5)
            with pytest.raises(Permanent, match="it fails again"):
                await engine.control.work_replay(item.id, *ME)

        told = await engine.control.work_show(item.id)
        assert (told["state"], told["attempts"], told["failed_again"]) == ("open", 4, True)
        assert told["created"] < told["last_try"] == told["updated"]
        story = [(line.what, line.attempt) for line in await made.story("day.csv")]
        assert story == [step for n in (2, 3, 4) for step in (("replayed", n), ("work-item", n))]
        audit = await engine.control.audit()
        actions = [row["action"] for row in audit["rows"]]
        assert actions == [*["work.replay"] * 3, "revision.activate"], "the last one is the start"


@virtual
async def test_an_event_that_fails_again_counts_its_tries() -> None:
    files = posting(SMALL)
    async with bench() as made, running(made, files) as engine:
        made.lab.offer([sale("1")], "day.json")
        await settle()
        (item,) = await made.items()
        for _ in range(2):
            await engine.control.work_replay(item.id, *ME)
            await settle()

        told = await engine.control.work_show(item.id)
        assert (told["state"], told["attempts"], told["failed_again"]) == ("open", 3, True)
        assert told["last_try"]
        tries = [line.attempt for line in await made.story(item.event_id) if line.what == "work-item"]
        assert tries == [1, 2, 3]


@virtual
async def test_what_the_transport_does_not_take_is_no_try() -> None:
    async with bench() as made, running(made, of("csv")) as engine:
        item = await one_item(made, HEADER + b"1,2,3\n")
        await engine.control.work_edit(item.id, "receipt,total\n1,2\n", *ME)
        real = made.transport.publish

        async def blocked(*_: Any, **__: Any) -> None:
            raise TransportBlocked("the disk is full")

        made.transport.publish = blocked
        with pytest.raises(Permanent, match="it fails again"):
            await engine.control.work_replay(item.id, *ME)
        made.transport.publish = real
        (open_,) = await made.items()
        assert open_.attempts == 1 and "last_try" not in decode(open_.data)


@virtual
async def test_the_id_of_an_item_finds_the_story_of_its_event() -> None:
    files = posting(SMALL)
    async with bench() as made, running(made, files) as engine:
        made.lab.offer([sale("1")], "day.json")
        await settle()
        (item,) = await made.items()
        told = await engine.control.trace(item.id[:8])
        assert {line["event_id"] for line in told["entries"]} >= {item.event_id}
        assert [one["id"] for one in told["work"]] == [item.id]


@virtual
async def test_of_several_keys_all_must_hold() -> None:
    async with bench() as made, running(made, SALES) as engine:
        made.lab.offer([sale("1", "A"), sale("1", "B"), sale("2", "A")], "day.json")
        await settle()

        async def traced(text: str, name: str, *more: tuple[str, str]) -> int:
            told = await engine.control.trace(text, name, more)
            return len({line["trace"] for line in told["entries"]})

        assert await traced("1", "receipt") == 2
        assert await traced("1", "receipt", ("file", "day.json")) == 2
        assert await traced("day.json", "file", ("receipt", "2")) == 1
        assert await traced("1", "receipt", ("receipt", "2")) == 0
        assert await traced("1", "", ("", "day.json")) == 2


@virtual
async def test_a_key_that_there_is_not_is_told_with_the_nearest() -> None:
    async with bench() as made, running(made, SALES) as engine:
        told = await engine.control.trace("1001", "recipt")
        assert told["unknown"].startswith("there is no key `recipt`; did you mean `receipt`? keys are file, ")
        assert told["unknown"].endswith(", receipt")
        assert "unknown" not in await engine.control.trace("1001", "receipt")
