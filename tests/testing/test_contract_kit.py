"""The contract kit against plugins that break it: the test that fails says what the author did wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine import sdk
from engine.testing import contract_answers
from engine.testing.contracts import (
    HurriedLoop,
    MemorySourceContext,
    SinkContract,
    SinkSubject,
    SourceContract,
    SourceSubject,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": HurriedLoop}


class Request(sdk.Options):
    document: Any


Deliver = Callable[["Odd", Sequence[sdk.SinkItem], sdk.ConnectorContext], Any]


class Odd(sdk.Sink):
    """Keeps documents by key; how it delivers is given."""

    def __init__(self, deliver: Deliver, guarantee: Any = "idempotency_key", verify: Any = None) -> None:
        self.actions = {"post": sdk.Action(Request, guarantee, batch=2)}  # type: ignore[misc]
        self.kept: dict[str, Any] = {}
        self._deliver, self._verify = deliver, verify

    async def deliver(self, batch: Sequence[sdk.SinkItem], ctx: sdk.ConnectorContext) -> list[sdk.SinkResult]:
        return self._deliver(self, batch, ctx)  # type: ignore[no-any-return]

    async def verify(self, item: sdk.SinkItem, ctx: sdk.ConnectorContext) -> bool:
        return self._verify(self, item)  # type: ignore[no-any-return]

    def keep(self, batch: Sequence[sdk.SinkItem], ctx: sdk.ConnectorContext) -> list[sdk.SinkResult]:
        """As it should be."""
        ctx.sent()
        self.kept |= {item.key: item.request for item in batch}
        return [sdk.SinkResult.applied()] * len(batch)


def blocks(sink: Odd, batch: Sequence[sdk.SinkItem], ctx: sdk.ConnectorContext) -> Any:
    time.sleep(1.0)  # a client that is not async
    return sink.keep(batch, ctx)


def contract(deliver: Deliver, **more: Any) -> SinkContract:
    class Contract(SinkContract):
        @asynccontextmanager
        async def subject(self) -> AsyncIterator[SinkSubject]:
            sink = Odd(deliver, **more)

            async def effects() -> list[Any]:
                return list(sink.kept.values())

            yield SinkSubject(sink, "post", [{"document": "1"}, {"document": "2"}], effects)

    return Contract()


@pytest.mark.parametrize(
    ("deliver", "text"),
    [
        (lambda sink, batch, ctx: sink.keep(batch, ctx)[:1], "answered 1 results for 2 items"),
        (lambda sink, batch, ctx: sink.keep(batch, ctx) and None, "answered NoneType, not a list"),
        (lambda sink, batch, ctx: [None for _ in sink.keep(batch, ctx)], "answered NoneType for an item"),
        (lambda sink, batch, ctx: [{"status": 201} for _ in sink.keep(batch, ctx)], "answered dict for an item"),
        (blocks, r"deliver blocks the loop[\s\S]*time\.sleep"),
    ],
)
async def test_a_wrong_answer_of_deliver_is_told(deliver: Deliver, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_answers, "STILL", 0.2)
    with pytest.raises(AssertionError, match=text):
        await contract(deliver).test_results_come_one_per_item_in_order()


async def test_what_the_engine_says_stands_in_the_failure_of_a_delivery() -> None:
    wrong = contract(lambda sink, batch, ctx: sink.keep(batch, ctx) and None, guarantee="at_most_once")
    with pytest.raises(AssertionError, match="answered NoneType, not a list"):
        await wrong.test_each_delivery_has_its_effect_with_exact_amounts()


async def test_a_sink_that_sends_before_it_says_so_is_told() -> None:
    def early(sink: Odd, batch: Sequence[sdk.SinkItem], ctx: sdk.ConnectorContext) -> Any:
        return sink.keep(batch, sdk.ConnectorContext(ctx.clock, ctx.log))

    with pytest.raises(AssertionError, match=r"does not call ctx\.sent\(\) before it sends"):
        await contract(early).test_nothing_leaves_when_the_lease_is_over()


async def test_a_verify_that_forgets_to_answer_is_told() -> None:
    forgetful = contract(Odd.keep, guarantee="verify", verify=lambda sink, item: None)
    with pytest.raises(AssertionError, match="verify answered NoneType, not a bool"):
        await forgetful.test_verify_tells_what_is_there()


async def test_a_good_sink_passes() -> None:
    good = contract(Odd.keep)
    await good.test_results_come_one_per_item_in_order()
    await good.test_each_delivery_has_its_effect_with_exact_amounts()
    await good.test_an_exception_after_sending_gives_no_second_effect()
    await good.test_nothing_leaves_when_the_lease_is_over()


class Config(sdk.Options):
    pass


class Given(sdk.Source):
    """Gives what it is told to."""

    Config = Config

    def __init__(self, arrivals: Callable[[], Any]) -> None:
        self._arrivals = arrivals

    def arrivals(self, ctx: sdk.SourceContext) -> AsyncIterator[sdk.Arrival]:
        return self._arrivals()  # type: ignore[no-any-return]


async def bare() -> AsyncIterator[Any]:
    yield b"bytes"
    await asyncio.Event().wait()


async def raises() -> AsyncIterator[Any]:
    raise RuntimeError("the system hung up")
    yield


async def ends() -> AsyncIterator[Any]:
    for nothing in ():
        yield nothing


async def listed() -> list[Any]:
    return []


@pytest.mark.parametrize(
    ("arrivals", "error", "text"),
    [
        (bare, AssertionError, "arrivals gave bytes, not an Arrival"),
        (listed, AssertionError, "arrivals is no async generator"),
        (ends, AssertionError, "arrivals came to an end"),
        (raises, RuntimeError, "the system hung up"),
    ],
)
async def test_a_source_that_gives_the_wrong_thing_is_told(
    arrivals: Callable[[], Any], error: type[Exception], text: str
) -> None:
    class Contract(SourceContract):
        @asynccontextmanager
        async def subject(self) -> AsyncIterator[SourceSubject]:
            offer: Callable[[int], Awaitable[None]] = lambda number: asyncio.sleep(0)  # noqa: E731
            yield SourceSubject(lambda: Given(arrivals), offer, MemorySourceContext())

    with pytest.raises(error, match=text):
        await Contract().test_what_is_offered_arrives()
