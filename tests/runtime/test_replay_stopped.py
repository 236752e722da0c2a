"""A replay asked of a stopped engine: the start publishes its copy once more, and nobody takes that for a duplicate."""

from __future__ import annotations

import pytest

from engine.core.errors import Failure, Permanent
from tests.runtime.lab import Bench, bench, figures_of, running, sale, settle, virtual
from tests.runtime.routes import TO_ERP, alone

ME = ("anna", "a test")
SMALL = 'steps:\n  - {id: small, check: [{that: "total < `5`", otherwise: {work_item: too-much}}]}\n'
REFUSING, TAKING = alone(SMALL + TO_ERP), alone(TO_ERP)


async def replayed_while_stopped(made: Bench, files: dict[str, str]) -> str:
    """One sale becomes a work item; the engine stops, and somebody asks for a replay before the next start.

    Answers the id of its event.
    """
    async with running(made, files):
        made.lab.offer([sale("1")])
        await settle()
    (item,) = await made.items()
    await made.engine(TAKING).control.work_replay(item.id, *ME)
    return item.event_id


async def told(made: Bench, event: str) -> list[str]:
    """What its story says, line by line."""
    return [line.what for line in await made.story(event)]


@pytest.mark.parametrize(("files", "refused"), [(REFUSING, None), (TAKING, Permanent("account-closed"))])
@virtual
async def test_the_copy_of_the_start_is_no_duplicate(files: dict[str, str], refused: Failure | None) -> None:
    async with bench() as made:
        made.lab.fail.append(refused)
        event = await replayed_while_stopped(made, files)
        async with running(made, TAKING) as engine:
            await settle(300)
            assert len(made.lab.requests()) == 1
            story = await told(made, event)
            assert story[-1] == "applied" and "duplicate" not in story
            figures = await figures_of(engine, "one")
            assert (figures["received"], figures["applied"], figures["duplicates"]) == (1, 1, 0)


@virtual
async def test_a_copy_somebody_sends_after_a_replay_is_a_duplicate_as_ever() -> None:
    async with bench() as made:
        event = await replayed_while_stopped(made, REFUSING)
        async with running(made, TAKING) as engine:
            await settle(300)
            made.lab.offer([sale("1")], "again.json")
            await settle(300)
            assert (await figures_of(engine, "one"))["duplicates"] == 1
            assert "duplicate" in await told(made, event)
