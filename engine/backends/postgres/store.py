"""The Store for several processes and hosts: PostgreSQL, see `ops/`."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Any, TypeVar

import asyncpg

from engine.backends.postgres import ops
from engine.backends.postgres.commit import MOST_SECONDS, Unit, commit
from engine.backends.postgres.connection import Server, is_away, let_go
from engine.backends.postgres.crew import Crew, Job
from engine.backends.postgres.draft import Connection
from engine.backends.postgres.schema import migrate
from engine.core.clock import Clock
from engine.core.errors import StoreDown
from engine.ports.store import Op

R = TypeVar("R")

_QUICK_SECONDS = 10.0
_LONG_SECONDS = 120.0
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresStore:
    """See ports.store.Store. Writes go in grouped commits over a few connections, quick reads over others, long reads
    over one of their own.

    dsn       postgresql://user:password@host:port/database; a standby is not enough
    schema    where the tables are; made when it is missing
    """

    def __init__(self, dsn: str, clock: Clock, *, schema: str = "tillflow", writers: int = 3, readers: int = 2) -> None:
        self._server = Server(dsn, schema)
        self._clock = clock
        self._sizes = writers, readers
        self._writers: Crew[Unit] | None = None
        self._readers: Crew[Op[Any]] | None = None
        self._aside: Crew[Op[Any]] | None = None

    @property
    def problem(self) -> str:
        """Why nothing can be written for now; empty while all is well."""
        return self._writers.down if self._writers else "the store is not open"

    async def open(self) -> None:
        """Connect and migrate. Raises SettingsError (newer, refused, malformed) or StoreDown (not reached)."""
        if self._writers is not None:
            return
        connection = await self._server.connect(by_key=False, seconds=_LONG_SECONDS)
        try:
            await migrate(connection, self._server, self._clock.now())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not is_away(error):
                raise
            raise StoreDown(f"{self._server} went away ({error})") from error
        finally:
            await let_go(connection)
        writers, readers = self._sizes
        connect = self._server.connect
        self._writers = Crew(writers, partial(connect, by_key=True, seconds=MOST_SECONDS * 0.75), commit)
        self._readers = Crew(readers, partial(connect, by_key=False, seconds=_QUICK_SECONDS), _read)
        self._aside = Crew(1, partial(connect, by_key=False, seconds=_LONG_SECONDS), _read)

    async def close(self) -> None:
        crews = [crew for crew in (self._writers, self._readers, self._aside) if crew is not None]
        self._writers = self._readers = self._aside = None
        await asyncio.gather(*(crew.close() for crew in crews))

    async def apply(self, op: Op[R]) -> R:
        result: R
        if not op.reads:
            [result] = await self.apply_all(op)
            return result
        crew = self._aside if type(op) in ops.LONG else self._readers
        if crew is None:
            raise StoreDown(self.problem)
        result = await crew.submit(op)
        return result

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        if self._writers is None:
            raise StoreDown(self.problem)
        answers: list[Any] = await self._writers.submit(ops)
        return answers


async def _read(connection: Connection, waiting: deque[Job[Op[Any]]]) -> None:
    """Answer one read; the work of a Crew."""
    job = waiting.popleft()
    op = job.asked
    seconds = _LONG_SECONDS if type(op) in ops.LONG else _QUICK_SECONDS
    try:
        async with asyncio.timeout(seconds):
            answer = await (_snapshot(connection, op) if type(op) in ops.LONG else ops.READS[type(op)](connection, op))
    except Exception as error:
        if not is_away(error):
            job.fail(error)
            return
        connection.terminate()
        down = StoreDown(f"the store is away ({error or type(error).__name__})")
        down.__cause__ = error
        job.fail(down)
    else:
        job.answer(answer)


async def _snapshot(connection: Connection, op: Op[Any]) -> Any:
    """All statements of a long read see one moment."""
    await connection.execute(_SNAPSHOT)
    try:
        return await ops.READS[type(op)](connection, op)
    finally:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
