"""What people are told: what does not run, what was refused at the door, and where a thing in hand came from."""

from __future__ import annotations

import pytest

from engine.core.errors import Permanent, Throttled, Transient
from engine.core.quoting import EXCERPT
from engine.plugins.contracts import Arrival
from engine.runtime.people.journal import document_entry, entry
from tests.runtime.lab import bench, running, sale, settle, virtual
from tests.runtime.routes import CHECKED, FROM_FILE, SALES, TO_BUS, TO_ERP, route
from tests.runtime.support import event

TYPED = SALES | {"routes/ingest.yaml": route("ingest", FROM_FILE + "accepts: sale@1\n" + TO_BUS)}
LINES = SALES | {"routes/ingest.yaml": route("ingest", FROM_FILE.replace("json", "ndjson") + CHECKED + TO_BUS)}


@virtual
async def test_status_and_health_tell_what_does_not_run() -> None:
    async with bench() as made, running(made, TYPED) as engine:
        await settle()
        engine.sources["ingest"]._standing.failed("127.0.0.1:80: Address already in use")
        told = {"part": "source/ingest", "why": "127.0.0.1:80: Address already in use"}
        assert (await engine.control.status())["problems"] == [told]
        assert not (await engine.control.health())["healthy"]


@virtual
async def test_an_open_breaker_says_why_and_when_it_asks_again() -> None:
    async with bench() as made, running(made, TYPED) as engine:
        made.lab.offer([sale("1")])
        await settle()
        (gate,) = engine.pool.gates()
        for _ in range(1000):
            gate.end(0.1, Transient("unreachable", "the ERP refused the connection"), probe=False)
        (problem,) = (await engine.control.status())["problems"]
        assert problem["part"] == "connection/outside"
        assert "unreachable: the ERP refused the connection" in problem["why"]
        assert f"the next probe is in {round(gate.breaker.retry_after())} s" in problem["why"]


@virtual
async def test_records_of_a_file_are_found_by_its_name() -> None:
    async with bench() as made, running(made, TYPED) as engine:
        made.lab.offer([sale("1"), {"store": "A"}], "day.json")
        await settle()
        trace = await engine.control.trace("day.json", "file")
        assert {"received", "applied"} <= {entry["what"] for entry in trace["entries"]}
        assert [item["reason"] for item in trace["work"]] == ["schema-violation"]
        found = await engine.control.work_list(text="day.json", name="file")
        assert len(found["items"]) == 1
        assert (await engine.control.work_list(text="day.json", name="receipt"))["items"] == []


@virtual
@pytest.mark.parametrize("content, what", [(b'{"receipt": "1", "total": 1}', "received"), (b"[]", "read"), (b"{", "")])
async def test_webhooks_are_found_by_their_path_and_the_senders_id(content: bytes, what: str) -> None:
    """Whatever is in them: an event without a type, no record at all, or what nobody can read."""
    files = {"routes/one.yaml": route("one", FROM_FILE + TO_ERP)}
    async with bench() as made, running(made, files) as engine:

        async def nothing(answer: object) -> None:
            return None

        hook = Arrival("/h/open", nothing, nothing, content, id="evt-1", headers={"path": "/h/open"})  # type: ignore[arg-type]
        made.lab.inbox.put_nowait(hook)
        await settle()
        for text, name in (
            ("/h/open", "file"),
            ("/h/open", "path"),
            ("/h/open", ""),
            ("evt-1", "sender_id"),
            ("evt-1", ""),
        ):
            trace = await engine.control.trace(text, name)
            assert "unknown" not in trace
            assert {what} - {""} <= {entry["what"] for entry in trace["entries"]}
            assert bool(trace["entries"]) == bool(what)
            if name:
                listed = (await engine.control.work_list(text=text, name=name))["items"]
                assert len(trace["work"]) == len(listed) == (0 if what else 1)
        assert not (await engine.control.trace("/h/other", "path"))["entries"]


@virtual
async def test_records_are_found_by_keys_of_the_type_they_are_validated_against() -> None:
    """Neither accepted nor published: the first steps say what they are."""
    split = "  - {id: lines, split: {in: lines, as: line, key: line.sku}}\n"
    rule = "  - {id: known, check: [{that: \"line.sku != 'B'\", otherwise: {work_item: unknown-sku}}]}\n"
    files = {"routes/one.yaml": route("one", FROM_FILE + CHECKED + split + rule + TO_ERP)}
    async with bench() as made, running(made, files) as engine:
        made.lab.offer([sale("7", lines=[{"sku": "A"}, {"sku": "B"}]), sale("8", lines=[])], "day.json")
        await settle()
        trace = await engine.control.trace("7", "receipt")
        (item,) = (await engine.control.work_list(text="7", name="receipt"))["items"]
        assert {entry["what"] for entry in trace["entries"]} == {"received", "work-item"}
        assert item["search"] == {"receipt": "7", "file": "day.json"}
        assert item["detail"].startswith("item B: ")


