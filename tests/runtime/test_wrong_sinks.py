"""Sinks that answer what they may not: the engine says so, doubles nothing and goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engine import sdk
from engine.ports.store.work import WorkFind
from engine.testing.contracts import HurriedLoop, delivering

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": HurriedLoop}


class Request(sdk.Options):
    document: Any


class Wrong(sdk.Sink):
    """Sends each document, and answers what it is told to."""

    def __init__(self, guarantee: Any, answer: Any, there: Any = None) -> None:
        self.actions = {"post": sdk.Action(Request, guarantee)}  # type: ignore[misc]
        self.answer, self.there = answer, there
        self.sent: list[str] = []

    async def deliver(self, batch: Sequence[sdk.SinkItem], ctx: sdk.ConnectorContext) -> list[sdk.SinkResult]:
        ctx.sent()
        self.sent += [item.key for item in batch]
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]

    async def verify(self, item: sdk.SinkItem, ctx: sdk.ConnectorContext) -> bool:
        return self.there  # type: ignore[no-any-return]


ITEM = sdk.SinkItem("0" * 32, {"document": 1}, "post", "event-0")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "deliver answered NoneType, not a list with one SinkResult per item"),
        (sdk.SinkResult.applied(), "deliver answered SinkResult, not a list"),
        ([], "0 results for 1 items"),
        ([sdk.SinkResult.applied()] * 2, "2 results for 1 items"),
        ([None], "answered NoneType for this item, not a SinkResult"),
        ([{"status": 200}], "answered dict for this item, not a SinkResult"),
    ],
)
async def test_a_wrong_answer_is_told_and_nothing_is_sent_again(answer: Any, text: str) -> None:
    sink = Wrong("at_most_once", answer)
    async with delivering(sink, "post") as engine:
        ending = await engine.deliver(ITEM)
        (item,) = await engine.cell.store.apply(WorkFind())
    assert (ending.state, sink.sent) == ("work_item", [ITEM.key])
    assert text in item.detail


async def test_a_verify_without_an_answer_lets_nothing_be_sent_again() -> None:
    sink = Wrong("verify", RuntimeError("after it left"), there=None)
    async with delivering(sink, "post") as engine:
        ending = await engine.deliver(ITEM)
        (item,) = await engine.cell.store.apply(WorkFind())
    assert (ending.state, sink.sent) == ("work_item", [ITEM.key])
    assert "verify answered NoneType, not a bool" in item.detail


async def test_a_result_that_is_no_json_value_does_not_undo_the_effect() -> None:
    sink = Wrong("at_most_once", [sdk.SinkResult.applied(object())])
    async with delivering(sink, "post") as engine:
        ending = await engine.deliver(ITEM)
    assert (ending.state, sink.sent) == ("applied", [ITEM.key])
