"""The Store for several processes and hosts: PostgreSQL, see `ops/`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import asyncpg

from engine.backends.postgres import ops
from engine.backends.postgres.commit import Unit, commit
from engine.backends.postgres.connection import Patience, Server, is_away, let_go, transaction
from engine.backends.postgres.crew import Crew, Job
from engine.backends.postgres.draft import Connection
from engine.backends.postgres.ops import quick
from engine.backends.postgres.schema import check, migrate
from engine.core.clock import Clock
from engine.core.errors import StoreDown
from engine.ports.store import Op

R = TypeVar("R")
Work = Callable[[Connection, deque[Job[Unit]], float], Awaitable[None]]
Reading = Callable[[Connection, Unit], Awaitable[list[Any]]]

_USUAL = Patience()
_A_MOMENT = 0.01  # seconds: at 200 events a second two or three share a commit
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresStore:
    """See ports.store.Store. Writes go in grouped commits over a few connections, quick reads over others; what may
    take long has connections of its own.

    dsn       postgresql://user:password@host:port/database; a standby is not enough
    schema    where the tables are; made when it is missing
    writers, readers, aside   how many connections there are of each
    few       one of each: for a command
    migrates  False: the schema must be there and of this version already
    """

    def __init__(
        self,
        dsn: str,
        clock: Clock,
        *,
        schema: str = "tillflow",
        writers: int = 3,
        readers: int = 2,
        aside: int = 2,
        migrates: bool = True,
        few: bool = False,
        patience: Patience = _USUAL,
    ) -> None:
        self._server = Server(dsn, schema, patience)
        self._clock = clock
        self._sizes = (1, 1, 1) if few else (writers, readers, aside)
        self._migrates = migrates
        self._crews: tuple[Crew[Unit], Crew[Unit], Crew[Unit]] | None = None

    @property
    def problem(self) -> str:
        """Why nothing can be written for now; empty while all is well."""
        return self._crews[0].down if self._crews else "the store is not open"

    async def open(self) -> None:
        """Connect and migrate. Raises SettingsError (newer, refused, malformed) or StoreDown (not reached)."""
        if self._crews is not None:
            return
        patience = self._server.patience
        connection = await self._server.connect(by_key=False, seconds=patience.long)
        try:
            if self._migrates:
                await migrate(connection, self._server, self._clock.now())
            else:
                await check(connection, self._server)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not is_away(error):
                raise
            raise StoreDown(f"{self._server} went away ({error})") from error
        finally:
            await let_go(connection)
        writers, readers, aside = self._sizes
        self._crews = (
            self._crew(writers, commit, patience.write, by_key=True),
            self._crew(readers, _read, patience.read, by_key=False),
            self._crew(aside, _aside, patience.long, by_key=False),
        )

    def _crew(self, size: int, work: Work, seconds: float, *, by_key: bool) -> Crew[Unit]:
        connect = partial(self._server.connect, by_key=by_key, seconds=seconds)
        return Crew(size, connect, lambda connection, waiting: work(connection, waiting, seconds))

    async def close(self) -> None:
        crews, self._crews = self._crews or (), None
        await asyncio.gather(*(crew.close() for crew in crews))

    async def apply(self, op: Op[R]) -> R:
        result: R
        [result] = await self._submitted((op,))
        return result

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        return await self._submitted(ops)

    async def _submitted(self, unit: Unit) -> list[Any]:
        if self._crews is None:
            raise StoreDown("the store is not open")
        writers, readers, aside = self._crews
        if any(type(op) in ops.LONG for op in unit):
            crew = aside
        else:
            crew = readers if len(unit) == 1 and unit[0].reads else writers
        answers: list[Any] = await crew.submit(unit, _A_MOMENT if quick.can_wait(unit) else 0.0)
        return answers


async def _aside(connection: Connection, waiting: deque[Job[Unit]], seconds: float) -> None:
    """What may take long: reads as of one moment, or a unit by itself; the work of a Crew."""
    if all(op.reads for op in waiting[0].asked):
        await _answer(connection, waiting.popleft(), _snapshot, seconds)
    else:
        await commit(connection, waiting, seconds)


async def _read(connection: Connection, waiting: deque[Job[Unit]], seconds: float) -> None:
    """One quick read; the work of a Crew."""
    await _answer(connection, waiting.popleft(), _each, seconds)


async def _answer(connection: Connection, job: Job[Unit], reading: Reading, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            answers = await reading(connection, job.asked)
    except Exception as error:
        if not is_away(error):
            job.fail(error)
            return
        connection.terminate()
        down = StoreDown(f"the store is away ({error or type(error).__name__})")
        down.__cause__ = error
        job.fail(down)
    else:
        job.answer(answers)


async def _each(connection: Connection, unit: Unit) -> list[Any]:
    return [await ops.READS[type(op)](connection, op) for op in unit]


async def _snapshot(connection: Connection, unit: Unit) -> list[Any]:
    async with transaction(connection, _SNAPSHOT, "ROLLBACK"):
        return await _each(connection, unit)
