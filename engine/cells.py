"""Opening the cell that the settings name: transport, store, blobs, and what this process is called.

transport    store           blobs          processes
sqlite       sqlite          state folder   one, which owns both
amqp         sqlite          state folder   one, on one host
amqp         postgresql      the store      any number, on any number of hosts

Drivers of services are imported where a cell uses them: on SQLite alone they would be a seventh of every start.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from engine.backends.blobs import FolderBlobs
from engine.backends.seldom import SeldomTransport
from engine.backends.sqlite import (
    Owned,
    OwnerLock,
    ReadTransport,
    SqliteDatabase,
    SqliteReader,
    SqliteStore,
    SqliteTransport,
)
from engine.core.clock import Clock, SystemClock
from engine.core.errors import SettingsError
from engine.loading import secrets_of
from engine.logs import StderrLog
from engine.ports.blobs import Blobs
from engine.ports.store import Store
from engine.ports.transport import Transport
from engine.runtime.cell import Cell, Log
from engine.settings import EMBEDDED, Settings, where
from engine.settings.checks import MOST_WORKERS, make_state

if TYPE_CHECKING:
    from engine.backends.postgres import PostgresStore
    from engine.backends.rabbitmq import Names, RabbitTransport
    from engine.backends.rabbitmq.declaring import Mode

LOOK = 0.5  # seconds between two looks at the database's health
HOST = "host.id"  # in the state folder of engines over a shared store
PATIENCE = 3.0  # seconds to wait for a command that has the database
Broken = Callable[[str], None]


# --- for an engine ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def engine_cell(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    log: Log | None = None,
    broken: Broken | None = None,
) -> AsyncIterator[Cell]:
    """The cell of an engine process. Raises SettingsError when it is owned or refused, StoreDown when not reached.

    broken   called once, with the reason, when what is under it takes nothing any more until it is opened again
    """
    time = clock or SystemClock()
    told = log or StderrLog(time, settings.log_format)
    make_state(settings.state)
    async with AsyncExitStack() as stack:
        database = SqliteDatabase(settings.database, time) if settings.store == EMBEDDED else None
        if _other_store(settings):
            text = "this state folder was used with another store: what was posted then is not known to this one"
            told(text, {"state": settings.state, "store": where(settings.store)})
        if database is None:
            await _take_place(stack, settings)
        store, blobs = _memory(settings, time, database)
        transport = _carrier(settings, time, told, database)
        await _when_free(store.open)
        stack.push_async_callback(store.close)
        await transport.open()
        stack.push_async_callback(transport.close)
        if settings.transport != EMBEDDED:
            await _belong(cast("RabbitTransport", transport), store, settings, time)
        if broken is not None and database is not None:
            watch = asyncio.create_task(_watch(database, time, broken))
            stack.callback(watch.cancel)
        secrets = secrets_of(settings, os.environ if environ is None else environ)
        worker = "embedded" if database is not None else worker_name(settings)
        beside = settings.workers > 1
        shared = database is None
        killed = Neighbours(settings).killed
        yield Cell(transport, store, blobs, secrets, time, told, worker, settings.zone, shared, beside, killed)


def _memory(settings: Settings, clock: Clock, database: SqliteDatabase | None) -> tuple[Store, Blobs]:
    if database is not None:
        return SqliteStore(database, clock), FolderBlobs(settings.state / "blobs")
    from engine.backends.postgres import PostgresBlobs, PostgresStore

    store = PostgresStore(settings.store, clock, schema=settings.schema)
    return store, PostgresBlobs(store)


def _carrier(settings: Settings, clock: Clock, log: Log, database: SqliteDatabase | None) -> Transport:
    if settings.transport == EMBEDDED and database is not None:
        return SqliteTransport(database, clock)
    return rabbit(settings, clock, log)


async def _belong(transport: RabbitTransport, store: Store, settings: Settings, clock: Clock) -> None:
    """Raises SettingsError when the cell on the broker is of another store."""
    from engine.backends.rabbitmq.belonging import identity

    await transport.belong(await identity(store, place_of(settings), clock.now()))


def rabbit(settings: Settings, clock: Clock, log: Log, *, look: bool = False) -> RabbitTransport:
    """The RabbitMQ of the settings, not opened. `look`: nothing is declared, whatever the settings allow, nor held."""
    from engine.backends.rabbitmq import RabbitTransport

    mode: Mode = "verify" if look or settings.topology == "verify" else "manage"
    sole = settings.store == EMBEDDED and not look
    return RabbitTransport(settings.transport, clock, log, mode=mode, names=names_of(settings), sole=sole)


def place_of(settings: Settings) -> str:
    """Where the store is, for people: on which host, or in which schema."""
    if settings.store == EMBEDDED:
        return f"the SQLite database {settings.database} on host `{socket.gethostname()}`"
    return f"the schema {settings.schema} of {where(settings.store)}"


def names_of(settings: Settings) -> Names:
    """What this cell's exchanges and queues are called."""
    from engine.backends.rabbitmq import Names

    return Names(settings.cell) if settings.cell else Names()


def _other_store(settings: Settings) -> bool:
    """The folder holds what only an engine over the other kind of store leaves behind."""
    return (settings.state / HOST).exists() if settings.store == EMBEDDED else settings.database.exists()


