"""Replies that are asked for once and used for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from pydantic import Field

from engine.sdk import Build, Clock, Duration, Failure, Options, Path, Shape

YES_OR_NO = Shape.of("yes/no")


class Cache(Options):
    """How long a reply is used again."""

    ttl: Duration = Field(description="a reply younger than this is used without asking", examples=["5m"])
    max_stale: Duration | None = Field(
        None, description="greatest age of a reply used while the system cannot be asked; not at all when left out"
    )
    stale_into: Path | None = Field(
        None,
        description="where it is said whether the reply is older than `ttl`, as yes or no; in the item with `each`",
    )

    def check(self, build: Build, *path: str | int) -> None:
        """Report a `max_stale` or `stale_into` that could never matter."""
        if self.stale_into is not None and self.max_stale is None:
            text = "without `max_stale` no reply is older than `ttl`"
            build.finding("TF1168", text, *path, "stale_into", help="add `max_stale: ..`, or leave `stale_into` out")
        if self.max_stale is not None and self.max_stale < self.ttl:
            build.finding("TF1168", "`max_stale` is shorter than `ttl`", *path, "max_stale", help="make it longer")


class Answer(NamedTuple):
    """A reply as it is handed on; `age` in seconds where it is older than its `ttl`, because of `failure`."""

    value: Any
    age: float = 0.0
    failure: Failure | None = None

    @property
    def stale(self) -> bool:
        return self.failure is not None


class _Reply(NamedTuple):
    value: Any
    at: float


class ReplyCache:
    """Replies by key. Concurrent misses of one key ask once; a reply is never changed by those who use it.

    A failure is not remembered: all who waited for it get it, the next one asks again. While the system cannot be
    asked (a failure that is not permanent) a reply up to `max_stale` old is used instead.
    """

    def __init__(self, config: Cache, size: int = 10_000) -> None:
        self._ttl = config.ttl
        self._max_stale = config.max_stale or 0.0
        self._size = size
        self._replies: dict[str, _Reply] = {}
        self._flights: dict[str, asyncio.Future[Answer]] = {}

    async def get(self, key: str, clock: Clock, ask: Callable[[], Awaitable[Any]]) -> Answer:
        """The reply for `key`, from memory or through `ask`. Raises what `ask` raises."""
        while True:
            known = self._replies.get(key)
            if known is not None and clock.monotonic() - known.at < self._ttl:
                return Answer(known.value)
            flight = self._flights.get(key)
            if flight is None:
                return await self._fly(key, clock, ask)
            try:
                return await asyncio.shield(flight)
            except asyncio.CancelledError:
                if not flight.cancelled():
                    raise  # we were cancelled, not the one who asks

    async def _fly(self, key: str, clock: Clock, ask: Callable[[], Awaitable[Any]]) -> Answer:
        flight: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._flights[key] = flight
        try:
            answer = await self._asked(key, clock, ask)
            flight.set_result(answer)
            return answer
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # seen, even if nobody else waited
            raise
        finally:
            del self._flights[key]
            flight.cancel()

    async def _asked(self, key: str, clock: Clock, ask: Callable[[], Awaitable[Any]]) -> Answer:
        try:
            value = await ask()
        except Failure as failure:
            known = self._replies.get(key)
            age = clock.monotonic() - known.at if known is not None else 0.0
            if failure.kind == "permanent" or known is None or age >= self._max_stale:
                raise
            return Answer(known.value, age, failure)
        self._replies.pop(key, None)
        if len(self._replies) >= self._size:
            del self._replies[next(iter(self._replies))]
        self._replies[key] = _Reply(value, clock.monotonic())
        return Answer(value)
