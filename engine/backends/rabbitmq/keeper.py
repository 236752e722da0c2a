"""Sees to it that what should be consumed is consumed: wanted consumers against those the broker confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from random import Random
from typing import Any

from engine.backends.rabbitmq.dataplane import QueueMissing, Unreachable, Wire
from engine.backends.rabbitmq.directory import Directory
from engine.backends.rabbitmq.link import Link, Log
from engine.backends.rabbitmq.mending import Mender
from engine.backends.rabbitmq.subscription import RabbitSubscription
from engine.core.errors import SettingsError, TransportBlocked
from engine.ports.transport import Address

AT_ONCE = 16  # consumers opened side by side
RETRY = 1.0  # seconds, with jitter, before the next try of one that could not be opened
FIRST_WITHIN = 5.0  # seconds a new subscription waits for its consumer; afterwards it comes when it can
LOOK = 15.0  # seconds between looks at the broker's own view


class Keeper:
    """All subscriptions of a transport, and the directory's.

    look   called now and then while the connection is up
    """

    def __init__(
        self, link: Link, directory: Directory, mender: Mender, look: Callable[[], Awaitable[None]], log: Log
    ) -> None:
        self.subscriptions: set[RabbitSubscription] = set()
        self.problem = ""
        self._link = link
        self._directory = directory
        self._mender = mender
        self._look = look
        self._log = log
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._rng = Random()

    def start(self) -> None:
        """Begin to keep."""
        self._spawn(self._keep())
        self._spawn(self._look_now_and_then())

    async def stop(self) -> None:
        """Close every subscription and stop keeping."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in list(self.subscriptions)))

    async def add(self, address: Address, queue: str, prefetch: int, place: Callable[[str], str]) -> RabbitSubscription:
        """A new subscription, consuming when it is answered unless the broker is away. `place`: see there."""
        one = RabbitSubscription(address, queue, prefetch, self.changed, place)
        self.subscriptions.add(one)
        self._wake.set()
        try:
            async with asyncio.timeout(FIRST_WITHIN):
                await one.first
        except TimeoutError:
            self._log("a consumer is not there yet", {"queue": queue, "why": one.problem})
        except asyncio.CancelledError:
            await one.close()
            raise
        return one

    def changed(self, one: RabbitSubscription) -> None:
        """It closed, or lost its channel."""
        if one.closed:
            self.subscriptions.discard(one)
        else:
            self._wake.set()

    def wake(self) -> None:
        """Something is not consumed any more."""
        self._wake.set()

    async def afresh(self, addresses: Collection[Address]) -> None:
        """Have those that consume these do it on new channels."""
        for one in [one for one in self.subscriptions if one.address in addresses and one.attached]:
            await one.detach("its queue was made again")

    def removed(self, address: Address) -> None:
        """Its queue is gone for good."""
        for one in [one for one in self.subscriptions if one.address == address]:
            self._spawn(one.close())

    def problems(self) -> dict[str, str]:
        """What should be consumed and is not."""
        found = {
            f"consumer/{one.address.kind}/{one.address.name}".rstrip("/"): one.problem or "not consuming"
            for one in self.subscriptions
            if not one.attached
        }
        return found | ({"directory": self.problem or "not followed"} if not self._directory.following else {})

    # --- keeping -----------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            try:
                done = await self._catch_up(await self._link.ready(LOOK))
            except Unreachable:
                continue  # the link tells of it itself, and `ready` waits for its return
            except Exception as error:  # whatever it is: keeping goes on
                self._log("keeping consumers failed", {"why": f"{type(error).__name__}: {error}"})
                done = False
            if not done:
                await asyncio.sleep(RETRY * self._rng.uniform(0.5, 1.5))
                continue
            with suppress(TimeoutError):  # a pause that may end early
                async with asyncio.timeout(LOOK):
                    await self._wake.wait()

    async def _catch_up(self, wire: Wire) -> bool:
        """Attach what is not attached. False when something could not be."""
        done = await self._follow(wire)
        detached = [one for one in self.subscriptions if not one.attached]
        for start in range(0, len(detached), AT_ONCE):
            some = detached[start : start + AT_ONCE]
            done = all(await asyncio.gather(*(self._attach(one, wire) for one in some))) and done
        return done

    async def _follow(self, wire: Wire) -> bool:
        directory = self._directory
        if directory.following:
            return True
        try:
            if directory.trusted:
                try:
                    await directory.attach(wire)
                    await directory.catch_up()
                except QueueMissing:
                    await self._mender.everything()
                    await directory.restore(wire)
            else:
                await directory.restore(wire)
        except (SettingsError, TransportBlocked) as error:
            self.problem = str(error)
            return False
        self.problem = ""
        return True

    async def _attach(self, one: RabbitSubscription, wire: Wire) -> bool:
        try:
            try:
                await one.attach(wire)
            except QueueMissing:
                self._log("a queue is gone while it is consumed", {"level": "warning", "queue": one.queue})
                await self._mender.address(one.address)
                await one.attach(wire)
        except (SettingsError, TransportBlocked) as error:
            one.problem = str(error)
            return False
        return one.attached or one.closed

    # --- looking -----------------------------------------------------------------------------------------------------

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            if self._link.wire is None:
                continue
            try:
                await self._look()
            except (SettingsError, TransportBlocked) as error:
                self._log("looking at the broker failed", {"why": str(error)})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