@virtual
async def test_a_trace_goes_on_with_the_group_an_event_joined() -> None:
    day = "$id: day@1\ntitle: A day\ntype: object\nrequired: [total]\nproperties: {total: {type: number}}\n"
    group = "  - {id: day, aggregate: {by: [store], complete: {within: 5s}, sum: {total: total}, output: day@1}}\n"
    to = TO_ERP.replace("reference: receipt, ", "")
    files = {"routes/one.yaml": route("one", FROM_FILE + CHECKED + group + to), "mappings/schemas/day@1.yaml": day}
    async with bench() as made, running(made, files) as engine:
        made.lab.offer([sale("1"), sale("2")])
        await settle(60)
        trace = await engine.control.trace("1", "receipt")
        assert made.lab.requests() == [{"total": 20}]
        assert {"received", "continued", "applied"} <= {entry["what"] for entry in trace["entries"]}


@virtual
async def test_what_is_refused_at_the_door_is_counted_by_route() -> None:
    async with bench() as made, running(made, TYPED) as engine:
        made.lab.offer([{"store": "A"}, {"store": "B"}], "day.json")
        await settle()
        assert (await engine.control.status())["refused"] == [{"route": "ingest", "count": 2}]


@virtual
async def test_what_was_refused_unread_is_not_replayed_into_nothing() -> None:
    async with bench() as made, running(made, TYPED) as engine:

        async def ack(refused: int) -> None:
            made.lab.acked.append(("x", refused))

        async def release(failure: object) -> None:
            raise AssertionError(failure)

        unsafe = Permanent("unsafe-file-name", "too long")
        made.lab.inbox.put_nowait(Arrival("x", ack, release, failure=unsafe, id="x"))
        await settle()
        (item,) = await made.items()
        assert (item.level, item.reason, made.lab.acked) == ("record", "unsafe-file-name", [("x", 1)])
        with pytest.raises(Permanent, match="unread"):
            await engine.control.work_replay(item.id, "anna", "again")
        assert [one.id for one in await made.items()] == [item.id]


@virtual
async def test_a_bad_line_keeps_its_one_place_on_replay() -> None:
    async with bench() as made, running(made, LINES) as engine:
        good = b'{"store": "A", "receipt": "1", "date": "2026-03-14", "total": 10}\n'
        made.lab.offer(good + b'{"store" 1}\n', "day.ndjson")
        await settle()
        (item,) = await made.items()
        assert item.detail.startswith("day.ndjson, line 2, column 10: ")
        with pytest.raises(Permanent, match=r"day\.ndjson, line 2, column 10: "):
            await engine.control.work_replay(item.id, "anna", "again")


@virtual
async def test_an_id_nobody_has_and_one_that_several_have_are_told_apart() -> None:
    async with bench() as made, running(made, TYPED) as engine:
        made.lab.offer([{"store": str(number)} for number in range(17)], "day.json")
        await settle()
        first = [item.id[0] for item in await made.items()]
        twice = next(char for char in first if first.count(char) > 1)
        with pytest.raises(Permanent, match="no work item begins with `zzz`"):
            await engine.control.work_show("zzz")
        with pytest.raises(Permanent, match=f"{first.count(twice)} work items begin with `{twice}`"):
            await engine.control.work_show(twice)


def test_a_long_detail_is_an_excerpt_in_the_journal() -> None:
    """A system may answer a megabyte of text; its beginning and its end are enough to know it by."""
    long = f"refused: {'x' * 1_000_000} at the end"
    for line in (
        entry(event(), "posting", "retrying", 1, detail=long),
        document_entry("d", "posting", "read", 1, file="", detail=long),
    ):
        assert len(line.detail) == EXCERPT
        assert line.detail.startswith("refused: ") and line.detail.endswith(" at the end")


@virtual
async def test_what_a_system_answers_at_length_is_an_excerpt_wherever_it_is_written() -> None:
    async with bench() as made, running(made, SALES) as engine:
        made.lab.fail += [Throttled("too-many", "x" * 1_000_000, after=1.0), Transient("away", "y" * 1_000_000)]
        made.lab.offer([sale("1")])
        await settle(60)
        details = [
            line["detail"] for line in (await engine.control.trace("1"))["entries"] if line["what"] == "retrying"
        ]
        assert len(details) == 2
        assert max(map(len, details)) == EXCERPT
