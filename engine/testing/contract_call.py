"""The contract of a Call: an exact reply, classified failures, and one effect where it has one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from engine.core.errors import Failure
from engine.plugins.contracts import Call, SinkItem
from engine.testing.contract_answers import not_blocking
from engine.testing.contract_tools import context, no_floats


@dataclass
class CallSubject:
    """A call in front of a system.

    request      a good request; `reply` is what it gives
    refused      a request that can never work; None: there is none
    unreachable  makes the system unreachable; None: the fake cannot
    effects      for an action with a guarantee: what the system holds now
    """

    call: Call
    action: str
    request: Any
    reply: Any
    refused: Any = None
    unreachable: Callable[[], Awaitable[None]] | None = None
    effects: Callable[[], Awaitable[list[Any]]] | None = None

    def item(self, request: Any) -> SinkItem:
        """The request in hand, with one key for all of them: asking again is asking the same."""
        return SinkItem("0" * 32, request, self.action, "event-0")


class CallContract(ABC):
    """Subclass it as `Test..` and say what is under test."""

    pytestmark = pytest.mark.anyio

    @abstractmethod
    def subject(self) -> AbstractAsyncContextManager[CallSubject]:
        """A fresh call and system."""

    async def test_the_reply_is_exact(self) -> None:
        """`call` gives what `reply` says, without a float in it."""
        async with self.subject() as subject:
            with not_blocking("call"):
                reply = await subject.call.call(subject.item(subject.request), context())
            assert reply == subject.reply
            no_floats(reply)

    async def test_asking_again_gives_the_same_reply_and_one_effect(self) -> None:
        """Two calls with one key: the same reply, and one effect where the action has a guarantee."""
        async with self.subject() as subject:
            first = await subject.call.call(subject.item(subject.request), context())
            assert await subject.call.call(subject.item(subject.request), context()) == first
            if subject.call.actions[subject.action].guarantee and subject.effects is not None:
                assert len(await subject.effects()) == 1

    async def test_a_refused_request_is_permanent(self) -> None:
        """What the system refuses for good raises Permanent (or Rejected) with a reason."""
        async with self.subject() as subject:
            if subject.refused is None:
                pytest.skip("nothing is refused")
            with pytest.raises(Failure) as caught:
                await subject.call.call(subject.item(subject.refused), context())
            assert caught.value.kind == "permanent"
            assert caught.value.reason

    async def test_an_unreachable_system_is_a_transient_failure(self) -> None:
        """Nobody there raises Transient: the engine asks again."""
        async with self.subject() as subject:
            if subject.unreachable is None:
                pytest.skip("this system is always there")
            await subject.unreachable()
            with pytest.raises(Failure) as caught:
                await subject.call.call(subject.item(subject.request), context())
            assert caught.value.kind == "transient"
