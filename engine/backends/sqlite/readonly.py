"""Reading the Store's file from another process, while its owner runs or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from engine.backends.sqlite.connection import damage, is_unopened, open_reader, open_untouched
from engine.backends.sqlite.ops import HANDLERS
from engine.backends.sqlite.schema import check, known
from engine.core.clock import Clock
from engine.core.errors import SettingsError, StoreDown
from engine.ports.store import Op
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Subscription, Topology

R = TypeVar("R")

_DEPTHS = (
    "SELECT kind, name, count(item.id), sum(item.due > :now), min(item.at) FROM queue "
    "LEFT JOIN item ON item.id > number << 40 AND item.id < (number + 1) << 40 GROUP BY kind, name"
)


class SqliteReader:
    """A Store (ports.store.Store) that answers reading operations only; writing ones raise SettingsError."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Raises SettingsError when there is no such file (or an empty one, which is as good as none), or when it has
        another schema than this version reads; StoreDown when it cannot be read.
        """
        if not self._path.is_file() or not self._path.stat().st_size:
            raise SettingsError(
                f"{self._path} is not there: the engine has not run with this state folder yet; `tillflow run` starts it"
            )
        try:
            there = self._first_look()
            if there < known()[-1].number:
                raise SettingsError(f"{self._path} is from an older version; start the engine to bring it up to date")
        except sqlite3.DatabaseError as error:
            await self.close()
            raise self._unreadable(error) from error
        except SettingsError:
            await self.close()
            raise

    def _first_look(self) -> int:
        """Open it; the number of its schema. SQLite makes files beside it; where it cannot, it is read as it lies."""
        try:
            return self._look(open_reader)
        except sqlite3.OperationalError as error:
            if not is_unopened(error):
                raise
            if log_of(self._path):
                raise StoreDown(_ONLY_A_COPY.format(path=self._path, folder=self._path.parent)) from error
        return self._look(open_untouched)

    def _look(self, way: Callable[[str], sqlite3.Connection]) -> int:
        if self._connection is not None:
            self._connection.close()
        self._connection = way(str(self._path))
        return check(self._connection, str(self._path))

    async def close(self) -> None:
        """Safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def apply(self, op: Op[R]) -> R:
        [answer] = await self.apply_all(op)
        result: R = answer
        return result

    async def apply_all(self, *ops: Op[Any]) -> list[Any]:
        """All of them from one snapshot."""
        for op in ops:
            if not op.reads:
                raise SettingsError(f"{type(op).__name__} writes, and this is opened for reading only")
        connection = self._opened()
        try:
            connection.execute("BEGIN")
            try:
                return [HANDLERS[type(op)](connection, op) for op in ops]
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    async def depths(self, now: int) -> dict[Address, Depth]:
        """Counts of every queue at `now` (UTC microseconds). What the owner has in hand counts as ready."""
        try:
            rows = self._opened().execute(_DEPTHS, {"now": now}).fetchall()
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        return {Address(kind, name): _depth(count, delayed or 0, at, now) for kind, name, count, delayed, at in rows}

    def _unreadable(self, error: sqlite3.Error) -> StoreDown:
        return damage(self._path, error) or StoreDown(f"{self._path} cannot be read ({error})")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreDown(f"{self._path} is not open")
        return self._connection


def log_of(path: Path) -> bool:
    """Whether something lies in the log beside the file: what an owner wrote last, or is writing now."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


_ONLY_A_COPY = (
    "{path} cannot be read where nothing can be written: what was written last lies in the log beside it. "
    "Copy the folder {folder} to a place that can be written, and name the copy with --state"
)


def _depth(count: int, delayed: int, at: int | None, now: int) -> Depth:
    age = max(0, now - at) / 1_000_000 if at is not None else 0.0
    return Depth(ready=count - delayed, delayed=delayed, oldest=age)


class ReadTransport:
    """A Transport (ports.transport.Transport) beside its owner: it tells the depths and carries nothing."""

    def __init__(self, reader: SqliteReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def open(self) -> None:
        """The reader is opened by whoever made it."""

    async def close(self) -> None:
        """The reader is closed by whoever made it."""

    async def depths(self) -> dict[Address, Depth]:
        return await self._reader.depths(self._clock.now())

    def in_hand(self) -> dict[Address, int]:
        return {}

    def problems(self) -> dict[str, str]:
        return {}

    async def declare(self, topology: Topology) -> None:
        raise SettingsError(_READS)

    async def unbind(self, type_name: str, route: str) -> None:
        raise SettingsError(_READS)

    async def remove(self, queue: Address) -> bool:
        raise SettingsError(_READS)

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        raise SettingsError(_READS)

    async def subscribe(self, queue: Address, prefetch: int) -> Subscription:
        raise SettingsError(_READS)


_READS = "this was opened for reading only"
