"""Work items of a route that is gone and finished: a replay finds somebody who carries it out."""

from __future__ import annotations

from engine.core.errors import Permanent
from engine.ports.transport import Address
from engine.runtime.engine import Engine
from tests.reload.yard import Yard, on_both, on_sqlite
from tests.runtime.lab import sale
from tests.runtime.routes import FROM_SALES, TO_ERP, route

SMALL = 'steps:\n  - {id: small, check: [{that: "total < `1000`", otherwise: {work_item: too-much}}]}\n'
QUEUE = Address("route", "posting")


async def one_item(yard: Yard) -> str:
    async def there() -> bool:
        return len(await yard.made.items()) == 1

    await yard.until(there)
    (item,) = await yard.made.items()
    return item.id


async def remove(yard: Yard, engine: Engine) -> None:
    """The route goes, and what is left of it is finished: nobody consumes its queue."""
    del yard.files["routes/posting.yaml"]
    await yard.saved(engine)
    await finished(yard, engine)


async def finished(yard: Yard, engine: Engine) -> None:
    async def gone() -> bool:
        depths = await yard.made.transport.depths()
        return not engine.plans.retiring() and QUEUE not in depths and "posting" not in engine.routers

    await yard.until(gone, within=90)


@on_both
async def test_an_event_runs_on_the_last_plan(yard: Yard) -> None:
    yard.files["routes/posting.yaml"] = route("posting", FROM_SALES + SMALL + TO_ERP)
    async with yard.running() as engine:
        yard.lab.offer([sale("1", total=5000)])
        item = await one_item(yard)
        await remove(yard, engine)

        await engine.control.work_edit(item, sale("1", total=5), "clerk", "a slip of the till")
        await engine.control.work_replay(item, "clerk", "a slip of the till")

        await yard.until(lambda: yard.posted() == ["1"])
        await finished(yard, engine)
        assert await yard.made.items() == []


@on_sqlite
async def test_a_delivery_is_made_on_the_last_plan(yard: Yard) -> None:
    async with yard.running() as engine:
        yard.lab.fail = [Permanent("account-closed", "no such account")]
        yard.lab.offer([sale("1")])
        item = await one_item(yard)
        await remove(yard, engine)

        await engine.control.work_replay(item, "clerk", "the account is open")

        await yard.until(lambda: yard.posted() == ["1"], within=60)
        await finished(yard, engine)
        assert await yard.made.items() == []


@on_sqlite
async def test_what_turns_up_without_a_replay_is_found(yard: Yard) -> None:
    """Published a moment before the route was forgotten, by another process say."""
    yard.files["routes/posting.yaml"] = route("posting", FROM_SALES + SMALL + TO_ERP)
    async with yard.running() as engine:
        yard.lab.offer([sale("1", total=5000)])
        item = await one_item(yard)
        await remove(yard, engine)
        engine.plans.recall = lambda route: None  # type: ignore[method-assign]  # as if it had not been heard here
        await engine.control.work_edit(item, sale("1", total=5), "clerk", "a slip of the till")
        await engine.control.work_replay(item, "clerk", "a slip of the till")
        del engine.plans.recall  # type: ignore[method-assign]

        await yard.until(lambda: yard.posted() == ["1"], within=90)


@on_sqlite
async def test_after_a_restart_it_is_still_known_whose_it_was(yard: Yard) -> None:
    async with yard.running() as engine:
        before = engine.plans.current("posting")
        await remove(yard, engine)
    async with yard.running() as engine:
        assert before is not None and engine.plans.current("posting") is None
        last = await engine.plans.last("posting")
        assert last is not None and last.owner == before.owner != ""
        assert await engine.plans.last("never-there") is None
