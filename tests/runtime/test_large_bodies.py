"""Bodies above 256 KiB travel as blobs: everywhere whole where they are used, nowhere large where they wait."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

import pytest

from engine.core.errors import Permanent, StoreDown, Transient
from engine.core.jsonx import encode
from engine.ports.transport import Address, Outgoing, Topology
from engine.runtime.carrying import largebodies
from engine.runtime.carrying.codec import BLOB
from engine.runtime.carrying.largebodies import LARGE, LightTransport
from tests.fixtures.sale import SALE_TYPE
from tests.runtime.killing import Fate, killed_life
from tests.runtime.lab import Bench, bench, figures_of, running, sale, settle, virtual
from tests.runtime.routes import SALES, posting

SIZES = [300 << 10, 5 << 20]
TO = "to:\n  - {id: erp, use: lab, connection: outside, action: post, with: {reference: receipt, extra: note}}\n"
ORDERED = TO.replace("}}", "}, ordered: {}}")
DELAY = "steps:\n  - {id: later, delay: {for: 5m}}\n"
GROUP = """steps:
  - id: daily
    aggregate: {by: store, complete: {within: 1h, count: 2}, first: {store: store, receipt: receipt, date: date,
      total: total, note: note}, output: sale@1}
"""
NOTE = "n" * SIZES[0]
TABLES = ("item", "held", "timer", "member", "work_item")
WHO = {"actor": "anna", "reason": "test"}


def large(receipt: str = "1", note: str = NOTE, **more: Any) -> dict[str, Any]:
    return sale(receipt, note=note, **more)


async def stored_sizes(made: Bench) -> dict[str, int]:
    """The largest body of every table that keeps some."""

    def largest(connection: Connection) -> dict[str, int]:
        sql = "SELECT coalesce(max(length(body)), 0) FROM {}"
        return {name: connection.execute(sql.format(name)).fetchone()[0] for name in TABLES}

    return made.database.read(largest)


async def only_item(made: Bench, reason: str) -> str:
    (item,) = await made.items()
    assert item.reason == reason
    return item.id


def losing(made: Bench) -> Mapping[str, bytes]:
    """Take all blobs away; answers them."""
    kept, made.blobs.kept = made.blobs.kept, {}
    return kept


@pytest.mark.parametrize("size", SIZES)
@virtual
async def test_a_large_sale_reaches_its_sink_whole_and_once(size: int) -> None:
    note = "n" * size
    async with bench() as made, running(made, posting(to=TO)) as engine:
        for _ in range(2):
            made.lab.offer([large(note=note), sale("2", note="small")])
            await settle()

        assert sorted(len(request["extra"]) for request in made.lab.requests()) == [5, size]
        assert (await figures_of(engine, "ingest"))["duplicates"] == 2
        assert made.blobs.kept and all(len(content) > LARGE for content in made.blobs.kept.values())


@pytest.mark.parametrize("size", SIZES)
@virtual
async def test_while_it_waits_for_another_try_no_row_is_large(size: int) -> None:
    note = "n" * size
    async with bench() as made, running(made, posting(to=TO)):
        made.lab.fail = [Transient("away"), Transient("away")]
        made.lab.offer([large(note=note)])
        await settle(0.5)
        assert made.lab.sent == [] and max((await stored_sizes(made)).values()) < LARGE
        await settle(60)
        assert [len(request["extra"]) for request in made.lab.requests()] == [size]


@pytest.mark.parametrize("size", SIZES)
@virtual
async def test_a_work_item_is_shown_edited_and_replayed_whole(size: int) -> None:
    note = "n" * size
    async with bench() as made, running(made, posting(to=TO)) as engine:
        made.lab.fail = [Permanent("refused")]
        made.lab.offer([large(note=note)])
        await settle()
        assert (await stored_sizes(made))["work_item"] < LARGE
        item = await only_item(made, "refused")

        body = (await engine.control.work_show(item))["body"]
        assert body == {"reference": "1", "extra": note}
        edited = await engine.control.work_edit(item, {**body, "extra": note + "!"}, **WHO)
        assert edited["body"]["extra"] == note + "!" and (await stored_sizes(made))["work_item"] < LARGE
        await engine.control.work_replay(item, **WHO)
        await settle()

        assert [(key[-3:], request["extra"]) for _, key, request in made.lab.sent] == [(":r1", note + "!")]


@virtual
async def test_an_edit_that_makes_it_small_leaves_no_reference_behind() -> None:
    async with bench() as made, running(made, posting(to=TO)) as engine:
        made.lab.fail = [Permanent("refused")]
        made.lab.offer([large()])
        await settle()
        item = await only_item(made, "refused")

        await engine.control.work_edit(item, {"reference": "1", "extra": "short"}, **WHO)
        losing(made)
        await engine.control.work_replay(item, **WHO)
        await settle()

        assert made.lab.requests() == [{"reference": "1", "extra": "short"}]


@virtual
async def test_an_event_and_a_record_are_replayed_whole() -> None:
    strict = 'steps:\n  - {id: small, check: [{that: "total < `1000`", otherwise: {work_item: too-much}}]}\n'
    async with bench() as made:
        async with running(made, posting(strict, TO)):
            made.lab.offer([large(total=5000), {"receipt": "2", "note": NOTE}])
            await settle()
            assert sorted(item.reason for item in await made.items()) == ["schema-violation", "too-much"]
            assert (await stored_sizes(made))["work_item"] < LARGE
        optional = SALE_TYPE.replace("required: [store, receipt, date, total]", "required: [receipt]")
        loose = optional.replace("store: {type: string}", "store: {type: string, default: B}").replace(
            "date: {type: string}", "date: {type: string, default: '2026-03-14'}"
        )
        loose = loose.replace("total: {type: number}", "total: {type: number, default: 1}")
        async with running(made, posting(to=TO) | {"mappings/schemas/sale@1.yaml": loose}) as engine:
            for item in await made.items():
                await engine.control.work_replay(item.id, **WHO)
            await settle()
            assert [len(request["extra"]) for request in made.lab.requests()] == [len(NOTE)] * 2


@virtual
async def test_held_delayed_and_grouped_ones_wait_small_and_go_on_whole() -> None:
    typed = SALE_TYPE.replace("  guard: total\n", "  guard: total\n  order_by: store\n")
    for steps, to, wait in (("", ORDERED, 60.0), (DELAY, TO, 400.0), (GROUP, TO, 60.0)):
        async with bench() as made, running(made, posting(steps, to) | {"mappings/schemas/sale@1.yaml": typed}):
            made.lab.fail = [Transient("away")] if to == ORDERED else []
            made.lab.offer([large("1"), large("2")])
            await settle(0.5)
            sizes = await stored_sizes(made)
            assert max(sizes.values()) < LARGE
            await settle(wait)
            expected = [len(NOTE)] if steps == GROUP else [len(NOTE)] * 2
            assert [len(request["extra"]) for request in made.lab.requests()] == expected


@pytest.mark.parametrize("criticality", ["financial", "operational"])
@virtual
async def test_an_event_whose_blob_is_gone_waits_as_a_work_item_until_it_is_back(criticality: str) -> None:
    async with bench() as made, running(made, posting(DELAY, TO, criticality)) as engine:
        made.lab.offer([large(), large("2", note="small")])
        await settle(10)
        kept = losing(made)
        await settle(400)
        item = await only_item(made, "blob-missing")
        assert made.lab.requests() == [{"reference": "2", "extra": "small"}]

        await engine.control.work_replay(item, **WHO)
        await settle()
        assert await only_item(made, "blob-missing") == item

        made.blobs.kept.update(kept)
        await engine.control.work_replay(item, **WHO)
        await settle()
        assert [len(request["extra"]) for request in made.lab.requests()] == [5, len(NOTE)]
        assert await made.items() == []
        if criticality == "financial":
            figures = await figures_of(engine, "posting")
            assert figures["balanced"] and figures["applied"] == 2


@virtual
async def test_an_event_lost_between_ingress_and_router_is_counted_and_replayed() -> None:
    async with bench() as made:
        fate = Fate(on=lambda what: getattr(what[0], "to", None) == Address("event", "sale") if what else False)
        made.lab.offer([large()])
        await killed_life(made, posting(to=TO), fate)
        kept = losing(made)
        async with running(made, posting(to=TO)) as engine:
            await settle(120)
            item = await only_item(made, "blob-missing")
            made.blobs.kept.update(kept)
            await engine.control.work_replay(item, **WHO)
            await settle()
            assert [len(request["extra"]) for request in made.lab.requests()] == [len(NOTE)]
            assert await made.items() == []


@virtual
async def test_a_delivery_whose_blob_is_gone_waits_and_is_sent_when_it_is_back() -> None:
    async with bench() as made, running(made, posting(to=TO)) as engine:
        made.lab.fail = [Transient("away")]
        made.lab.offer([large()])
        await settle(0.5)
        kept = losing(made)
        await settle(60)
        item = await only_item(made, "blob-missing")
        assert (await engine.control.work_show(item))["body"] is None
        figures = await figures_of(engine, "posting")
        assert figures["work_items"] == 1 and figures["balanced"]

        made.blobs.kept.update(kept)
        await engine.control.work_replay(item, **WHO)
        await settle()

        assert [len(request["extra"]) for request in made.lab.requests()] == [len(NOTE)]


@virtual
async def test_a_group_with_a_lost_member_waits_and_goes_on_by_itself() -> None:
    async with bench() as made, running(made, posting(GROUP, TO)) as engine:
        made.lab.offer([large("1")])
        await settle()
        kept = losing(made)
        made.lab.offer([sale("2", note="small")])
        await settle()
        item = await only_item(made, "blob-missing")
        assert made.lab.sent == []
        with pytest.raises(Permanent, match="goes on by itself"):
            await engine.control.work_replay(item, **WHO)

        made.blobs.kept.update(kept)
        await settle(120)

        assert [len(request["extra"]) for request in made.lab.requests()] == [len(NOTE)]


@virtual
async def test_a_crash_between_blob_and_publish_loses_and_doubles_nothing() -> None:
    story = posting(to=TO)
    async with bench() as made:
        counting = Fate()
        made.lab.offer([large()])
        await killed_life(made, story, counting)
        assert len(made.lab.sent) == 1
    for at in range(1, counting.count + 1):
        for done_first in (False, True):
            async with bench() as made:
                made.lab.offer([large()])
                await killed_life(made, story, Fate(at, done_first=done_first))
                async with running(made, story):
                    if not made.lab.acked:
                        made.lab.offer([large()])
                    await settle(120)
                    assert len({key for _, key, _ in made.lab.sent}) == 1
                    assert await made.items() == []


@virtual
async def test_a_disk_that_takes_no_blob_only_makes_it_wait() -> None:
    async with bench() as made, running(made, posting(to=TO)):
        put = made.blobs.put

        async def full(content: bytes) -> str:
            raise StoreDown("no space left")

        made.blobs.put = full  # type: ignore[method-assign]
        made.lab.offer([large()])
        await settle(5)
        assert made.lab.sent == [] and made.lab.acked == []
        made.blobs.put = put  # type: ignore[method-assign]
        await settle(30)
        assert len(made.lab.sent) == 1 and await made.items() == []


@virtual
async def test_only_so_many_large_bodies_are_fetched_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(largebodies, "ENOUGH", 2 * LARGE)
    async with bench() as made:
        transport, queue = LightTransport(made.transport, made.blobs), Address("lane", "x")
        await transport.declare(Topology((queue,)))
        bodies = [encode(f"{number}" * (LARGE + 1)) for number in range(4)]
        await transport.publish([Outgoing(queue, {}, body) for body in [*bodies, b"1"]])
        subscription = await transport.subscribe(queue, 10)

        first = await subscription.receive(10)
        assert [receipt.body for receipt in first] == bodies[:2]
        await subscription.ack(first[:1])
        second = await subscription.receive(10)
        assert [receipt.body for receipt in second] == [bodies[2]]
        await subscription.ack([*first[1:], *second])
        third = await subscription.receive(10)
        assert [receipt.body for receipt in third] == [bodies[3], b"1"]
        assert all(BLOB not in receipt.headers for receipt in (*first, *second, *third))
        await subscription.close()
        assert await subscription.receive(10) == []
        assert hashlib.sha256(bodies[0]).hexdigest() in made.blobs.kept


@virtual
async def test_small_bodies_make_no_blobs() -> None:
    async with bench() as made, running(made, SALES):
        made.lab.offer([sale()])
        await settle()
        assert made.lab.sent and made.blobs.kept == {}
