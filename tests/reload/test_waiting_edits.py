"""An edit that waits for what is outside is tried again by itself, until it runs or another one takes its place."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from engine.cli.standing import show_standing
from engine.core.errors import Permanent, Transient
from engine.ports.store.revisions import Report, RevisionList
from engine.runtime.engine import Engine
from engine.runtime.reload import leader
from engine.runtime.reload.waiting import LATE, LONGEST, MOST_LATE, only_late, only_waits
from engine.runtime.reload.wanted import Wanted
from tests.reload.test_processes import MORE, two, wanted
from tests.reload.test_stories import LIMITED, REFUND
from tests.reload.yard import Yard, on_both
from tests.runtime.cellmates import cellmates
from tests.runtime.lab import bench, project, settle, virtual
from tests.runtime.routes import SALES

AWAY = "no route to host"


def told(engine: Engine) -> dict[str, Any]:
    error = engine.reload.last_error
    assert error is not None
    return error


@on_both
async def test_a_system_that_comes_back_is_all_that_an_edit_waits_for(yard: Yard) -> None:
    async with yard.running() as engine:
        first = engine.plans.revision
        yard.lab.unreachable = AWAY
        yard.files["routes/connections.yaml"] = LIMITED
        why = await yard.refused(engine)
        assert AWAY in why and told(engine)["next_try"] > told(engine)["at"]
        await yard.sells("1")
        assert engine.plans.revision == first
        yard.lab.unreachable = ""
        await yard.saved(engine)
        assert engine.reload.last_error is None
        await yard.sells("2")
        # one attempt was written down in vain, whatever it was tried
        assert [one.state for one in await yard.made.store.apply(RevisionList())] == ["active", "past"]


@on_both
async def test_another_save_takes_the_place_of_one_that_waits(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.lab.unreachable = AWAY
        before = yard.files["routes/connections.yaml"] = LIMITED
        await yard.refused(engine)
        yard.files["routes/connections.yaml"] = before.replace("concurrency: 4", "concurrency: 5")
        yard.files["routes/refund.yaml"] = REFUND
        another = yard.wanted().digest
        yard.lab.unreachable = ""
        await yard.saved(engine)
        assert engine.plans.revision == another
        newest, waited, _ = await yard.made.store.apply(RevisionList())
        assert (newest.id, newest.state, waited.state) == (another, "active", "rejected")


@on_both
async def test_what_is_refused_for_good_is_not_tried_again(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.lab.unreachable = Permanent("not-allowed", "the password is wrong")
        yard.files["routes/connections.yaml"] = LIMITED
        assert "the password is wrong" in await yard.refused(engine)
        assert told(engine)["next_try"] == ""


# --- processes that are too slow --------------------------------------------------------------------------------------


def slow(engine: Engine, *seconds: float) -> list[float]:
    """Getting ready takes so long, one time after the other, and then as long as it does. Answers what is left of it."""
    left = list(seconds)
    staging = engine.reload._member._staging
    problems = staging.problems

    async def later(*given: Any) -> Any:
        if left:
            await engine.cell.clock.sleep(left.pop(0))
        return await problems(*given)

    staging.problems = later  # type: ignore[method-assign]
    return left


@on_both
async def test_what_a_process_was_too_slow_for_is_offered_again(yard: Yard) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leader, "READY_WITHIN", 0.3)
        async with yard.running() as engine:
            slow(engine, 1.5)
            yard.files["routes/refund.yaml"] = REFUND
            await yard.until(lambda: engine.reload.last_error is not None)
            (problem,) = told(engine)["problems"]
            assert problem.endswith("not ready within 0.3 s") and told(engine)["next_try"]
            patch.setattr(leader, "READY_WITHIN", 30.0)
            await yard.sells("1")
            await yard.saved(engine)
            assert engine.reload.last_error is None
            assert [one.state for one in await yard.made.store.apply(RevisionList())] == ["active", "past"]
            said = [facts["why"] for text, facts in yard.lab.logged if text.startswith("these files wait")]
            assert said == [problem]


@on_both
async def test_what_a_slow_process_found_after_all_stays_refused(yard: Yard) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leader, "READY_WITHIN", 0.3)
        async with yard.running() as engine:
            first = engine.plans.revision
            slow(engine, 1.0)
            yard.lab.unreachable = Permanent("not-allowed", "the password is wrong")
            yard.files["routes/connections.yaml"] = LIMITED
            await yard.until(lambda: engine.reload.last_error is not None)
            assert "not ready within" in told(engine)["problems"][0]
            patch.setattr(leader, "READY_WITHIN", 30.0)
            await yard.until(lambda: "the password is wrong" in told(engine)["problems"][0])
            assert told(engine)["next_try"] == ""
            yard.lab.unreachable = ""
            await yard.clock.sleep(3.0)
            assert engine.plans.revision == first


@on_both
async def test_a_save_takes_the_place_of_what_a_process_was_too_slow_for(yard: Yard) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leader, "READY_WITHIN", 0.3)
        async with yard.running() as engine:
            slow(engine, 1.0)
            yard.files["routes/refund.yaml"] = REFUND
            await yard.until(lambda: engine.reload.last_error is not None)
            patch.setattr(leader, "READY_WITHIN", 30.0)
            del yard.files["routes/refund.yaml"]
            yard.replace("routes/posting.yaml", "A route of a test", "Another summary")
            await yard.saved(engine)
            await yard.clock.sleep(3.0)
            assert "refund" not in engine.routers and engine.reload.last_error is None


@virtual
async def test_a_process_that_stays_too_slow_is_not_offered_it_for_ever() -> None:
    async with bench() as made:
        yard = Yard(made)
        async with yard.running() as engine:
            left = slow(engine, *[leader.READY_WITHIN + 5] * 20)
            yard.files["routes/refund.yaml"] = REFUND
            await yard.until(lambda: engine.reload.last_error is not None, 60)
            await yard.until(lambda: told(engine)["next_try"] == "", 3600)
            assert told(engine)["text"].startswith(f"these files were offered {MOST_LATE} times")
            before = len(left)
            await yard.clock.sleep(3600)
            assert len(left) == before > 0
            # somebody may have it tried all the same
            left.clear()
            assert (await engine.reload.apply(yard.wanted(), "ana", "now"))["state"] == "active"


@virtual
async def test_one_of_several_processes_that_was_too_slow_is_waited_for() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        more, before = wanted(mates, MORE), a.plans.revision
        slow(b, leader.READY_WITHIN + 5)
        await a.reload._watching._take(more)
        assert told(a)["problems"] == ["b: not ready within 30 s"] and told(a)["next_try"]
        # also by whoever watches next
        await b.reload._watching._take(more)
        assert told(b)["problems"] == ["b: not ready within 30 s"] and told(b)["next_try"]
        assert a.plans.revision == b.plans.revision == before
        await settle(LONGEST)
        await a.reload._watching._again(more)
        assert a.plans.revision == b.plans.revision == more.digest


@virtual
async def test_an_edit_waits_for_the_change_before_it() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        more = wanted(mates, MORE)
        async with b.reload._leader._leading.turn():
            await a.reload._watching._take(more)
            assert "busy" in told(a)["problems"][0] and told(a)["next_try"]
        await a.reload._watching._again(more)
        assert a.plans.revision == b.plans.revision == more.digest


@virtual
async def test_pauses_grow_to_a_minute_and_only_another_reason_is_told_again() -> None:
    async with bench() as made:
        yard = Yard(made)
        async with yard.running() as engine:
            made.lab.unreachable = AWAY
            yard.files["routes/connections.yaml"] = LIMITED
            await yard.refused(engine)
            tries = []
            for _ in range(8):
                next_try = told(engine)["next_try"]
                tries.append(made.clock.monotonic())
                await yard.until(lambda next_try=next_try: told(engine)["next_try"] != next_try, 2 * LONGEST)
            pauses = [round(after - before) for before, after in pairwise(tries[1:])]
            assert pauses == [4, 8, 16, 32, 60, 60]
            assert len([text for text, _ in made.lab.logged if "wait" in text]) == 1
            made.lab.unreachable = "connection refused"
            await yard.until(lambda: "connection refused" in told(engine)["problems"][0], 2 * LONGEST)
            assert len([text for text, _ in made.lab.logged if "wait" in text]) == 2


@virtual
async def test_one_that_waited_before_a_restart_still_does() -> None:
    async with bench() as made:
        yard = Yard(made)
        running = dict(yard.files)
        async with yard.running() as engine:
            made.lab.unreachable = AWAY
            yard.files["routes/connections.yaml"] = LIMITED
            await yard.refused(engine)
        engine = made.engine(running)
        yard._read = running
        await engine.start()
        try:
            await yard.refused(engine)
            assert AWAY in told(engine)["problems"][0] and told(engine)["next_try"]
            made.lab.unreachable = ""
            await yard.saved(engine)
        finally:
            await engine.stop()


@virtual
async def test_one_that_waits_does_not_replace_what_somebody_decided_since() -> None:
    async with bench() as made:
        yard = Yard(made)
        async with yard.running() as engine:
            made.lab.unreachable = AWAY
            yard.files["routes/connections.yaml"] = LIMITED
            await yard.refused(engine)
            other = Wanted.of(made.compiled(project({**SALES, "routes/refund.yaml": REFUND})))
            assert (await engine.reload.apply(other, "ana", "this one"))["state"] == "active"
            made.lab.unreachable = ""
            await settle(3 * LONGEST)
            assert engine.plans.revision == other.digest and told(engine)["next_try"] == ""


@virtual
async def test_an_edit_waits_for_the_process_that_cannot_reach_a_system() -> None:
    async with cellmates() as mates:
        a, b = await two(mates)
        more = wanted(mates, {**MORE, "routes/connections.yaml": LIMITED})
        ask = b.reload._member._staging._connection
        away = True

        async def from_b(*given: Any) -> Any:
            mates.lab.unreachable = AWAY if away else ""
            try:
                return await ask(*given)
            finally:
                mates.lab.unreachable = ""

        b.reload._member._staging._connection = from_b  # type: ignore[method-assign]
        await a.reload._watching._take(more)
        assert "b: connection outside" in told(a)["problems"][0] and told(a)["next_try"]
        away = False
        await settle(LONGEST)
        await a.reload._watching._again(more)
        assert a.plans.revision == b.plans.revision == more.digest


@virtual
async def test_a_failure_that_passes_on_the_way_is_tried_again_too() -> None:
    async with bench() as made:
        yard = Yard(made)

        async def no_reader(*_: Any) -> list[str]:
            raise Transient("no-reader", "the process that reads the project ended")

        yard.test = no_reader  # type: ignore[method-assign]
        async with yard.running() as engine:
            yard.replace("routes/posting.yaml", "A route of a test", "Another summary")
            assert "no-reader" in await yard.refused(engine) and told(engine)["next_try"]


@pytest.mark.parametrize(
    ("stages", "waits"),
    [(("waits",), True), (("ready", "waits"), True), (("waits", "refused"), False), (("running",), False), ((), False)],
)
def test_all_must_wait_for_it_to_be_tried_again(stages: tuple[Any, ...], waits: bool) -> None:
    assert only_waits([Report(str(number), stage) for number, stage in enumerate(stages)]) is waits


@pytest.mark.parametrize(
    ("problems", "late"), [((f"{LATE} 30 s", ""), True), ((f"{LATE} 30 s", AWAY), False), (("",), False)]
)
def test_only_slow_processes_are_told_from_what_is_away(problems: tuple[str, ...], late: bool) -> None:
    reports = [Report(str(number), "waits" if one else "ready", one) for number, one in enumerate(problems)]
    assert only_late(reports) is late


def test_status_says_what_it_waits_for_and_when_it_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    error = {
        "at": "2026-03-14T12:00:00Z",
        "text": "these files wait; what runs goes on",
        "problems": [f"connection outside: {AWAY}"],
        "next_try": "2026-03-14T12:00:04.000000Z",
    }
    show_standing({"wanted": None, "processes": [], "last_error": error, "probation": [], "retiring": []})
    lines = capsys.readouterr().out
    assert "the last edit waits" in lines and f"waiting for connection outside: {AWAY}" in lines
    assert "next try at 12:00:04 UTC" in lines
