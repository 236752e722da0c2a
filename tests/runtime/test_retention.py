"""What is older than `keep` is forgotten once a day, and nothing that is not over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.core.clock import day_of
from engine.core.errors import Permanent
from engine.ports.store import Op
from engine.ports.store.leases import LeaseTake
from engine.ports.store.retention import BlobsNamed
from engine.ports.store.revisions import RevisionGet, RevisionList
from engine.ports.transport import Address, Outgoing, Topology
from engine.runtime.carrying.codec import BLOB
from engine.runtime.people import retention
from tests.runtime.lab import Bench, bench, running, sale, settle, virtual
from tests.runtime.routes import FROM_FILE, TO_ERP, TRAINING, alone, route

DAY = 86400.0  # seconds
ACCEPTED = "accepts: sale@1\n"
TYPED = alone(ACCEPTED + TRAINING + TO_ERP + "keep: 10d\n")


async def daily_look() -> None:
    await settle(2 * retention.FIRST_LOOK)


def today(made: Bench) -> str:
    return day_of(made.clock.now())


async def counts(made: Bench) -> dict[str, int]:
    def count(name: str) -> int:
        return int(
            made.database.read(lambda connection: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])
        )

    return {name: count(name) for name in ("inbox", "ledger", "journal")}


@virtual
async def test_rows_and_lines_go_when_keep_is_over_and_not_before() -> None:
    async with bench() as made:
        async with running(made, TYPED):
            made.lab.offer([sale("1", date=today(made)), sale("2", date=today(made), note="training")])
            await settle()
        before = await counts(made)
        assert before["inbox"] == 2 and before["ledger"] == 1 and before["journal"] > 2
        await asyncio.sleep(DAY * 9)
        async with running(made, TYPED):
            await daily_look()
            assert await counts(made) == before
        await asyncio.sleep(DAY * 3)
        async with running(made, TYPED) as engine:
            await daily_look()
            assert await counts(made) == {"inbox": 0, "ledger": 0, "journal": 0}
            assert (await engine.control.figures())["figures"] == []


@virtual
async def test_an_old_business_day_that_came_in_lately_is_not_old() -> None:
    async with bench() as made, running(made, TYPED):
        made.lab.offer([sale("1", date="2020-01-01")])
        await settle()
        await daily_look()
        assert (await counts(made))["inbox"] == 1
        made.lab.offer([sale("1", date="2020-01-01")], "again")
        await settle()
        assert len(made.lab.sent) == 1


@virtual
async def test_an_open_work_item_keeps_its_day_until_it_is_closed() -> None:
    async with bench() as made:
        async with running(made, TYPED):
            made.lab.fail = [Permanent("refused")]
            made.lab.offer([sale("1", date=today(made)), sale("2", date=today(made))])
            await settle()
        await asyncio.sleep(DAY * 30)
        async with running(made, TYPED) as engine:
            await daily_look()
            assert (await counts(made))["ledger"] == 2
            (item,) = await made.items()
            await engine.control.work_replay(item.id, "anna", "late")
            await settle()
            assert len(made.lab.sent) == 2
        await asyncio.sleep(DAY * 30)
        async with running(made, TYPED):
            await daily_look()
            assert await counts(made) == {"inbox": 0, "ledger": 0, "journal": 0}


@virtual
async def test_what_is_left_of_a_route_that_is_gone_is_forgotten_by_the_longest_keep() -> None:
    other = {"routes/other.yaml": route("other", FROM_FILE + ACCEPTED + TO_ERP)}
    async with bench() as made:
        async with running(made, TYPED):
            made.lab.offer([sale("1", date=today(made))])
            await settle()
        await asyncio.sleep(30 * DAY)
        async with running(made, other):
            await daily_look()
            assert (await counts(made))["inbox"] == 1
        await asyncio.sleep(400 * DAY)
        async with running(made, other):
            await daily_look()
            assert (await counts(made))["inbox"] == 0


@virtual
async def test_revisions_go_unless_an_inbox_row_names_their_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "REVISIONS", 1)
    async with bench() as made:
        for seconds in (20, 21, 22):
            files = {
                name: text.replace("action: post", f"action: post, timeout: {seconds}s") for name, text in TYPED.items()
            }
            async with running(made, files):
                if seconds == 20:
                    made.lab.offer([sale("1", date=today(made))])
                await daily_look()
            await asyncio.sleep(DAY)
        found = sorted(await made.store.apply(RevisionList()), key=lambda one: one.number)
        whole = [await made.store.apply(RevisionGet(one.id)) for one in found]
        assert [bool(one and one.files) for one in whole] == [True, False, True]


@virtual
async def test_it_is_done_once_a_day_by_one_process() -> None:
    async with bench() as made:
        plans = made.engine(TYPED).plans
        ours = retention.Retention(made.cell(), plans)
        asked: list[str] = []
        apply = made.store.apply

        async def noting(op: Op[Any]) -> Any:
            asked.append(type(op).__name__)
            return await apply(op)

        made.store.apply = noting
        await ours.look()
        await ours.look()
        assert asked.count("DaysKept") == 1
        await asyncio.sleep(DAY)
        await apply(LeaseTake(retention.NAME, "another", made.clock.now(), 60.0))
        await ours.look()
        assert asked.count("DaysKept") == 1
        await asyncio.sleep(61)
        await ours.look()
        assert asked.count("DaysKept") == 2


NOTE = "n" * (300 << 10)  # large enough to be kept as a blob
NOTED = alone(ACCEPTED + TO_ERP.replace("}}", ", extra: note}}") + "keep: 10d\n")


@virtual
async def test_a_blob_goes_when_it_is_old_and_no_row_names_it() -> None:
    async with bench() as made:
        async with running(made, NOTED):
            made.lab.fail = [Permanent("refused")]
            made.lab.offer([sale(number, date=today(made), note=NOTE + number) for number in "12"])
            await settle()
            assert len(made.lab.sent) == 1 and len(made.blobs.kept) > 2
        (failed,) = await made.items()
        named = await made.store.apply(BlobsNamed())
        assert len(named) == 1
        await asyncio.sleep(DAY * 9)
        async with running(made, NOTED):
            kept = set(made.blobs.kept)
            await daily_look()
            assert set(made.blobs.kept) == kept
        await asyncio.sleep(DAY * 3)
        async with running(made, NOTED) as engine:
            await daily_look()
            assert set(made.blobs.kept) == named
            await engine.control.work_replay(failed.id, "anna", "the ERP is mended")
            await settle()
            assert len(made.lab.sent) == 2
        await asyncio.sleep(DAY * 12)
        async with running(made, NOTED):
            await daily_look()
            assert made.blobs.kept == {}


@virtual
async def test_blobs_stay_as_long_as_a_queue_waits_that_may_name_them() -> None:
    async with bench() as made:
        digest = await made.blobs.put(b"named in a queue that nobody reads")
        queue = Address("lane", "forgotten")
        await made.transport.declare(Topology((queue,)))
        await made.transport.publish([Outgoing(queue, {BLOB: digest}, b"", delay=DAY * 400)])
        await asyncio.sleep(DAY * 12)
        async with running(made, TYPED):
            await daily_look()
            assert digest in made.blobs.kept
