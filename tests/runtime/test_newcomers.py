"""Events are taken for new without asking the inbox, and nothing comes of it when they are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.ports.store.inbox import InboxFind
from tests.runtime.lab import Bench, bench, figures_of, running, sale, settle, virtual
from tests.runtime.routes import SALES, TO_ERP, posting

CALLS = """steps:
  - {id: ask, call: {use: lab, connection: outside, action: ask, with: {reference: receipt}, into: answer}}
"""
ODD = "steps:\n  - {id: odd, check: [{that: \"note == 'fine'\", otherwise: {work_item: odd}}]}\n"
TRAINING_TWICE = ["filtered", "duplicate"]


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Bench, list[str]]]:
    """A bench, and the ids the inbox was asked about by the posting route."""
    async with bench() as made:
        asked: list[str] = []
        apply = made.store.apply

        async def spied(op: Any) -> Any:
            if isinstance(op, InboxFind) and op.route == "posting":
                asked.extend(key.id for key in op.keys)
            return await apply(op)

        made.store.apply = spied
        yield made, asked


async def offered(made: Bench, *sales: dict[str, Any]) -> None:
    """One after the other, each done before the next."""
    for one in sales:
        made.lab.offer([one])
        await settle()


@virtual
async def test_a_new_event_is_decided_without_a_question() -> None:
    async with watched() as (made, asked), running(made, SALES):
        await offered(made, sale("1"))
        of_the_first = len(asked)
        await offered(made, sale("2"), sale("3"))
        assert of_the_first == 1, "nothing is known of a Plan whose events never came through"
        assert len(asked) == 1
        assert [request["reference"] for request in made.lab.requests()] == ["1", "2", "3"]


@virtual
async def test_a_copy_is_found_when_its_row_is_to_be_written() -> None:
    async with watched() as (made, asked), running(made, SALES) as engine:
        await offered(made, sale("1"), sale("2"), sale("2", till=2))
        assert len(asked) == 2, "the first event, and the copy after its row was there"
        assert [request["reference"] for request in made.lab.requests()] == ["1", "2"]
        figures = await figures_of(engine, "posting")
        assert figures["balanced"] and (figures["received"], figures["duplicates"]) == (2, 1)


@pytest.mark.parametrize("steps", [ODD, CALLS], ids=["it would fail now", "its steps wait"])
@virtual
async def test_a_copy_of_what_was_posted_makes_no_work_item_and_asks_nobody(steps: str) -> None:
    async with watched() as (made, _):
        async with running(made, SALES):
            await offered(made, sale("1"), sale("2"))
        made.lab.calls.clear()
        async with running(made, posting(steps, TO_ERP)):
            await offered(made, sale("9", note="fine"), sale("2", till=2), sale("1", till=2))
            assert [item.reason for item in await made.items()] == []
            assert sorted(request["reference"] for request in made.lab.requests("post")) == ["1", "2", "9"]
            assert len(made.lab.requests("ask")) <= 1, "only the new one's"


@virtual
async def test_a_copy_of_what_was_filtered_has_one_reason() -> None:
    async with watched() as (made, _), running(made, SALES):
        await offered(made, sale("1"), sale("2", note="training"), sale("2", note="training", till=2))
        told = [entry.what for entry in await made.story("2") if entry.route == "posting"]
        assert told == TRAINING_TWICE
