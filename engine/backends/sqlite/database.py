"""One SQLite file with one owner: a writing connection with group commit, and connections that only read."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from engine.backends.sqlite.checkpoint import Checkpoints
from engine.backends.sqlite.commit import After, GroupCommit, Unit
from engine.backends.sqlite.connection import MEMORY, damage, is_lasting, is_passing, open_reader, open_writer
from engine.backends.sqlite.lock import OwnerLock
from engine.backends.sqlite.schema import migrate
from engine.backends.sqlite.whereabouts import whereabouts
from engine.core.clock import Clock
from engine.core.errors import SettingsError, StoreDown

T = TypeVar("T")


class SqliteDatabase:
    """Shared by the transport, the store and the blobs of one cell; each opens and closes it, the last one really.

    path      a file, or `:memory:` (gone when closed)
    inline    no threads: everything happens in the event loop, in order; for virtual time. Always so in memory
    """

    def __init__(self, path: str | Path, clock: Clock, *, inline: bool = False) -> None:
        self.path = str(path)
        self.clock = clock
        self._inline = inline or self.path == MEMORY
        self._users = 0
        self._lock: OwnerLock | None = None
        self._disk: ThreadPoolExecutor | None = None
        self._aside: ThreadPoolExecutor | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._slow_reader: sqlite3.Connection | None = None
        self._commits: GroupCommit | None = None

    @property
    def problem(self) -> str:
        """Why nothing can be written until the database is opened again; empty while all is well."""
        return self._commits.broken if self._commits else "the database is not open"

    async def open(self) -> None:
        """Take the file, bring it up to date. Raises SettingsError (owned, newer) or StoreDown (damaged, no way to it)."""
        self._users += 1
        if self._users > 1:
            return
        try:
            self._open_files()
        except BaseException as error:
            self._users = 0
            self._let_go()
            if isinstance(error, sqlite3.DatabaseError):
                raise _opening(self.path, error) from error
            if isinstance(error, OSError):
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    text = f"{self.path} cannot be opened: {error.strerror}; free disk space"
                    raise StoreDown(text) from error
                raise SettingsError(f"{self.path} cannot be opened: {error.strerror}") from error
            raise

    def _open_files(self) -> None:
        if self.path != MEMORY:
            file = Path(self.path)
            file.parent.mkdir(parents=True, exist_ok=True)
            lock = OwnerLock(file.with_name(file.name + ".lock"))
            lock.take()
            self._lock = lock
        self._writer = self.connect()
        migrate(self._writer, self.path, self.clock.now())
        if self.path == MEMORY:
            self._reader = self._slow_reader = self._writer
        else:
            self._reader, self._slow_reader = open_reader(self.path), open_reader(self.path)
        if not self._inline:
            self._disk = ThreadPoolExecutor(1, "tillflow-disk")
            self._aside = ThreadPoolExecutor(1, "tillflow-read")
        after_commit = Checkpoints(self._writer, self.path).after_commit
        lost = whereabouts(self.path) if self.path != MEMORY else lambda: ""
        self._commits = GroupCommit(self._writer, self._disk, after_commit, self.path, lost)

    def connect(self) -> sqlite3.Connection:
        """The writing connection. Tests of failing disks put their own in between."""
        return open_writer(self.path)

    async def close(self) -> None:
        """Finish what was handed in; the last user's close lets go of the file. Safe to call twice."""
        if self._users == 0:
            return
        if self._commits is not None:
            await self._commits.drained()
        self._users -= 1
        if self._users == 0:
            self._let_go()

    def _let_go(self) -> None:
        for pool in (self._disk, self._aside):
            if pool is not None:
                pool.shutdown(wait=True)
        # The writer last: closing it writes the log back into the file, which no reader may keep it from.
        for connection in dict.fromkeys((self._reader, self._slow_reader, self._writer)):
            if connection is not None:
                connection.close()
        if self._lock is not None:
            self._lock.free()
        self._commits = self._disk = self._aside = self._lock = None
        self._writer = self._reader = self._slow_reader = None

    def submit(self, unit: Unit[T], after: After | None = None) -> asyncio.Future[T]:
        """Run a unit in the next group commit, see GroupCommit.submit. Raises StoreDown: not open, or broken."""
        if self._commits is None:
            raise StoreDown("the database is not open")
        return self._commits.submit(unit, after)

    def read(self, unit: Unit[T]) -> T:
        """Run a quick reading unit now, in the loop's thread: it sees all that was committed."""
        return self._reading(unit, self._reader)

    async def read_aside(self, unit: Unit[T]) -> T:
        """Run a reading unit of any length, as one snapshot, without holding up the loop."""
        if self._aside is None:
            return self._reading(unit, self._slow_reader)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._aside, self._reading, _snapshot(unit), self._slow_reader)

    def _reading(self, unit: Unit[T], connection: sqlite3.Connection | None) -> T:
        if connection is None:
            raise StoreDown("the database is not open")
        try:
            return unit(connection)
        except sqlite3.Error as error:
            if damaged := damage(self.path, error):
                raise damaged from error
            if is_lasting(error) or is_passing(error):
                raise StoreDown(f"the database cannot be read ({error})") from error
            raise


def _snapshot(unit: Unit[T]) -> Unit[T]:
    def whole(connection: sqlite3.Connection) -> T:
        connection.execute("BEGIN")
        try:
            return unit(connection)
        finally:
            connection.execute("COMMIT")

    return whole


def _opening(path: str, error: sqlite3.DatabaseError) -> Exception:
    if damaged := damage(path, error):
        return damaged
    if is_passing(error) or is_lasting(error):
        return StoreDown(f"{path} cannot be opened ({error})")
    return error
