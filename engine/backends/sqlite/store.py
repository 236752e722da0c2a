"""The embedded Store: one function per operation, see `ops/`."""

from __future__ import annotations

import sqlite3
from typing import Any, TypeVar

from engine.backends.sqlite.database import SqliteDatabase
from engine.backends.sqlite.ops import HANDLERS, LONG, Handler
from engine.core.clock import Clock
from engine.core.errors import Fenced
from engine.ports.store import Op

R = TypeVar("R")


class SqliteStore:
    """See ports.store.Store. Quick reads run at once in the loop, long ones aside, writes in group commits."""

    def __init__(self, database: SqliteDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._open = False

    async def open(self) -> None:
        if not self._open:
            await self._database.open()
            self._open = True

    async def close(self) -> None:
        if self._open:
            self._open = False
            await self._database.close()

    async def apply(self, op: Op[R]) -> R:
        handler: Handler = HANDLERS[type(op)]
        result: R
        if not op.reads:
            result = await self._database.submit(lambda connection: carry_out(connection, op))
        elif type(op) in LONG:
            result = await self._database.read_aside(lambda connection: handler(connection, op))
        else:
            result = self._database.read(lambda connection: handler(connection, op))
        return result

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        return await self._database.submit(lambda connection: [carry_out(connection, op) for op in ops])


def carry_out(connection: sqlite3.Connection, op: Op[Any]) -> Any:
    """Run one operation inside the current transaction. Raises Fenced when it is required and its condition fails."""
    answer = HANDLERS[type(op)](connection, op)
    if getattr(op, "required", False) and (not answer or (isinstance(answer, list) and not all(answer))):
        raise Fenced(f"{type(op).__name__} found another state than it needs; nothing of its unit was written")
    return answer
