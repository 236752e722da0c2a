"""The contract of a Source: nothing is lost that was not acked, nothing comes again that was."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from engine.core.errors import Transient
from engine.plugins.contracts import Arrival, Source
from engine.testing.contract_answers import arriving
from engine.testing.contract_tools import MemorySourceContext, no_floats

PATIENCE = 5.0  # seconds of real time before a source counts as silent
QUIET = 0.15


@dataclass
class SourceSubject:
    """A source in front of a system that can be fed.

    make        a new Source over the same system, as after a restart
    offer       put something into the system: `offer(0)` and `offer(1)` differ, `offer(0)` twice is the same again
    redelivers  what was not acked comes again by itself (False: the sender has to send it again)
    absorbs     the same again gives no second Arrival (False: it gives one with the same id)
    """

    make: Callable[[], Source]
    offer: Callable[[int], Awaitable[None]]
    ctx: MemorySourceContext
    redelivers: bool = True
    absorbs: bool = False


@asynccontextmanager
async def running(subject: SourceSubject) -> AsyncIterator[Callable[[float], Awaitable[Arrival | None]]]:
    """A started source; what is given waits up to so many seconds for its next Arrival, None when none came."""
    source = subject.make()
    queue: asyncio.Queue[Arrival] = asyncio.Queue()

    async def pump() -> None:
        async for arrival in arriving(source, subject.ctx):
            queue.put_nowait(arrival)

    task = asyncio.create_task(pump())

    async def following(patience: float) -> Arrival | None:
        getter = asyncio.create_task(queue.get())
        await asyncio.wait({getter, task}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if getter.done():
            return getter.result()
        getter.cancel()
        if task.done():
            task.result()
            raise AssertionError("arrivals came to an end: a source goes on until it is closed")
        return None

    try:
        yield following
    finally:
        await source.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class SourceContract(ABC):
    """Subclass it as `Test..` and say what is under test."""

    pytestmark = pytest.mark.anyio

    @abstractmethod
    def subject(self) -> AbstractAsyncContextManager[SourceSubject]:
        """A fresh source and system."""

    async def test_what_is_offered_arrives(self) -> None:
        """An Arrival comes within PATIENCE, with a name and a content or an exact value."""
        async with self.subject() as subject, running(subject) as following:
            await subject.offer(0)
            arrival = await _some(following)
            assert arrival.name
            assert arrival.content or arrival.value is not None
            no_floats(arrival.value)
            await arrival.ack(0)

    async def test_what_was_not_acked_comes_again_after_a_restart(self) -> None:
        """Closed without an ack: the next Source over the same system gives the same again."""
        async with self.subject() as subject:
            async with running(subject) as following:
                await subject.offer(0)
                first = await _some(following)
            async with running(subject) as following:
                if not subject.redelivers:
                    await subject.offer(0)
                again = await _some(following)
                assert _same(first, again)

    async def test_what_was_acked_does_not_come_again_after_a_restart(self) -> None:
        """Acked, then closed: the next Source gives nothing."""
        async with self.subject() as subject:
            async with running(subject) as following:
                await subject.offer(0)
                await (await _some(following)).ack(0)
            async with running(subject) as following:
                assert await following(QUIET) is None

    async def test_what_was_released_is_offered_again(self) -> None:
        """`release(failure)`: the same Source gives the same again."""
        async with self.subject() as subject, running(subject) as following:
            await subject.offer(0)
            first = await _some(following)
            await first.release(Transient("busy"))
            if not subject.redelivers:
                await subject.offer(0)
            again = await _some(following)
            assert _same(first, again)
            await again.ack(0)

    async def test_the_same_again_is_the_same(self) -> None:
        """Offered twice: absorbed, or a second Arrival with the same id (the same content where it has no id)."""
        async with self.subject() as subject, running(subject) as following:
            await subject.offer(0)
            first = await _some(following)
            await first.ack(0)
            await subject.offer(0)
            if subject.absorbs:
                assert await following(QUIET) is None
            else:
                assert _same(first, await _some(following))

    async def test_two_are_two(self) -> None:
        """Different ones never look the same."""
        async with self.subject() as subject, running(subject) as following:
            seen: list[Arrival] = []
            for number in (0, 1):
                await subject.offer(number)
                seen.append(await _some(following))
                await seen[-1].ack(0)
            assert not _same(*seen)


async def _some(following: Callable[[float], Awaitable[Arrival | None]]) -> Arrival:
    arrival = await following(PATIENCE)
    assert arrival is not None, "nothing arrived"
    return arrival


def _same(left: Arrival, right: Arrival) -> bool:
    def identity(arrival: Arrival) -> Any:
        return arrival.id or (arrival.content, arrival.value)

    return bool(identity(left) == identity(right))
