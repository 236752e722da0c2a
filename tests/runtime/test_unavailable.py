"""`catch: {unavailable: true}`: what does not answer is caught, seen in the journal, and decided once."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import Failure, Permanent, Throttled, Transient
from engine.ports.secrets import Secret
from tests.runtime.killing import Fate, killed_life
from tests.runtime.lab import Bench, bench, running, sale, settle, virtual
from tests.runtime.routes import posting
from tests.runtime.test_router import after_decided, before_routed

DOWN = Transient("unreachable", "no route to it")
TRY = """steps:
  - id: rate
    try:
      steps:
        - {{id: ask, call: {{use: lab, connection: outside, action: ask, with: {{reference: receipt}}, into: answer, timeout: 5s, retry: {{times: 0}}}}}}
        - {{id: sure, set: {{extra: answer.rate}}}}
      catch: {{{catch}, steps: [{{id: guess, set: {{extra: error.reason, late: "`true`"}}}}]}}
"""
TO = """to:
  - {id: erp, use: lab, connection: outside, action: post, with: {reference: receipt, extra: extra}}
  - {id: settle, use: lab, connection: outside, action: note, with: {reference: receipt}, when: present(late)}
"""


def files(catch: str = "unavailable: true", criticality: str = "financial") -> dict[str, str]:
    return posting(TRY.format(catch=catch), TO, criticality)


def sent(made: Bench) -> list[tuple[str, Any]]:
    """What the outside got, and what was said about the rate."""
    return [(action, request.get("extra")) for action, _, request in made.lab.sent]


async def told(made: Bench, what: str = "caught") -> list[str]:
    return [entry.detail for entry in await made.story("1") if entry.what == what]


@virtual
async def test_an_answer_is_used_and_nothing_is_caught() -> None:
    async with bench() as made, running(made, files()):
        made.lab.answers = [{"rate": 7}]
        made.lab.offer([sale("1")])
        await settle()
        assert sent(made) == [("post", 7)]
        assert await told(made) == []


@pytest.mark.parametrize("criticality", ["financial", "operational"])
@pytest.mark.parametrize("failure", [DOWN, Throttled("busy", "come back later", after=1)], ids=["down", "busy"])
@virtual
async def test_without_an_answer_it_goes_on_at_once_and_the_journal_says_so(failure: Failure, criticality: str) -> None:
    async with bench() as made, running(made, files(criticality=criticality)):
        made.lab.answers = [failure]
        made.lab.offer([sale("1")])
        await settle()
        assert sorted(sent(made), key=str) == [("note", None), ("post", failure.reason)]
        assert await told(made) == [f"ask: {failure.reason}: {failure.detail}"]
        assert await made.items() == []


@virtual
async def test_one_that_hangs_is_waited_for_as_long_as_its_timeout() -> None:
    async with bench() as made, running(made, files()):
        made.lab.slow = 3600
        made.lab.offer([sale("1")])
        await settle(4)
        assert sent(made) == []
        await settle(3)
        assert sorted(sent(made), key=str) == [("note", None), ("post", "timed-out")]


@virtual
async def test_a_refusal_is_not_caught_where_only_unavailable_is() -> None:
    async with bench() as made, running(made, files()):
        made.lab.answers = [Permanent("not-found", "nobody knows it")]
        made.lab.offer([sale("1")])
        await settle()
        assert sent(made) == []
        assert [(item.reason, item.level) for item in await made.items()] == [("not-found", "event")]


@virtual
async def test_a_refusal_that_is_named_is_caught_too() -> None:
    async with bench() as made, running(made, files("unavailable: true, reasons: [not-found]")):
        made.lab.answers = [Permanent("not-found", "nobody knows it")]
        made.lab.offer([sale("1")])
        await settle()
        assert sorted(sent(made), key=str) == [("note", None), ("post", "not-found")]
        assert await told(made) == ["ask: not-found: nobody knows it"]


@virtual
async def test_without_unavailable_it_is_tried_again_later() -> None:
    async with bench() as made, running(made, files("reasons: [not-found]")):
        made.lab.answers = [DOWN, {"rate": 7}]
        made.lab.offer([sale("1")])
        await settle(30)
        assert sent(made) == [("post", 7)]


@pytest.mark.parametrize("moment", [after_decided, before_routed])
@virtual
async def test_what_was_caught_stays_caught_whatever_answers_after_a_crash(moment: Any) -> None:
    async with bench() as made:
        made.lab.answers = [DOWN, {"rate": 7}]
        made.lab.offer([sale("1")])
        await killed_life(made, files(), Fate(on=moment, done_first=moment is after_decided))
        async with running(made, files()):
            await settle(60)
        assert sorted(sent(made), key=str) == [("note", None), ("post", "unreachable")]
        assert await made.items() == []
        assert made.lab.answers == [{"rate": 7}], "it was not asked again"
        assert await told(made) == ["ask: unreachable: no route to it"]


@pytest.mark.parametrize("moment", [after_decided, before_routed])
@virtual
async def test_an_answer_that_was_used_is_waited_for_after_a_crash(moment: Any) -> None:
    async with bench() as made:
        made.lab.answers = [{"rate": 7}, DOWN, {"rate": 7}]
        made.lab.offer([sale("1")])
        await killed_life(made, files(), Fate(on=moment, done_first=moment is after_decided))
        async with running(made, files()):
            await settle(60)
        assert sent(made) == [("post", 7)]
        assert await made.items() == [] and await told(made) == []


@virtual
async def test_facts_that_cannot_be_written_down_are_their_text() -> None:
    async with bench() as made, running(made, files()):
        made.lab.answers = [Transient("unreachable", data={"token": Secret("tok", "s3cret", "1"), "of": object})]
        made.lab.offer([sale("1")])
        await settle()
        assert sorted(sent(made), key=str) == [("note", None), ("post", "unreachable")]
        assert await made.items() == []


@virtual
async def test_a_replayed_work_item_asks_anew() -> None:
    steps = (
        TRY.format(catch="unavailable: true")
        + '  - {id: no, check: [{that: "!present(late)", otherwise: {work_item: wrong}}]}\n'
    )
    async with bench() as made, running(made, posting(steps, TO)) as engine:
        made.lab.answers = [DOWN, {"rate": 7}]
        made.lab.offer([sale("1")])
        await settle()
        (item,) = await made.items()
        assert item.reason == "wrong" and await told(made) == ["ask: unreachable: no route to it"]
        await engine.control.work_replay(item.id, "clerk", "it answers again")
        await settle()
        assert sent(made) == [("post", 7)]
