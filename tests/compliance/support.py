"""What the tests of compliance rules share: their vectors, and steps that run over a durable store of their own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from engine.backends.blobs import FolderBlobs
from engine.backends.secrets import DictSecrets
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.core.event import Event
from engine.plugins.contracts import Step
from engine.plugins.frame import Frame
from engine.ports.secrets import Secret
from engine.runtime.cell import Cell
from engine.runtime.router.context import Contexts
from engine.testing.clock import START, current_clock, run_virtual
from tests.steps.support import TestBuild, TestEnv, World


def vectors(shared: Path, folder: str, name: str) -> Any:
    """A file of vectors that other people published."""
    return json.loads((shared / "samples" / folder / name).read_text("utf-8"))


class Env(TestEnv):
    """Surroundings that know secrets."""

    __test__ = False

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        super().__init__(World())
        self._secrets = dict(secrets or {})

    def at(self, schema: str) -> Env:
        return self

    def secret(self, name: str, key: str = "") -> Any:
        full = f"{name}.{key}" if key else name
        return Secret(full, self._secrets[full], "1")


class Build(TestBuild):
    """Builds steps; that a secret exists is the compiler's business."""

    __test__ = False

    def check(self, expr: Any, shape: Any, *path: str | int) -> None:
        return None


def step_of(cls: type[Step], **raw: Any) -> Step:
    """A step from its body as it stands in a route."""
    build = Build(World())
    made = cls(cls.Config.model_validate(raw, context=build), build)
    assert build.findings == []
    return made


class Worker:
    """One process with its own view of a store that others share."""

    def __init__(self, cell: Cell, secrets: Mapping[str, str]) -> None:
        self._contexts = Contexts(cell, None)  # type: ignore[arg-type]
        self._env = Env(secrets)

    async def run(self, step: Step, event_id: str, data: Any) -> Any:
        """The data after the step."""
        event = Event(id=event_id, type="sale.completed@2", source="test", data=data, time=START, day="2027-03-14")
        frame = Frame(event, data, "", self._env, self._contexts(None, event))  # type: ignore[arg-type]
        result = step.run(frame)
        if result is not None and not hasattr(result, "frames") and hasattr(result, "__await__"):
            await result
        return frame.data


@asynccontextmanager
async def worker(folder: Path, secrets: Mapping[str, str] | None = None) -> AsyncIterator[Worker]:
    """A process over the store in this folder; it is closed at the end, as at a restart."""
    clock = current_clock()
    database = SqliteDatabase(folder / "cell.db", clock, inline=True)
    cell = Cell(
        transport=SqliteTransport(database, clock),
        store=SqliteStore(database, clock),
        blobs=FolderBlobs(folder / "blobs", inline=True),
        secrets=DictSecrets({}),
        clock=clock,
        log=lambda text, facts: None,
    )
    await cell.transport.open()
    await cell.store.open()
    try:
        yield Worker(cell, secrets or {})
    finally:
        await cell.store.close()
        await cell.transport.close()


def go(main: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end on virtual time."""
    return run_virtual(main)
