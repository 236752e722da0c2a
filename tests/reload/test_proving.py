"""What a change must pass: tests before it, risks accepted, its first events after it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compile.plan import ProbationRule
from engine.core.errors import Permanent
from engine.ports.store.audit import AuditList
from engine.ports.store.revisions import RevisionList
from engine.runtime.engine import Engine
from engine.runtime.reload.probation import too_many
from tests.reload.yard import Yard, on_both
from tests.runtime.lab import sale
from tests.runtime.routes import FROM_SALES, TO_ERP, route

WRONG = 'steps:\n  - {id: strict, check: [{that: "total > `100`", otherwise: {work_item: too-small}}]}\n'


def wrong(yard: Yard, more: str = "") -> None:
    """Valid, and every ordinary sale becomes a work item."""
    yard.files["routes/posting.yaml"] = route("posting", more + FROM_SALES + WRONG + TO_ERP)


async def accepted(engine: Engine, before: str, after: str) -> list[dict[str, Any]]:
    """Who accepted the one risk between two revisions."""
    (change,) = (await engine.reload.compare(before, after))["changes"]
    (risk,) = change["risks"]
    return list(risk["accepted"])


async def states(yard: Yard) -> list[str]:
    return [one.state for one in await yard.made.store.apply(RevisionList())]


@on_both
async def test_a_wrong_mapping_rolls_itself_back(yard: Yard) -> None:
    async with yard.running() as engine:
        await yard.sells("0")
        first = engine.plans.revision
        wrong(yard)
        await yard.saved(engine)
        yard.lab.offer([sale(str(number)) for number in range(1, 11)], "day.json")
        await yard.until(lambda: engine.plans.revision == first)
        # then it says so, does not come back by itself, and what comes now is posted
        await yard.clock.sleep(3.0)
        assert engine.plans.revision == first and await states(yard) == ["rejected", "active"]
        newest = (await yard.made.store.apply(RevisionList()))[0]
        assert "became work items" in newest.problem
        await yard.sells("11")
        assert len(await yard.made.items()) == 10


@on_both
async def test_an_item_says_that_the_revision_which_made_its_request_was_rolled_back(yard: Yard) -> None:
    async with yard.running() as engine:
        first = engine.plans.revision
        yard.replace("routes/posting.yaml", "total: total", "total: receipt")
        await yard.saved(engine)
        yard.lab.fail += [Permanent("refused", "no such total")] * 5
        yard.lab.offer([sale(str(number)) for number in range(5)], "day.json")
        await yard.until(lambda: engine.plans.revision == first)
        await yard.clock.sleep(3.0)
        # then the frozen request, who made it, and what to do are told
        item, *_ = await yard.made.items()
        shown = await engine.control.work_show(item.id)
        assert shown["body"]["total"] == shown["body"]["reference"]
        assert (shown["made_by"]["number"], shown["made_by"]["state"]) == (2, "rejected")
        assert "became work items" in shown["made_by"]["problem"]
        assert shown["help"].startswith("revision 2 made this request and was rolled back; a replay sends the same")
        # and once it was edited there is nothing to say
        edited = await engine.control.work_edit(item.id, {**shown["body"], "total": 10}, "anna", "as it is now")
        assert edited["help"] == ""


@on_both
async def test_few_failures_among_the_first_events_are_let_pass(yard: Yard) -> None:
    async with yard.running() as engine:
        wrong(yard)
        await yard.saved(engine)
        changed = engine.plans.revision
        sales = [sale(str(number), total=1000) for number in range(48)] + [sale("x"), sale("y")]
        yard.lab.offer(sales, "day.json")
        await yard.until(lambda: len(yard.posted()) == 48)
        await yard.clock.sleep(3.0)
        assert engine.plans.revision == changed
        assert (await engine.reload.standing())["probation"] == []
        # and later failures are not the change's
        yard.lab.offer([sale(f"z{number}") for number in range(10)], "late.json")

        async def failed() -> bool:
            return len(await yard.made.items()) == 12

        await yard.until(failed)
        await yard.clock.sleep(3.0)
        assert engine.plans.revision == changed


@on_both
async def test_one_or_two_bad_receipts_take_no_edit_back(yard: Yard) -> None:
    """Two of two, and when its time is over they still say nothing of the change; of the next three it would learn."""
    async with yard.running() as engine:
        wrong(yard, "reload: {probation: {within: 3s}}\n")
        await yard.saved(engine)
        changed = engine.plans.revision
        yard.lab.offer([sale("x"), sale("y")], "day.json")

        async def failed() -> bool:
            return len(await yard.made.items()) == 2

        await yard.until(failed)
        await yard.clock.sleep(6.0)
        standing = await engine.reload.standing()
        assert (engine.plans.revision, standing["probation"]) == (changed, [])


# --- one change after another -----------------------------------------------------------------------------------------


def touched(yard: Yard, path: str = "routes/ingest.yaml") -> None:
    """A harmless edit."""
    yard.replace(path, "A route of a test", "Another summary")


async def proving(engine: Engine) -> list[str]:
    return [one["route"] for one in (await engine.reload.standing())["probation"]]


@on_both
async def test_a_harmless_edit_does_not_end_the_probation_of_another_route(yard: Yard) -> None:
    async with yard.running() as engine:
        first = engine.plans.revision
        wrong(yard)
        await yard.saved(engine)
        yard.lab.offer([sale("1"), sale("2")], "early.json")

        async def failed() -> bool:
            return len(await yard.made.items()) == 2

        await yard.until(failed)
        touched(yard)
        await yard.saved(engine)
        assert await proving(engine) == ["ingest", "posting"]
        # then what failed before and after it is counted together
        yard.lab.offer([sale("3")], "late.json")
        await yard.until(lambda: engine.plans.revision == first)
        await yard.clock.sleep(3.0)
        assert engine.plans.revision == first and await states(yard) == ["rejected", "rejected", "active"]
        later, changed, _ = await yard.made.store.apply(RevisionList())
        assert changed.problem == "3 of the first 3 events of posting became work items after the change"
        assert later.problem == f"taken back with revision 2: {changed.problem}"
        assert await proving(engine) == []
        await yard.sells("4")


@on_both
async def test_a_second_wrong_edit_of_a_route_goes_back_to_where_it_proved_itself(yard: Yard) -> None:
    async with yard.running() as engine:
        first = engine.plans.revision
        wrong(yard)
        await yard.saved(engine)
        yard.replace("routes/posting.yaml", "`100`", "`200`")
        await yard.saved(engine)
        yard.lab.offer([sale(str(number)) for number in range(1, 11)], "day.json")
        await yard.until(lambda: engine.plans.revision == first)
        await yard.clock.sleep(3.0)
        assert await states(yard) == ["rejected", "rejected", "active"]


@on_both
async def test_a_route_that_is_put_right_by_hand_has_proved_itself(yard: Yard) -> None:
    async with yard.running() as engine:
        before = yard.files["routes/posting.yaml"]
        wrong(yard)
        touched(yard)
        await yard.saved(engine)
        yard.files["routes/posting.yaml"] = before
        await yard.saved(engine)
        assert await proving(engine) == ["ingest"]


@on_both
async def test_going_back_leaves_an_earlier_change_on_probation(yard: Yard) -> None:
    async with yard.running() as engine:
        touched(yard)
        await yard.saved(engine)
        earlier = engine.plans.revision
        wrong(yard)
        await yard.saved(engine)
        yard.lab.offer([sale(str(number)) for number in range(1, 4)], "day.json")
        await yard.until(lambda: engine.plans.revision == earlier)
        await yard.clock.sleep(3.0)
        assert await proving(engine) == ["ingest"]


@on_both
async def test_what_was_accepted_since_is_not_undone(yard: Yard) -> None:
    """Posted under another name since then, it could be posted twice."""
    yard.files["routes/refund.yaml"] = route("refund", FROM_SALES + TO_ERP.replace("post", "note"))
    async with yard.running() as engine:
        wrong(yard)
        await yard.saved(engine)
        yard.replace("routes/refund.yaml", "id: erp", "id: erp, effect: books")
        wanted = yard.wanted()
        answer = await engine.reload.apply(wanted, "ana", "a better name", ("effect-changed",))
        assert answer["state"] == "active"
        yard.lab.offer([sale(str(number)) for number in range(1, 11)], "day.json")
        told = "a change does not prove itself, and is not taken back: that would undo what was accepted since"
        await yard.until(lambda: any(text == told for text, _ in yard.lab.logged))
        await yard.clock.sleep(3.0)
        assert engine.plans.revision == wanted.digest and "posting" not in await proving(engine)
        (facts,) = [facts for text, facts in yard.lab.logged if text == told]
        assert facts["route"] == "posting" and "the effect of erp is refund/erp and was books" in facts["undone"]


@pytest.mark.parametrize(
    ("failed", "events", "over", "back"),
    [
        (2, 2, False, False),
        (2, 2, True, False),
        (3, 3, False, True),  # 5 % of 50 are two and a half: they are exceeded, whatever comes
        (2, 50, True, False),
        (3, 50, True, True),
        (4, 98, True, False),  # more came between two looks: of 98 they are few
        (5, 98, True, True),
    ],
)
def test_failures_are_held_against_all_events_that_will_be_looked_at(
    failed: int, events: int, over: bool, back: bool
) -> None:
    assert too_many(ProbationRule(), failed, events, over=over) is back


@pytest.mark.parametrize(("failed", "over", "back"), [(20, False, False), (20, True, True), (2, True, False)])
def test_when_the_time_is_over_three_failures_are_held_against_what_came(failed: int, over: bool, back: bool) -> None:
    assert too_many(ProbationRule(events=1000), failed, 20, over=over) is back


@on_both
async def test_a_route_may_do_without_probation(yard: Yard) -> None:
    async with yard.running() as engine:
        wrong(yard, "reload: {probation: {events: 0}}\n")
        await yard.saved(engine)
        changed = engine.plans.revision
        yard.lab.offer([sale(str(number)) for number in range(10)], "day.json")

        async def failed() -> bool:
            return len(await yard.made.items()) == 10

        await yard.until(failed)
        await yard.clock.sleep(3.0)
        assert engine.plans.revision == changed


@on_both
async def test_failing_tests_keep_a_financial_route_as_it_is(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.failing = ["routes/posting.test.yaml:4:3 test `totals` fails: total is 10, expected 11"]
        yard.replace("routes/posting.yaml", "A route of a test", "Another summary")
        assert "test `totals` fails" in await yard.refused(engine)
        assert yard.tested == [{"posting": [""]}]
        assert await states(yard) == ["active"]


@on_both
async def test_tests_run_where_they_are_wanted(yard: Yard) -> None:
    yard.files["routes/plain.yaml"] = route("plain", FROM_SALES + TO_ERP.replace("post", "note"), "operational")
    async with yard.running() as engine:
        yard.replace("routes/plain.yaml", "A route of a test", "Another summary")
        await yard.saved(engine)
        assert yard.tested == []
        yard.replace("routes/plain.yaml", "from:", "reload: {tests: true}\nfrom:")
        await yard.saved(engine)
        assert yard.tested == [{"plain": [""]}]


@on_both
async def test_a_changed_effect_of_a_financial_route_is_refused_until_it_is_accepted(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.replace("routes/posting.yaml", "id: erp", "id: erp, effect: books")
        why = await yard.refused(engine)
        assert "effect-changed" in why and "keep it with `effect: posting/erp`" in why
        wanted = yard.wanted()
        (change,) = (await engine.reload.plan(wanted))["changes"]
        assert [risk["name"] for risk in change["risks"]] == ["effect-changed"]
        with pytest.raises(Permanent, match="accept it by name"):
            await engine.reload.apply(wanted, "ana", "a better name")
        answer = await engine.reload.apply(wanted, "ana", "a better name", ("effect-changed", "key-changed"))
        assert answer["state"] == "active"
        # what was accepted is said by the audit, and told where revisions are
        rows = await yard.made.store.apply(AuditList(2))
        assert [(row.action, row.reason, row.after) for row in rows] == [
            ("revision.activate", "a better name", "accepts effect-changed of posting"),
            ("revision.stage", "a better name", "accepts effect-changed of posting"),
        ]
        newest = (await engine.reload.history())["revisions"][0]["events"][-1]
        assert newest["accepts"] == [{"risk": "effect-changed", "route": "posting"}]
        (told,) = await accepted(engine, "1", "2")
        assert (told["number"], told["actor"], told["reason"]) == (2, "ana", "a better name")
        assert await accepted(engine, "2", "1") == []


@on_both
async def test_a_file_may_say_that_its_risk_is_meant_and_says_it_of_one_change(yard: Yard) -> None:
    def accept(because: str) -> str:
        return f"reload: {{accept: [{{risk: effect-changed, because: {because}}}]}}\nfrom:"

    async with yard.running() as engine:
        yard.replace("routes/posting.yaml", "id: erp", "id: erp, effect: books")
        assert "`reload: {accept: [{risk: effect-changed, because: ..}]}`" in await yard.refused(engine)
        yard.replace("routes/posting.yaml", "from:", accept("nothing was posted yet"))
        await yard.saved(engine)
        row = (await yard.made.store.apply(AuditList()))[0]
        assert row.reason == "a file changed; posting accepts effect-changed: nothing was posted yet"
        assert row.after == "accepts effect-changed of posting"
        # another change needs another reason
        yard.replace("routes/posting.yaml", "effect: books", "effect: ledgers")
        assert "was said of an earlier change" in await yard.refused(engine)
        yard.replace("routes/posting.yaml", accept("nothing was posted yet"), accept("still nothing"))
        await yard.saved(engine)


@on_both
async def test_plan_says_what_would_change_and_what_waits(yard: Yard) -> None:
    async with yard.running() as engine:
        yard._read = None
        before = engine.plans.revision
        del yard.files["routes/posting.yaml"]
        plan = await engine.reload.plan(yard.wanted())
        assert plan["from"] == before and plan["unchanged"] == ["ingest"]
        assert [(one["route"], one["kind"]) for one in plan["changes"]] == [("posting", "removed")]
        assert plan["waiting"] == {"posting": 0}
