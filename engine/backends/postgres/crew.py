"""A crew: connections that take work from one queue, each kept alive by a task of its own."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.backends.postgres.connection import let_go
from engine.backends.postgres.draft import Connection
from engine.core.errors import SettingsError, StoreDown

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

J = TypeVar("J")


@dataclass(slots=True, eq=False)
class Job(Generic[J]):
    """Something asked for, and the future its caller waits on."""

    asked: J
    future: asyncio.Future[Any]

    def answer(self, value: Any) -> None:
        if not self.future.done():
            self.future.set_result(value)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Crew(Generic[J]):
    """Used from one event loop only.

    connect   makes a connection; raises StoreDown or SettingsError
    work      takes at least one job from the queue it is given and sees to its end; raises nothing. A connection it
              closes is replaced
    """

    def __init__(
        self,
        size: int,
        connect: Callable[[], Awaitable[Connection]],
        work: Callable[[Connection, deque[Job[J]]], Awaitable[None]],
    ) -> None:
        self._connect = connect
        self._work = work
        self._waiting: deque[Job[J]] = deque()
        self._later: list[Job[J]] = []
        self._arrived = asyncio.Event()
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._connected: set[int] = set()
        self._closing = asyncio.Event()
        self._tasks = [asyncio.create_task(self._serve(number), name=f"postgres-{number}") for number in range(size)]
        self.down = ""

    def submit(self, asked: J, later: float = 0.0) -> asyncio.Future[Any]:
        """Hand in a job; `later`: seconds it may wait, so that others come and are done with it. Raises StoreDown while
        no connection can be made.
        """
        if self.down:
            raise StoreDown(self.down)
        loop = asyncio.get_running_loop()
        job: Job[J] = Job(asked, loop.create_future())
        self._idle.clear()
        if not later:
            self._waiting.append(job)
            self._arrived.set()
            return job.future
        if not self._later:
            loop.call_later(later, self._release)
        self._later.append(job)
        return job.future

    def _release(self) -> None:
        self._waiting.extend(self._later)
        self._later.clear()
        self._arrived.set()

    async def close(self) -> None:
        """Finish what was handed in, then let go."""
        await self._idle.wait()
        self.down = "the store is not open"
        self._closing.set()
        self._arrived.set()
        await asyncio.gather(*self._tasks)

    async def _serve(self, number: int) -> None:
        connection: Connection | None = None
        pause = _FIRST_PAUSE
        try:
            while not self._closing.is_set():
                if connection is None or connection.is_closed():
                    self._connected.discard(number)
                    connection = await self._new(pause)
                    pause = _FIRST_PAUSE if connection else min(pause * 2, _LONGEST_PAUSE)
                    if connection is None:
                        continue
                    self._connected.add(number)
                    connection.add_termination_listener(lambda _: self._arrived.set())
                    self.down = ""
                await self._next(connection)
        finally:
            if connection is not None:
                await let_go(connection)

    async def _new(self, pause: float) -> Connection | None:
        """A connection; None after a pause when there is none to be had."""
        try:
            return await self._connect()
        except (StoreDown, SettingsError) as error:
            if not self._connected:
                self._refuse(str(error))
        with suppress(TimeoutError):  # a pause that may end early
            async with asyncio.timeout(pause * random.uniform(0.5, 1.0)):
                await self._closing.wait()
        return None

    def _refuse(self, why: str) -> None:
        """Nobody of the crew can work: whoever waits is told, and whoever comes."""
        self.down = why
        self._release()
        while self._waiting:
            self._waiting.popleft().fail(StoreDown(why))
        self._settle()

    async def _next(self, connection: Connection) -> None:
        while not (self._waiting or self._closing.is_set() or connection.is_closed()):
            self._arrived.clear()
            await self._arrived.wait()
        # A connection that was lost meanwhile takes nothing: the job waits for the next one of the crew that can.
        if self._closing.is_set() or connection.is_closed():
            return
        self._busy += 1
        try:
            await self._work(connection, self._waiting)
        finally:
            self._busy -= 1
            self._settle()

    def _settle(self) -> None:
        if not (self._busy or self._waiting or self._later):
            self._idle.set()
