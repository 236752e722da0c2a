"""Several processes on one cell: all run a revision, or none does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from engine.core.errors import StoreDown
from engine.ports.store.revisions import RevisionList
from engine.ports.store.work import WorkCreate, WorkItem
from engine.runtime.engine import Engine
from engine.runtime.people.replay import Who
from engine.runtime.reload import record
from engine.runtime.reload.leading import LEASE
from engine.runtime.reload.staging import Problem
from engine.runtime.reload.wanted import Wanted
from tests.reload.test_stories import LIMITED, REFUND
from tests.runtime.cellmates import Cellmates, cellmates
from tests.runtime.lab import project, sale, settle, virtual
from tests.runtime.routes import FROM_SALES, SALES, TO_ERP, route

OTHER = {"routes/refund.yaml": REFUND.replace("A route", "Another route")}
MORE = {**SALES, "routes/refund.yaml": REFUND}
PLAIN = {
    **SALES,
    "routes/plain.yaml": route("plain", FROM_SALES + TO_ERP.replace("post", "note"), "operational"),
}


def wanted(mates: Cellmates, files: Mapping[str, str]) -> Wanted:
    return Wanted.of(mates.compiled(project(files)))


async def two(mates: Cellmates) -> tuple[Engine, Engine]:
    """Two that know of each other."""
    engines = await mates.start("a", SALES), await mates.start("b", SALES)
    await settle()
    return engines


async def states(mates: Cellmates) -> list[str]:
    return [one.state for one in await mates.store.apply(RevisionList())]


def stages(standing: dict[str, Any]) -> dict[str, str]:
    return {one["worker"]: one["stage"] for one in standing["processes"]}


@virtual
async def test_all_processes_run_it() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        answer = await a.reload.apply(wanted(mates, MORE), "ana", "refunds")
        assert (answer["state"], answer["problems"], answer["behind"]) == ("active", [], [])
        assert a.plans.revision == b.plans.revision == answer["revision"]
        assert stages(await b.reload.standing()) == {"a": "running", "b": "running"}
        mates.lab.offer([sale("1")])
        await settle()
        assert len(mates.lab.requests("note")) == len(mates.lab.requests("post")) == 1


@virtual
async def test_one_cannot_stage_nobody_swaps() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        before = a.plans.revision

        async def problems(*_: Any) -> list[Problem]:
            return [Problem("connection outside: no way from here")]

        b.reload._member._staging.problems = problems  # type: ignore[union-attr, method-assign]
        answer = await a.reload.apply(wanted(mates, {**MORE, "routes/connections.yaml": LIMITED}), "ana", "limits")
        assert answer["state"] == "rejected"
        assert answer["problems"] == [{"worker": "b", "why": "connection outside: no way from here"}]
        await settle()
        assert a.plans.revision == b.plans.revision == before
        assert await states(mates) == ["rejected", "active"]
        assert "refund" not in a.routers and "refund" not in b.routers


@virtual
async def test_one_that_does_not_start_takes_all_back() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        before = a.plans.revision

        async def to(after: Any) -> None:
            raise OSError("the port is taken")

        b.reload._member._swap.to = to  # type: ignore[union-attr, method-assign]
        answer = await a.reload.apply(wanted(mates, MORE), "ana", "refunds")
        assert (answer["state"], answer["problems"]) == ("rejected", [{"worker": "b", "why": "the port is taken"}])
        assert a.plans.revision == b.plans.revision == before
        assert await states(mates) == ["rejected", "active"]
        mates.lab.offer([sale("1")])
        await settle()
        assert len(mates.lab.requests("post")) == 1


@virtual
async def test_what_one_that_swaps_first_makes_of_events_is_delivered_by_the_others_too() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        swap = b.reload._member._swap  # type: ignore[union-attr]
        to = swap.to

        async def late(after: Any) -> None:
            await asyncio.sleep(10)
            await to(after)

        swap.to = late  # type: ignore[method-assign]
        applying = asyncio.create_task(a.reload.apply(wanted(mates, MORE), "ana", "refunds"))
        await settle(2)
        assert "refund" in a.routers and "refund" not in b.routers
        await a.lanes.stop()
        mates.lab.offer([sale(str(number)) for number in range(20)])
        await settle(20)
        assert (await applying)["state"] == "active"
        assert await mates.items() == []
        assert len(mates.lab.requests("note")) == len(mates.lab.requests("post")) == 20


@virtual
async def test_a_process_that_dies_while_it_is_asked_is_not_waited_for_long() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        applying = asyncio.create_task(a.reload.apply(wanted(mates, MORE), "ana", "refunds"))
        await asyncio.sleep(0)
        await mates.kill(b)
        answer = await applying
        assert answer["state"] == "active"
        # and one that comes later runs what is active
        c = await mates.start("c", MORE)
        await settle()
        assert c.plans.revision == a.plans.revision


@virtual
async def test_what_a_dead_leader_left_is_rejected() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        before = b.plans.revision
        b.reload._member._staging.problems = lambda *_: asyncio.sleep(20, [])  # type: ignore
        applying = asyncio.create_task(a.reload.apply(wanted(mates, MORE), "ana", "refunds"))
        await settle(1.0)
        applying.cancel()
        await asyncio.gather(applying, return_exceptions=True)
        await mates.kill(a)
        assert (await states(mates))[0] == "staged"
        await settle(2 * LEASE)
        assert await states(mates) == ["rejected", "active"] and b.plans.revision == before
        answer = await b.reload.apply(wanted(mates, {**MORE, **OTHER}), "ben", "another")
        assert answer["state"] == "active", "nobody hangs on it"


@virtual
async def test_what_does_not_start_is_taken_back_though_its_leader_died() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        before = b.plans.revision
        dies: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def to(after: Any) -> None:
            applying.cancel()
            await mates.kill(a)
            dies.set_result(None)
            raise OSError("the port is taken")

        b.reload._member._swap.to = to  # type: ignore[union-attr, method-assign]
        applying = asyncio.create_task(a.reload.apply(wanted(mates, MORE), "ana", "refunds"))
        await dies
        await asyncio.gather(applying, return_exceptions=True)
        await settle(2 * LEASE)
        assert await states(mates) == ["rejected", "active"] and b.plans.revision == before
        (newest, _) = await mates.store.apply(RevisionList())
        assert newest.problem == "the port is taken"


@virtual
async def test_files_whose_leader_died_are_tried_again_by_whoever_watches_next() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        more = wanted(mates, MORE)
        staged = await record.stage(a.cell, more, Who("ana", "refunds"), (await record.standing(a.cell)).active)
        await mates.kill(a)
        await settle(2 * LEASE)
        assert (await states(mates))[0] == "rejected"
        watching = b.reload._watching
        await watching._take(more)
        assert watching.last_error is None and b.plans.revision == staged.id


@virtual
async def test_while_the_store_is_down_nothing_changes() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        before = a.plans.revision
        mates.unplug()
        with pytest.raises(StoreDown):
            await a.reload.apply(wanted(mates, MORE), "ana", "refunds")
        await settle()
        mates.plug_in()
        await settle()
        assert a.plans.revision == b.plans.revision == before
        answer = await a.reload.apply(wanted(mates, MORE), "ana", "refunds")
        assert answer["state"] == "active" and b.plans.revision == answer["revision"]


@virtual
async def test_changes_of_two_processes_come_one_after_the_other() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        more = wanted(mates, MORE)
        other = wanted(mates, {**MORE, "routes/refund.yaml": REFUND.replace("A route", "Another route")})
        answers = await asyncio.gather(a.reload.apply(more, "ana", "one"), b.reload.apply(other, "ben", "other"))
        assert [answer["state"] for answer in answers] == ["active", "active"]
        await settle()
        assert a.plans.revision == b.plans.revision == other.digest


@virtual
async def test_a_change_proves_itself_by_what_all_processes_handled() -> None:
    """Four of ninety-eight failed, half of them in each: more than one process could bear, and few among all."""
    async with cellmates() as mates:
        a, b = await two(mates)
        changed = await _on_probation(a, mates)
        await _handle((a, b), 49, 4, changed)
        assert a.plans.revision == b.plans.revision == changed
        assert (await a.reload.standing())["probation"] == (await b.reload.standing())["probation"] == []


@virtual
async def test_a_change_that_fails_in_all_processes_together_is_taken_back() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        before = a.plans.revision
        changed = await _on_probation(a, mates)
        await _handle((a, b), 49, 6, changed)
        assert a.plans.revision == b.plans.revision == before


@virtual
async def test_a_change_that_fails_in_all_processes_is_taken_back_though_another_route_changed_since() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        before = a.plans.revision
        changed = await _on_probation(a, mates)
        await _handle((a, b), 10, 1, changed)
        later = wanted(mates, {**PLAIN, "routes/refund.yaml": REFUND})
        assert (await b.reload.apply(later, "ben", "refunds"))["state"] == "active"
        await _handle((a, b), 39, 5, later.digest, 1)
        assert a.plans.revision == b.plans.revision == before
        assert await states(mates) == ["rejected", "rejected", "active"]


@virtual
async def test_what_does_not_prove_itself_is_not_taken_back_over_what_came_first() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        await _on_probation(a, mates)
        (trial,) = a.reload._probation._open()
        other = wanted(mates, SALES | OTHER)
        a.reload._member.swapped = lambda *_: None  # it has not heard of it yet
        assert (await b.reload.apply(other, "ben", "without it"))["state"] == "active"
        await a.reload._probation._take_back(trial, 10, 10)
        assert a.plans.revision == b.plans.revision == other.digest and not trial.ended


@virtual
async def test_a_judgement_of_a_revision_that_does_not_run_any_more_is_dropped() -> None:
    async with cellmates() as mates:
        a, _ = await two(mates)
        changed = await _on_probation(a, mates)
        probation, active = a.reload._probation, (await record.standing(a.cell)).active
        other = PLAIN | {"routes/plain.yaml": PLAIN["routes/plain.yaml"].replace("A route", "Another route")}

        async def meanwhile(*_: Any) -> int:
            assert active is not None
            probation.begin(a.plans.routeset, mates.compiled(project(other)), active)
            return 100

        probation._failed = meanwhile  # type: ignore[method-assign]
        await probation.look()
        assert a.plans.revision == changed


async def _on_probation(engine: Engine, mates: Cellmates) -> str:
    """A route that keeps no outcomes is new: what was handled of it stands nowhere but in the processes."""
    answer = await engine.reload.apply(wanted(mates, PLAIN), "ana", "a plain one")
    assert answer["state"] == "active" and not engine.plans.routeset.plans["plain"].has_inbox
    return str(answer["revision"])


async def _handle(engines: tuple[Engine, ...], each: int, failed: int, revision: str, first: int = 0) -> None:
    """Each of them handled so many events of it, and so many of all failed; then all have looked."""
    for engine in engines:
        engine.routers["plain"].handled += each
    cell, now = engines[0].cell, engines[0].cell.clock.now()
    items = [
        WorkItem(str(n), "event", "plain", "too-small", str(n), "2026-03-14", revision=revision, created=now)
        for n in range(first, first + failed)
    ]
    await cell.store.apply(WorkCreate(items))
    await settle(10.0)
