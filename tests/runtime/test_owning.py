"""Two sales that would be written under one name: the second waits for a person, the first stays."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.compile.plan import Ordered
from engine.core.errors import UnknownOutcome
from engine.runtime.people.advice import helps, takes
from tests.runtime.lab import Bench, bench, running, sale, settle, virtual
from tests.runtime.routes import posting
from tests.runtime.support import FakeSink, delivery, event, plan, planned_sink
from tests.runtime.support import bench as support_bench

WRITES = "to:\n  - {id: erp, use: lab, connection: outside, action: write, with: {reference: NAME, total: total}}\n"
BY_STORE = WRITES.replace("NAME", "store")


def written(made: Bench) -> list[tuple[Any, Any]]:
    return [(request["reference"], int(request["total"])) for _, _, request in made.lab.sent]


@virtual
async def test_what_another_event_wrote_is_not_overwritten() -> None:
    async with bench() as made, running(made, posting(to=BY_STORE)) as engine:
        made.lab.offer([sale("1", total=10), sale("2", total=20)])
        await settle()

        assert written(made) == [("A", 10)]
        [item] = await made.items()
        assert (item.reason, item.level, item.sink) == ("name-taken", "delivery", "erp")
        assert "`A` was written for another event" in item.detail
        assert takes(item)[0] == "edit" and "edit the name" in helps(item, engine.plans)


@virtual
async def test_the_same_delivery_writes_again() -> None:
    async with bench() as made, running(made, posting(to=BY_STORE)):
        made.lab.fail.append(UnknownOutcome("no-answer", "the folder is gone"))
        made.lab.offer([sale("1", total=10)])
        await settle(30)

        assert written(made) == [("A", 10)]
        assert await made.items() == []


@virtual
async def test_it_is_written_under_another_name_once_a_person_gave_one() -> None:
    async with bench() as made, running(made, posting(to=BY_STORE)) as engine:
        made.lab.offer([sale("1", total=10), sale("2", total=20)])
        await settle()
        [item] = await made.items()

        body = {"reference": "A-2", "total": 20}
        await engine.control.work_edit(item.id, body, actor="ana", reason="two sales, one name")
        await engine.control.work_replay(item.id, actor="ana", reason="two sales, one name")
        await settle()

        assert written(made) == [("A", 10), ("A-2", 20)]
        assert await made.items() == []


@virtual
@pytest.mark.parametrize(
    ("to", "criticality"),
    [
        (BY_STORE, "operational"),
        (WRITES.replace("NAME", "receipt"), "financial"),
    ],
)
async def test_where_overwriting_is_meant_or_cannot_happen_all_go_out(to: str, criticality: str) -> None:
    async with bench() as made, running(made, posting(to=to, criticality=criticality)):
        made.lab.offer([sale("1", total=10), sale("2", total=20)])
        await settle()

        assert sorted(total for _, total in written(made)) == [10, 20]
        assert await made.items() == []


@virtual
async def test_a_newer_state_of_a_thing_replaces_the_older_one() -> None:
    action = replace(FakeSink.actions["upsert"], replaces="name")
    sink = replace(planned_sink("upsert", ordered=Ordered(mode="latest")), action=action)
    async with support_bench(plan(sink)) as b:
        for number in (1, 2):
            born = event(number, order_key="shirt", order_no=number)
            await b.publish(delivery(number, event=born, body={"name": "shirt", "price": number}))
            await b.run_until_quiet()

        assert [body["price"] for _, body in b.world.effects] == [1, 2]
