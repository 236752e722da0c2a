"""What the transport keeps in memory about each queue: rows read ahead, receipts in hand, who waits.

The owner of the file is one process, so being in hand is not written down: receiving costs no write, and after a
restart everything that was not acked is simply there again.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Iterable
from typing import NamedTuple

from engine.core.jsonx import decode
from engine.ports.transport import Address, Receipt

SHIFT = 40  # ids of queue n are n << 40 and following
AHEAD = 200  # rows read at once
_UNKNOWN = -1


class Row(NamedTuple):
    """One row of `item`, as it waits in memory. `tries` counts how often it may have been received."""

    id: int
    due: int
    tries: int
    headers: bytes
    body: bytes

    def receipt(self) -> Receipt:
        return Receipt(self.id, decode(self.headers), self.body, self.tries)


_READY = "SELECT id, due, ? - born, headers, body FROM item WHERE id > ? AND id < ? AND due = 0 ORDER BY id LIMIT ?"
_DUE = (
    "SELECT id, due, ? - born, headers, body FROM item "
    "WHERE queue = ? AND due > 0 AND due <= ? ORDER BY due, id LIMIT ?"
)
_NEXT_DUE = "SELECT min(due) FROM item WHERE queue = ? AND due > 0 AND due > ?"


class Queue:
    """One queue. `count` is the number of its rows in the file that are not acked."""

    def __init__(self, number: int, address: Address, opening: int) -> None:
        self.number = number
        self.address = address
        self.first = number << SHIFT  # every id of its rows is larger
        self.count = 0
        self._opening = opening
        self._cursor = self.first  # ready rows up to this id were read
        self._more = True  # there may be rows behind the cursor
        self._next_due = _UNKNOWN  # when the next delayed row is due; 0 = none
        self._delayed: set[int] = set()  # delayed rows that are in memory and not acked
        self._ready: list[Row] = []  # a heap by id
        self._wakers: dict[Callable[[], None], None] = {}

    # --- told by the transport ---------------------------------------------------------------------------------------

    def published(self, count: int, due: int) -> None:
        """`count` new rows are committed; `due` is the earliest moment among the delayed ones, 0 if there is none."""
        self.count += count
        self._more = True
        if due and self._next_due != _UNKNOWN:
            self._next_due = min(due, self._next_due or due)
        self.wake()

    def acked(self, rows: Iterable[Row]) -> None:
        """These rows are gone from the file."""
        for row in rows:
            self.count -= 1
            if row.due:
                self._delayed.discard(row.id)
        self.wake()

    def put_back(self, rows: Iterable[Row]) -> None:
        """These are in nobody's hand any more."""
        for row in rows:
            heapq.heappush(self._ready, row._replace(tries=row.tries + 1))
        self.wake()

    # --- asked by subscriptions --------------------------------------------------------------------------------------

    def take(self, most: int, now: int, reader: sqlite3.Connection) -> list[Row]:
        """Up to `most` rows that are ready now, oldest first."""
        if self._next_due == _UNKNOWN or 0 < self._next_due <= now:
            self._read_due(now, reader)
        if self._more and len(self._ready) < most:
            self._read_ready(most, reader)
        ready = self._ready
        return [heapq.heappop(ready) for _ in range(min(most, len(ready)))]

    def next_due(self) -> int:
        """When a delayed row that is not in memory is due (UTC microseconds); 0 when there is none."""
        return max(0, self._next_due)

    def wake_me(self, waker: Callable[[], None]) -> None:
        """Call this when something may be ready."""
        self._wakers[waker] = None

    def let_me_sleep(self, waker: Callable[[], None]) -> None:
        """No more calls."""
        self._wakers.pop(waker, None)

    def wake(self) -> None:
        """Let everybody who waits look again."""
        for waker in list(self._wakers):
            waker()

    def _read_ready(self, most: int, reader: sqlite3.Connection) -> None:
        limit = max(AHEAD, most)
        behind = self._cursor, (self.number + 1) << SHIFT
        rows = reader.execute(_READY, (self._opening, *behind, limit)).fetchall()
        self._more = len(rows) == limit
        if rows:
            self._cursor = rows[-1][0]
            for row in rows:
                heapq.heappush(self._ready, Row._make(row))

    def _read_due(self, now: int, reader: sqlite3.Connection) -> None:
        limit = AHEAD + len(self._delayed)
        rows = reader.execute(_DUE, (self._opening, self.number, now, limit)).fetchall()
        for row in rows:
            if row[0] not in self._delayed:
                self._delayed.add(row[0])
                heapq.heappush(self._ready, Row._make(row))
        if len(rows) == limit:
            self._next_due = now
        else:
            self._next_due = reader.execute(_NEXT_DUE, (self.number, now)).fetchone()[0] or 0
