"""Several engines on one transport and one store, as processes of one cell are, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from engine.core.errors import StoreDown
from engine.ports.store import Op
from engine.runtime.cell import Cell
from engine.runtime.engine import Engine
from tests.runtime.lab import Bench


class Mortal:
    """The store as one process reaches it, while it does; a dead process does not."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.dead = False

    async def apply(self, op: Op[Any]) -> Any:
        return (await self.apply_all(op))[0]

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        if self.dead:
            raise StoreDown("unplugged")
        answers: list[Any] = await self._real.apply_all(*ops)
        return answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Cellmates(Bench):
    """As Bench; `start` makes an engine under a name of its own.

    one_host   they are on one, where those that live see who was killed
    """

    def __init__(self) -> None:
        super().__init__()
        self.one_host = False
        self._killed: list[str] = []
        self._worker = ""
        self._running: dict[str, Engine] = {}
        self._reach: dict[str, Mortal] = {}

    def unplug(self) -> None:
        """The store cannot be reached by anybody."""
        for reach in self._reach.values():
            reach.dead = True

    def plug_in(self) -> None:
        """It can again."""
        for reach in self._reach.values():
            reach.dead = False

    def cell(self) -> Cell:
        reach = self._reach[self._worker] = Mortal(self.store)
        mine = replace(super().cell(), store=reach, worker=self._worker, shared=True)
        return replace(mine, beside=self.one_host, killed=self._dead) if self.one_host else mine

    @contextmanager
    def _dead(self) -> Iterator[list[str]]:
        """Once for all of them: who lives takes care of it."""
        yield list(self._killed)
        self._killed.clear()

    async def start(self, worker: str, files: Mapping[str, str]) -> Engine:
        self._worker = worker
        engine = self._running[worker] = self.engine(files)
        await engine.start()
        return engine

    async def kill(self, engine: Engine) -> None:
        """As a process dies: nothing is finished, nobody is told; what it had in hand goes back."""
        worker = engine.cell.worker
        del self._running[worker]
        self._reach[worker].dead = True
        self._killed.append(worker)
        for task in (*engine.lanes._tasks.values(), engine.lanes._looking):
            assert task is not None
            task.cancel()
        await engine._supervisor.stop()

    async def stop(self) -> None:
        for engine in self._running.values():
            await engine.stop()


@asynccontextmanager
async def cellmates() -> AsyncIterator[Cellmates]:
    """Opened; every engine that still runs is stopped in the end."""
    made = Cellmates()
    await made.transport.open()
    await made.store.open()
    try:
        yield made
    finally:
        await made.stop()
        await made.store.close()
        await made.transport.close()
