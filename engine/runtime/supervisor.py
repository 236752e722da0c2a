"""Keeps the tasks of a process running: one that fails is told, and started again after a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from engine.core.clock import Clock
from engine.runtime.cell import Log

PAUSE = 0.5
LONGEST_PAUSE = 15.0
HEALTHY = 30.0  # seconds after which a task counts as healthy again

Run = Callable[[], Awaitable[None]]


@dataclass
class Part:
    """One supervised task. `problem` is why it is not running, empty while it is."""

    name: str
    run: Run
    problem: str = ""
    restarts: int = 0
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Supervised tasks by name."""

    def __init__(self, clock: Clock, log: Log) -> None:
        self._clock = clock
        self._log = log
        self._parts: dict[str, Part] = {}
        self._leaving: list[Part] = []  # another of their name has taken their place

    def start(self, name: str, run: Run) -> Part:
        """Run this until it returns or is stopped; again whenever it raises. One of that name before runs on beside."""
        if name in self._parts:
            self._leaving.append(self._parts[name])
        part = self._parts[name] = Part(name, run)
        part.task = asyncio.create_task(self._keep(part), name=name)
        return part

    def part(self, name: str) -> Part | None:
        """The newest of this name."""
        return self._parts.get(name)

    def keep(self, part: Part) -> None:
        """One whose place was taken has it back."""
        self._leaving.remove(part)
        self._parts[part.name] = part

    async def finish(self, part: Part, patience: float) -> bool:
        """Wait until this part has returned; it is cancelled after `patience` seconds. True when it was not."""
        assert part.task is not None
        _, late = await asyncio.wait([part.task], timeout=patience)
        if late:
            part.task.cancel()
            await asyncio.gather(part.task, return_exceptions=True)
        if part in self._leaving:
            self._leaving.remove(part)
        if self._parts.get(part.name) is part:
            del self._parts[part.name]
        return not late

    def problems(self) -> dict[str, str]:
        """What does not run, and why."""
        return {part.name: part.problem for part in self._parts.values() if part.problem}

    async def drain(self, names: str, patience: float) -> bool:
        """Wait for the parts whose name starts so to return by themselves. True when all did in time."""
        known = (*self._parts.values(), *self._leaving)
        tasks = [part.task for part in known if part.name.startswith(names) and part.task is not None]
        if not tasks:
            return True
        _, left = await asyncio.wait(tasks, timeout=patience)
        return not left

    async def stop(self) -> None:
        """Cancel everything that still runs."""
        tasks = [part.task for part in (*self._parts.values(), *self._leaving) if part.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._parts.clear()
        self._leaving.clear()

    async def _keep(self, part: Part) -> None:
        pause = PAUSE
        while True:
            began = self._clock.monotonic()
            try:
                await part.run()
                return
            except Exception as error:
                part.problem = _told(error)
            part.restarts += 1
            self._log("a part of the engine failed; starting it again", {"part": part.name, "why": part.problem})
            pause = PAUSE if self._clock.monotonic() - began > HEALTHY else pause
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            part.problem = ""


def _told(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
