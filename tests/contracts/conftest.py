"""The backends that the contract suites run over. A new one joins by a new param here.

`places` is where a backend keeps its things: it opens a transport, a store or blobs there, again after a restart.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.backends.blobs import FolderBlobs, SqliteBlobs
from engine.backends.postgres import PostgresBlobs, PostgresStore
from engine.backends.sqlite import SqliteDatabase, SqliteStore, SqliteTransport
from engine.core.clock import Clock, SystemClock
from engine.ports.blobs import Blobs
from engine.ports.store import Store
from engine.ports.transport import Transport
from engine.testing.clock import VirtualClock, VirtualLoop
from tests import postgres_server, rabbitmq_broker
from tests.contracts.memory.state import Memory
from tests.contracts.memory_store import MemoryStore
from tests.contracts.memory_transport import Broker, MemoryTransport


class Place(ABC):
    """Where one backend keeps its things. `virtual`: time jumps, a wait costs nothing."""

    virtual = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def clock(self) -> Clock:
        loop = asyncio.get_running_loop()
        return VirtualClock(loop) if isinstance(loop, VirtualLoop) else SystemClock()

    @abstractmethod
    def transport(self) -> Transport:
        """A transport over what is kept here, not yet opened."""

    @abstractmethod
    def store(self) -> Store:
        """A store over what is kept here, not yet opened."""


class SqlitePlace(Place):
    """As `tillflow run` uses it: threads for the disk."""

    virtual = False
    inline = False

    def database(self) -> SqliteDatabase:
        return SqliteDatabase(self.folder / "tillflow.db", self.clock(), inline=self.inline)

    def transport(self) -> Transport:
        return SqliteTransport(self.database(), self.clock())

    def store(self) -> Store:
        return SqliteStore(self.database(), self.clock())


class InlineSqlitePlace(SqlitePlace):
    """As tests of routes use it: no threads, virtual time."""

    virtual = True
    inline = True


class MemoryPlace(Place):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._broker, self._memory = Broker(), Memory()

    def transport(self) -> Transport:
        return MemoryTransport(self.clock(), self._broker)

    def store(self) -> Store:
        return MemoryStore(self._memory)


class PostgresPlace(Place):
    """A store only."""

    virtual = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.dsn = postgres_server.emptied()

    def transport(self) -> Transport:
        raise NotImplementedError("PostgreSQL carries no events")

    def store(self) -> PostgresStore:
        return PostgresStore(self.dsn, self.clock(), schema=postgres_server.SCHEMA, writers=2, readers=1, aside=1)


class RabbitPlace(Place):
    """A transport only."""

    virtual = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        rabbitmq_broker.broker()
        self.names = rabbitmq_broker.fresh_names()

    def transport(self) -> Transport:
        return rabbitmq_broker.transport(self.names, self.clock())

    def store(self) -> Store:
        raise NotImplementedError("RabbitMQ remembers nothing")


BOTH = {"sqlite": SqlitePlace, "sqlite-inline": InlineSqlitePlace, "memory": MemoryPlace}
STORES = {"postgres": PostgresPlace}
TRANSPORTS = {"rabbitmq": RabbitPlace}
PLACES: dict[str, type[Place]] = {**BOTH, **STORES, **TRANSPORTS}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The places that have the port a module is about."""
    if "place" in metafunc.fixturenames:
        about_transport = "transport" in metafunc.module.__name__
        names = [*BOTH, *(TRANSPORTS if about_transport else STORES)]
        marks = dict.fromkeys((*STORES, *TRANSPORTS), pytest.mark.services)
        params = [pytest.param(name, marks=marks.get(name, ())) for name in names]
        metafunc.parametrize("place", params, indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return PLACES[request.param](tmp_path)


@pytest.fixture
def anyio_backend(place: Place) -> Any:
    return ("asyncio", {"loop_factory": VirtualLoop}) if place.virtual else "asyncio"


@pytest.fixture
async def store(place: Place, anyio_backend: Any) -> AsyncIterator[Store]:
    opened = place.store()
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def transport(place: Place, anyio_backend: Any) -> AsyncIterator[Transport]:
    opened = place.transport()
    await opened.open()
    yield opened
    await opened.close()


BLOBS = ("folder", "folder-inline", "sqlite", pytest.param("postgres", marks=pytest.mark.services))


@pytest.fixture(params=BLOBS)
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    if request.param == "sqlite":
        database = SqliteDatabase(tmp_path / "tillflow.db", SystemClock())
        await database.open()
        yield SqliteBlobs(database)
        await database.close()
    elif request.param == "postgres":
        place = await asyncio.to_thread(PostgresPlace, tmp_path)
        store = place.store()
        await store.open()
        yield PostgresBlobs(store)
        await store.close()
    else:
        yield FolderBlobs(tmp_path / "blobs", inline=request.param == "folder-inline")
