"""Replies are asked for once, used for a while, and old ones serve only while the system is down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from engine.core.errors import Failure, Permanent, Transient
from engine.steps.support.cache import Answer, Cache, ReplyCache
from engine.testing.clock import VirtualClock, current_clock, run_virtual


class System:
    """Something that is asked; answers its call count, takes a second, can be down."""

    def __init__(self, clock: VirtualClock) -> None:
        self.asked = 0
        self.failure: Failure | None = None
        self._clock = clock

    async def ask(self) -> int:
        self.asked += 1
        number = self.asked
        await self._clock.sleep(1)
        if self.failure is not None:
            raise self.failure
        return number


def cache_of(ttl: float, max_stale: float | None = None, size: int = 100) -> ReplyCache:
    return ReplyCache(Cache.model_construct(ttl=ttl, max_stale=max_stale), size)


def run(story: Callable[[System, VirtualClock], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        clock = current_clock()
        await story(System(clock), clock)

    run_virtual(main())


def test_a_hundred_concurrent_misses_ask_once() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60)
        replies = await asyncio.gather(*(cache.get("k", clock, system.ask) for _ in range(100)))
        assert replies == [Answer(1)] * 100
        assert system.asked == 1

    run(story)


def test_different_keys_ask_at_the_same_time() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60)
        await asyncio.gather(*(cache.get(str(n), clock, system.ask) for n in range(10)))
        assert system.asked == 10
        assert clock.monotonic() == 1.0

    run(story)


def test_a_reply_is_used_until_its_time_is_over() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60)
        assert (await cache.get("k", clock, system.ask)).value == 1
        await clock.sleep(59.9)
        assert (await cache.get("k", clock, system.ask)).value == 1
        await clock.sleep(0.2)
        assert (await cache.get("k", clock, system.ask)).value == 2

    run(story)


def test_a_null_reply_is_a_reply() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60)
        asked = 0

        async def nothing() -> None:
            nonlocal asked
            asked += 1

        assert (await cache.get("k", clock, nothing)).value is None
        assert (await cache.get("k", clock, nothing)).value is None
        assert asked == 1

    run(story)


def test_an_old_reply_serves_while_the_system_is_down_and_no_longer() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60, max_stale=3600)
        await cache.get("k", clock, system.ask)
        system.failure = Transient("unreachable")
        await clock.sleep(600)
        assert (await cache.get("k", clock, system.ask)).value == 1
        assert system.asked == 2, "it was asked first"
        assert await cache.get("k", clock, system.ask) == Answer(1, 602, system.failure), "how old it is, and why"
        await clock.sleep(3600)
        with pytest.raises(Transient):
            await cache.get("k", clock, system.ask)

    run(story)


def test_without_max_stale_an_old_reply_never_serves() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60)
        await cache.get("k", clock, system.ask)
        system.failure = Transient("unreachable")
        await clock.sleep(61)
        with pytest.raises(Transient):
            await cache.get("k", clock, system.ask)

    run(story)


def test_a_refusal_is_not_covered_up_by_an_old_reply() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60, max_stale=3600)
        await cache.get("k", clock, system.ask)
        system.failure = Permanent("refused")
        await clock.sleep(61)
        with pytest.raises(Permanent):
            await cache.get("k", clock, system.ask)

    run(story)


def test_all_who_wait_get_the_failure_and_the_next_one_asks_again() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60)
        system.failure = Transient("unreachable")
        results = await asyncio.gather(*(cache.get("k", clock, system.ask) for _ in range(5)), return_exceptions=True)
        assert [type(r) for r in results] == [Transient] * 5
        assert system.asked == 1
        system.failure = None
        assert (await cache.get("k", clock, system.ask)).value == 2

    run(story)


def test_when_the_one_who_asks_is_cancelled_another_asks() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60)
        first = asyncio.create_task(cache.get("k", clock, system.ask))
        second = asyncio.create_task(cache.get("k", clock, system.ask))
        await clock.sleep(0.5)
        first.cancel()
        assert (await second).value == 2
        assert first.cancelled()

    run(story)


def test_when_one_who_waits_is_cancelled_the_others_get_their_reply() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=60)
        first = asyncio.create_task(cache.get("k", clock, system.ask))
        second = asyncio.create_task(cache.get("k", clock, system.ask))
        await clock.sleep(0.5)
        second.cancel()
        assert (await first).value == 1
        with pytest.raises(asyncio.CancelledError):
            await second

    run(story)


def test_the_oldest_reply_makes_room() -> None:
    async def story(system: System, clock: VirtualClock) -> None:
        cache = cache_of(ttl=600, size=2)
        for key in "abc":
            await cache.get(key, clock, system.ask)
        await cache.get("c", clock, system.ask)
        await cache.get("b", clock, system.ask)
        assert system.asked == 3
        await cache.get("a", clock, system.ask)
        assert system.asked == 4

    run(story)
