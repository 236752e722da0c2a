"""A sink that was renamed and kept its effect takes what was made for its old name; another sink never does."""

from __future__ import annotations

import pytest

from engine.core.errors import Permanent
from engine.core.ids import delivery_id
from engine.runtime.carrying.codec import Delivery
from engine.runtime.people.advice import helps, takes
from engine.runtime.people.replay import Decisions, Who
from tests.runtime.support import Bench, bench, delivery, event, plan, planned_sink, virtual


def waiting(sink: str = "old", does: str = "fake/idempotency_key") -> Delivery:
    """A delivery that was made for a sink `old` with the effect `books`."""
    return delivery(sink=sink, effect="books", id=delivery_id(event(1).id, "books"), does=does)


async def delivered(b: Bench, one: Delivery) -> int:
    await b.publish(one)
    await b.run_until_quiet()
    return b.world.applied(one.id)


@virtual
async def test_what_waits_under_the_old_name_goes_to_the_sink_with_its_effect() -> None:
    async with bench(plan(planned_sink(id="new", effect="books"))) as b:
        assert await delivered(b, waiting()) == 1
        assert await delivered(b, waiting(sink="new")) == 1, "the same delivery under the new name is a copy"
        assert await b.items() == []


@pytest.mark.parametrize("facts", [{"effect": "other"}, {"effect": "books", "action": "upsert"}])
@virtual
async def test_a_sink_with_another_effect_or_action_is_not_given_it(facts: dict[str, str]) -> None:
    async with bench(plan(planned_sink(id="new", **facts))) as b:
        assert await delivered(b, waiting()) == 0
        (item,) = await b.items()
        assert item.reason == "sink-gone" and takes(item, b.plans) == ["resolve", "discard"]
        assert helps(item, b.plans).startswith("put the sink `old` of route `sales` back")
        b.use(plan(planned_sink(id="old", effect="books")))
        assert takes(item, b.plans)[0] == "replay" and "replay it" in helps(item, b.plans)


@virtual
async def test_a_replay_finds_the_renamed_sink() -> None:
    async with bench(plan(planned_sink(id="old", effect="books"))) as b:

        async def refuse(*_: object) -> None:
            raise Permanent("account-closed")

        b.world.script = refuse
        await delivered(b, waiting())
        b.world.script = None
        b.use(plan(planned_sink(id="new", effect="books")))
        (item,) = await b.items()
        decisions = Decisions(b.cell, b.plans, b.pool, _cannot)
        await decisions.replay(item, Who("anna", "the account is open again"))
        await b.run_until_quiet()
        assert b.world.applied(waiting().id) == 1


async def _cannot(item: object) -> None:
    raise AssertionError("a delivery does not enter ingress")
