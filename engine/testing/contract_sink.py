"""The contract of a Sink: one delivery, one effect, whatever happens in between.

class TestOurSink(SinkContract):
    @asynccontextmanager
    async def subject(self):
        async with FakeSystem() as system:
            yield SinkSubject(OurSink(connection), "post", [{"id": "1"}, {"id": "2"}], effects=system.orders, ...)
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from engine.plugins.contracts import REPEATABLE, ConnectorContext, Sent, Sink, SinkItem, SinkResult
from engine.testing.contract_answers import answered, verified
from engine.testing.contract_delivery import HurriedLoop, delivering
from engine.testing.contract_tools import context, lease_is_over, no_floats

Effects = Callable[[], Awaitable[list[Any]]]


@dataclass
class SinkSubject:
    """A sink in front of a system that can be looked into.

    sink         the Sink, its connection opened
    action       the action under test
    requests     two different good requests; amounts in them are Decimals
    effects      what the system holds now, one entry per effect, as JSON values
    expected     what `effects` gives after both requests; None: the requests themselves
    refused      a request the system or the connector refuses for good; None: there is none
    lose_answer  makes the next request be applied and its answer get lost; None: the fake cannot
    unreachable  makes the system unreachable until the end of the test; None: the fake cannot
    """

    sink: Sink
    action: str
    requests: Sequence[Any]
    effects: Effects
    expected: Sequence[Any] | None = None
    refused: Any = None
    lose_answer: Callable[[], None] | None = None
    unreachable: Callable[[], Awaitable[None]] | None = None

    @property
    def guarantee(self) -> str | None:
        """What the action under test declares."""
        return self.sink.actions[self.action].guarantee

    def item(self, number: int = 0, **changes: Any) -> SinkItem:
        """The delivery of one of the requests; its key is the same each time."""
        return SinkItem(f"{number:032x}", self.requests[number], self.action, f"event-{number}", **changes)


class Exploding(Sink):
    """Does what the sink does and then raises something nobody classified, the first time."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.actions = sink.actions  # type: ignore[misc]
        self.left = 1

    async def deliver(self, batch: Sequence[SinkItem], ctx: ConnectorContext) -> list[SinkResult]:
        """The sink's results; the first time ZeroDivisionError instead, after the effect."""
        results = await self._sink.deliver(batch, ctx)
        if self.left:
            self.left -= 1
            raise ZeroDivisionError("something nobody thought of")
        return results

    async def verify(self, item: SinkItem, ctx: ConnectorContext) -> bool:
        """What the sink says."""
        return await self._sink.verify(item, ctx)


