"""Keeps one connection up: notices that it is gone, and connects again, each time after a longer pause with jitter.

Nothing is left to a client's "robust" mode: what has to be there on a new connection is made by `on_up`, and whoever
waits gets a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from engine.backends.rabbitmq.dataplane import DataPlane, Unreachable, Wire
from engine.core.errors import SettingsError

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0

Log = Callable[[str, dict[str, str]], None]


class Link:
    """One connection by name. `on_up` is awaited on each new one before anybody else gets it."""

    def __init__(
        self, plane: DataPlane, url: str, name: str, log: Log, on_up: Callable[[Wire], Awaitable[None]]
    ) -> None:
        self.name = name
        self.problem = ""
        self._plane = plane
        self._url = url
        self._log = log
        self._on_up = on_up
        self._wire: Wire | None = None
        self._up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._rng = Random()
        self.connections = 0  # made so far

    @property
    def wire(self) -> Wire | None:
        """The connection, while it is up."""
        return self._wire

    async def open(self) -> None:
        """Connect, and stay connected. Raises SettingsError, Unreachable."""
        wire = await self._connect()
        self._task = asyncio.create_task(self._keep(wire), name=f"rabbitmq/{self.name}")

    async def close(self) -> None:
        """Let go of it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def ready(self, within: float) -> Wire:
        """The connection, once there is one. Raises Unreachable after `within` seconds."""
        if self._wire is None:
            try:
                async with asyncio.timeout(within):
                    await self._up.wait()
            except TimeoutError:
                raise Unreachable(self.problem or "there is no connection to RabbitMQ") from None
        if self._wire is None:
            raise Unreachable(self.problem or "there is no connection to RabbitMQ")
        return self._wire

    def reset(self, why: str) -> None:
        """This connection cannot be trusted: another one."""
        if self._wire is not None and not self._wire.closed.done():
            self._wire.closed.set_result(why)

    async def _connect(self) -> Wire:
        wire = await self._plane.connect(self._url, f"tillflow {self.name}")
        try:
            await self._on_up(wire)
        except BaseException:
            await wire.close()
            raise
        self._wire, self.problem = wire, ""
        self.connections += 1
        self._up.set()
        return wire

    async def _keep(self, wire: Wire) -> None:
        try:
            while True:
                self.problem = f"the connection was lost: {await asyncio.shield(wire.closed)}"
                self._up.clear()
                self._wire = None
                self._log("a connection to RabbitMQ was lost", {"link": self.name, "why": self.problem})
                await wire.close()
                wire = await self._again()
        finally:
            self._wire = None
            self._up.clear()
            await wire.close()

    async def _again(self) -> Wire:
        pause = FIRST_PAUSE
        while True:
            await asyncio.sleep(pause * self._rng.uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                wire = await self._connect()
            except (Unreachable, SettingsError) as error:
                self.problem = str(error)
            except Exception as error:  # whatever it is: there has to be a connection again
                self.problem = f"{type(error).__name__}: {error}"
                self._log("connecting to RabbitMQ failed", {"link": self.name, "why": self.problem})
            else:
                self._log("connected to RabbitMQ again", {"link": self.name})
                return wire
