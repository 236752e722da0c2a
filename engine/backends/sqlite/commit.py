"""Group commit: what many callers hand in shares one transaction and one wait for the disk.

Statements run in the event loop's thread, COMMIT and checkpoints on a thread of their own: each statement gives up the
interpreter lock and a busy loop would make a writer thread wait up to 5 ms to get it back, once per statement instead
of once per commit (measured: 1.4 times the events per second at 200 in flight). What arrives during a commit
forms the next group.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from math import inf
from typing import Any, NamedTuple, TypeVar

from engine.backends.sqlite.connection import damage, is_full, is_lasting, is_passing
from engine.core.errors import StoreDown, StoreFull

T = TypeVar("T")
Unit = Callable[[sqlite3.Connection], T]
After = Callable[[BaseException | None], None]

_MOST_UNITS = 1000
_MOST_SECONDS = 0.010


class _Waiting(NamedTuple):
    unit: Unit[Any]
    future: asyncio.Future[Any]
    after: After | None


class _Failed(NamedTuple):
    error: Exception


class GroupCommit:
    """The queue in front of the writing connection. Used from one event loop only.

    disk         runs COMMIT and checkpoints; None: everything happens in the loop's thread, in order, at once
    checkpoint   called after each commit, where the commit ran
    path         of the file, for people
    lost         asked before each transaction: why the file must not be written any more
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        disk: Executor | None,
        checkpoint: Callable[[], None] = lambda: None,
        path: str = "",
        lost: Callable[[], str] = lambda: "",
    ) -> None:
        self._path = path
        self._lost = lost
        self._connection = connection
        self._disk = disk
        self._checkpoint = checkpoint
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque()
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.broken = ""

    def submit(self, unit: Unit[T], after: After | None = None) -> asyncio.Future[T]:
        """Run `unit` in the next group; the future is done when it is durable, or holds its exception.

        A unit touches nothing but the connection it is given: it is run a second time, by itself, when another one of
        its group fails. `after` is called once in the loop, right after the commit (None) or the failure, also when
        the caller has gone. Raises StoreDown when the database is broken.
        """
        if self.broken:
            raise StoreDown(self.broken)
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Waiting(unit, future, after))
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._next)
        return future

    async def drained(self) -> None:
        """Wait until everything handed in is done."""
        await self._idle.wait()

    def _next(self) -> None:
        group, outcomes, error = self._execute()
        if error is not None:
            self._finish(group, outcomes, error)
        elif self._disk is None:
            self._finish(group, outcomes, self._commit())
        else:
            committing = self._disk.submit(self._commit)
            committing.add_done_callback(
                lambda done: self._loop.call_soon_threadsafe(self._finish, group, outcomes, done.result())
            )

    def _execute(self) -> tuple[list[_Waiting], list[Any], Exception | None]:
        """Run units of one group; an error here means that none of them can be committed."""
        group: list[_Waiting] = []
        outcomes: list[Any] = []
        try:
            self._begin()
            until = time.monotonic() + _MOST_SECONDS if self._disk else inf
            try:
                while self._waiting and len(group) < _MOST_UNITS and (not group or time.monotonic() < until):
                    group.append(self._waiting.popleft())
                    outcomes.append(group[-1].unit(self._connection))
            except Exception as error:
                if is_passing(error) or is_lasting(error):
                    raise
                outcomes = self._one_by_one(group, error)
        except Exception as error:
            if not group:
                group.append(self._waiting.popleft())
            return group, outcomes, self._rolled_back(error)
        return group, outcomes, None

    def _begin(self) -> None:
        """Raises sqlite3.Error, StoreDown where the file is not the one at its path any more."""
        if lost := self._lost():
            self.broken = lost
            raise StoreDown(lost)
        self._connection.execute("BEGIN IMMEDIATE")

    def _one_by_one(self, group: list[_Waiting], error: Exception) -> list[Any]:
        """One of them failed: undo all, then run each by itself so that it harms no other."""
        self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")
        if len(group) == 1:
            return [_Failed(error)]
        return [self._guarded(waiting.unit) for waiting in group]

    def _guarded(self, unit: Unit[Any]) -> Any:
        self._connection.execute("SAVEPOINT unit")
        try:
            result = unit(self._connection)
        except Exception as error:
            if is_passing(error) or is_lasting(error):
                raise
            self._connection.execute("ROLLBACK TO unit")
            result = _Failed(error)
        self._connection.execute("RELEASE unit")
        return result

    def _commit(self) -> Exception | None:
        try:
            self._connection.execute("COMMIT")
        except Exception as error:
            return self._rolled_back(error)
        try:
            self._checkpoint()
        except sqlite3.Error as error:
            # What was committed is safe in the log; only what comes next depends on the file.
            if is_lasting(error):
                self.broken = _sentence(error, self._path)
        return None

    def _rolled_back(self, error: Exception) -> Exception:
        """Undo the transaction; a disk that cannot be trusted breaks the database until it is opened again."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as worse:
            self.broken = _sentence(worse, self._path)
        if is_lasting(error):
            self.broken = _sentence(error, self._path)
        if is_passing(error) or self.broken:
            down = (StoreFull if is_full(error) else StoreDown)(self.broken or _sentence(error, self._path))
            down.__cause__ = error
            return down
        return error

    def _finish(self, group: list[_Waiting], outcomes: list[Any], error: Exception | None) -> None:
        """Tell the callers, then go on with what has arrived meanwhile."""
        for index, waiting in enumerate(group):
            self._tell(waiting, outcomes[index] if error is None else _Failed(_own(error)))
        if self.broken:
            self._refuse_waiting()
        if self._waiting:
            self._loop.call_soon(self._next)
        else:
            self._busy = False
            self._idle.set()

    def _refuse_waiting(self) -> None:
        refused = list(self._waiting)
        self._waiting.clear()
        for waiting in refused:
            self._tell(waiting, _Failed(StoreDown(self.broken)))

    def _tell(self, waiting: _Waiting, outcome: Any) -> None:
        failed = outcome.error if isinstance(outcome, _Failed) else None
        if waiting.after is not None:
            waiting.after(failed)
        if waiting.future.done():
            return
        if failed is None:
            waiting.future.set_result(outcome)
        else:
            waiting.future.set_exception(failed)


def _own(error: Exception) -> Exception:
    """An error object for one caller: raising the same one in many tasks would tangle their tracebacks."""
    if not isinstance(error, StoreDown):
        return error
    own = type(error)(str(error))
    own.__cause__ = error.__cause__
    return own


def _sentence(error: BaseException, path: str) -> str:
    if damaged := damage(path, error):
        return str(damaged)
    if is_passing(error):
        return f"the database cannot be written now ({error}); free disk space or end the program that locks it"
    return f"the database failed and is closed for writing until the engine is started again ({error})"