class SinkContract(ABC):
    """Subclass it as `Test..` and say what is under test.

    Where a test speaks of delivery it is the engine's own: transport, ledger, retries, on a loop whose time runs fast.
    """

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> tuple[str, dict[str, Any]]:
        return "asyncio", {"loop_factory": HurriedLoop}

    @abstractmethod
    def subject(self) -> AbstractAsyncContextManager[SinkSubject]:
        """A fresh sink and system."""

    async def test_each_delivery_has_its_effect_with_exact_amounts(self) -> None:
        """Two deliveries, two effects, the amounts as they were given."""
        async with self.subject() as subject, delivering(subject.sink, subject.action) as engine:
            for number in range(2):
                ending = await engine.deliver(subject.item(number))
                assert ending.state == "applied", ending
            effects = await subject.effects()
            assert effects == list(subject.expected or subject.requests)
            no_floats(effects)

    async def test_a_repeat_with_the_same_key_has_one_effect(self) -> None:
        """For guarantees that repeat blindly: three deliveries with one key have one effect, and all three succeed."""
        async with self.subject() as subject:
            if subject.guarantee not in REPEATABLE - {"verify"}:
                pytest.skip(f"the guarantee {subject.guarantee} does not allow blind repeats")
            for attempt in (1, 2, 3):
                item = subject.item(attempt=attempt, maybe_applied=attempt > 1)
                (answer,) = await answered(subject.sink, [item], context())
                assert answer.failure is None
            assert len(await subject.effects()) == 1

    async def test_verify_tells_what_is_there(self) -> None:
        """For `verify`: False before, True after, False still for another key."""
        async with self.subject() as subject:
            if subject.guarantee != "verify":
                pytest.skip("the action has no verify")
            assert await verified(subject.sink, subject.item(), context()) is False
            await answered(subject.sink, [subject.item()], context())
            assert await verified(subject.sink, subject.item(), context()) is True
            assert await verified(subject.sink, subject.item(1), context()) is False

    async def test_an_exception_after_sending_gives_no_second_effect(self) -> None:
        """The sink did it and then raised: what the engine does next doubles nothing."""
        async with self.subject() as subject, delivering(Exploding(subject.sink), subject.action) as engine:
            ending = await engine.deliver(subject.item())
            self.check(subject, ending.state, len(await subject.effects()), ending.detail)

    async def test_a_lost_answer_gives_no_second_effect(self) -> None:
        """The system did it and its answer got lost: what the engine does next doubles nothing."""
        async with self.subject() as subject, delivering(subject.sink, subject.action) as engine:
            if subject.lose_answer is None:
                pytest.skip("this system cannot lose an answer")
            subject.lose_answer()
            ending = await engine.deliver(subject.item())
            self.check(subject, ending.state, len(await subject.effects()), ending.detail)

    async def test_a_process_that_died_in_the_middle_gives_no_second_effect(self) -> None:
        """Cancelled right after `ctx.sent()`, then delivered by another process: one effect."""
        async with self.subject() as subject, delivering(subject.sink, subject.action) as engine:
            left = asyncio.Event()
            item = subject.item()
            task = asyncio.create_task(subject.sink.deliver([item], context(Sent(left.set))))
            await asyncio.wait({task, asyncio.create_task(left.wait())}, return_when=asyncio.FIRST_COMPLETED)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await engine.abandoned(item)
            ending = await engine.deliver(item)
            effects = len(await subject.effects())
            if subject.guarantee in REPEATABLE:
                self.check(subject, ending.state, effects, ending.detail)
            else:
                assert effects <= (1 if subject.guarantee == "at_most_once" else 2)

    @staticmethod
    def check(subject: SinkSubject, state: str, effects: int, why: str = "") -> None:
        """One effect; what may not be repeated waits for a person. `why`: what the engine says of it."""
        assert effects == 1 or (subject.guarantee == "at_least_once" and effects == 2), f"{effects} effects; {why}"
        assert state == ("work_item" if subject.guarantee == "at_most_once" else "applied"), why

    async def test_nothing_leaves_when_the_lease_is_over(self) -> None:
        """`ctx.sent()` refuses: the system must not have been reached, so it is called before the first byte."""
        async with self.subject() as subject:
            answers = await asyncio.gather(
                subject.sink.deliver([subject.item()], context(Sent(lease_is_over))), return_exceptions=True
            )
            failed = isinstance(answers[0], BaseException) or answers[0][0].failure is not None
            assert failed, "the sink does not call ctx.sent() before it sends"
            assert await subject.effects() == []

    async def test_an_unreachable_system_is_a_transient_failure(self) -> None:
        """Nobody there: a transient failure, or an exception before `ctx.sent()`."""
        async with self.subject() as subject:
            if subject.unreachable is None:
                pytest.skip("this system is always there")
            await subject.unreachable()
            sent = Sent()
            try:
                (answer,) = await answered(subject.sink, [subject.item()], context(sent))
            except AssertionError:
                raise
            except Exception:
                assert not sent.left, "an unclassified exception after ctx.sent() counts as unknown outcome"
            else:
                assert answer.failure is not None
                assert answer.failure.kind == "transient"

    async def test_a_refused_request_is_permanent_and_spoils_no_other(self) -> None:
        """A refused item is permanent with a reason; the others of its batch are applied."""
        async with self.subject() as subject:
            if subject.refused is None:
                pytest.skip("nothing is refused")
            bad = SinkItem("f" * 32, subject.refused, subject.action, "event-bad")
            if subject.sink.actions[subject.action].batch > 1:
                batch = [subject.item(0), bad, subject.item(1)]
                first, refused, last = await answered(subject.sink, batch, context())
                assert first.failure is None
                assert last.failure is None
            else:
                (refused,) = await answered(subject.sink, [bad], context())
            assert refused.failure is not None
            assert refused.failure.kind == "permanent"
            assert refused.failure.reason

    async def test_results_come_one_per_item_in_order(self) -> None:
        """As many SinkResults as items, all applied, no float in a result."""
        async with self.subject() as subject:
            size = subject.sink.actions[subject.action].batch
            batch = [subject.item(number) for number in range(min(size, 2))]
            results = await answered(subject.sink, batch, context())
            assert all(result.failure is None for result in results)
            no_floats([result.result for result in results])