async def _watch(database: SqliteDatabase, clock: Clock, broken: Broken) -> None:
    """A disk that failed is never written to again: what it holds is not known until it is opened anew."""
    while not database.problem:
        await clock.sleep(LOOK)
    broken(database.problem)


async def _when_free(take: Callable[[], Awaitable[None]]) -> None:
    """Do it; a command that has the database for a moment is waited for."""
    tries = int(PATIENCE / 0.1)
    for left in range(tries, -1, -1):
        try:
            await take()
            return
        except Owned:
            if not left:
                raise
            await asyncio.sleep(0.1)


async def _take_place(stack: AsyncExitStack, settings: Settings) -> None:
    """Its number among the workers of this state folder is one process's: leases are kept under that name."""
    lock = OwnerLock(_place(settings, settings.worker))

    async def take() -> None:
        lock.take()

    try:
        await _when_free(take)
    except Owned as owned:
        text = f"an engine runs on the state folder {settings.state} already (pid {owned.owner})"
        raise SettingsError(f"{text}; stop it, or give this one a folder of its own with --state") from None
    stack.callback(lock.free)


def _place(settings: Settings, worker: int) -> Path:
    return settings.state / f"worker-{worker}.lock"


class Neighbours:
    """The other workers of this state folder, each known by the lock on its place."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._owed: set[int] = set()  # for whom nothing could be done yet

    @contextmanager
    def killed(self) -> Iterator[Sequence[str]]:
        """Names of those that ended without letting go of their place: none begins again before the block ends.

        Each is told once, and again where the block raised.
        """
        mine = self._settings.worker
        with ExitStack() as stack:
            dead = [n for n in range(1, MOST_WORKERS + 1) if n != mine and self._taken(stack, n)]
            self._owed.update(dead)
            yield [worker_name(replace(self._settings, worker=number)) for number in dead]
            self._owed.clear()

    def _taken(self, stack: ExitStack, number: int) -> bool:
        """Hold the place of a dead one. Who let go of its own has emptied the file."""
        path = _place(self._settings, number)
        if number not in self._owed and not (path.exists() and path.stat().st_size):
            return False
        lock = OwnerLock(path)
        try:
            lock.take()
        except Owned:
            self._owed.discard(number)  # it lives
            return False
        stack.callback(lock.free)
        return True


def worker_name(settings: Settings) -> str:
    """The same again after a restart here, and nowhere else: a lease of the one before is its own at once.

    The boot is part of it, so that a copy of the state folder on another machine is somebody else.
    """
    file = settings.state / HOST
    if not file.exists():
        new = file.with_suffix(f".{uuid4().hex}")
        new.write_text(uuid4().hex, "ascii")
        new.replace(file)
    boot = Path("/proc/sys/kernel/random/boot_id")
    parts = (file.read_text("ascii"), boot.read_text("ascii") if boot.exists() else "", str(settings.state))
    own = hashlib.sha256("|".join(parts).encode()).hexdigest()[:8]
    return f"{socket.gethostname()}-{own}-{settings.worker}"


# --- for a command ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def command_cell(settings: Settings, *, changes: bool) -> AsyncIterator[Cell]:
    """The cell of a command. Beside running engines where the store is shared; else a change takes the lock.

    Raises SettingsError when there is no store yet, or when it is owned and `changes`.
    """
    clock = SystemClock()
    log = StderrLog(clock, settings.log_format)
    if _other_store(settings) and not settings.database.exists():
        raise SettingsError(
            f"engines of the state folder {settings.state} work over services; set TILLFLOW_TRANSPORT and TILLFLOW_STORE "
            "to the addresses they were started with"
        )
    if settings.embedded and changes:
        async with engine_cell(settings, log=log) as cell:
            yield cell
        return
    async with AsyncExitStack() as stack:
        store, blobs = await _beside(stack, settings, clock, changes=changes)
        if isinstance(store, SqliteReader) and settings.transport == EMBEDDED:
            transport: Transport = ReadTransport(store, clock)
        else:
            transport = SeldomTransport(lambda: rabbit(settings, clock, log, look=not changes))
        stack.push_async_callback(transport.close)
        worker = f"command-{uuid4().hex[:12]}"
        secrets, shared = secrets_of(settings, os.environ), settings.store != EMBEDDED
        yield Cell(transport, store, blobs, secrets, clock, log, worker, settings.zone, shared)


def command_store(settings: Settings, clock: Clock) -> PostgresStore:
    """The PostgreSQL of the settings for one command, not opened. Nothing is migrated."""
    from engine.backends.postgres import PostgresStore

    return PostgresStore(settings.store, clock, schema=settings.schema, migrates=False, few=True)


async def _beside(stack: AsyncExitStack, settings: Settings, clock: Clock, *, changes: bool) -> tuple[Store, Blobs]:
    store: Store
    if settings.store != EMBEDDED:
        from engine.backends.postgres import PostgresBlobs

        store = postgres = command_store(settings, clock)
        blobs: Blobs = PostgresBlobs(postgres)
    else:
        blobs = FolderBlobs(settings.state / "blobs")
        if changes:
            store = SqliteStore(SqliteDatabase(settings.database, clock), clock)
        else:
            store = SqliteReader(settings.database)
    await _when_free(store.open)
    stack.push_async_callback(store.close)
    return store, blobs
