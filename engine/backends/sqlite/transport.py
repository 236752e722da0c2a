"""The embedded Transport: queues are ranges of one table, what is in hand is kept in memory by the one owner."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from engine.backends.sqlite.commit import After
from engine.backends.sqlite.database import SqliteDatabase
from engine.backends.sqlite.queues import Queue, Row
from engine.backends.sqlite.subscription import SqliteSubscription
from engine.backends.sqlite.topology import Directory
from engine.core.clock import Clock
from engine.core.errors import SettingsError, StoreDown, TransportBlocked
from engine.core.jsonx import encode
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Subscription, Topology

T = TypeVar("T")

_INSERT = "INSERT INTO item (id, queue, due, at, born, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM item WHERE id = ?"
_DELAYED = "SELECT queue, count(*) FROM item WHERE due > 0 AND due > ? GROUP BY queue"
_OLDEST = "SELECT at FROM item WHERE id > ? ORDER BY id LIMIT 1"
_OK = Confirm(True)
_UNROUTABLE = Confirm(False, "unroutable")


class _Encoded(NamedTuple):
    to: Address
    due: int
    headers: bytes
    body: bytes


class SqliteTransport:
    """See ports.transport.Transport. Shares its database with the store: one file, one commit for both."""

    def __init__(self, database: SqliteDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._directory = Directory()
        self._subscriptions: set[SqliteSubscription] = set()
        self._open = False

    async def open(self) -> None:
        if self._open:
            return
        await self._database.open()
        try:
            # Rows of earlier openings may have been in somebody's hand: their distance counts as redeliveries.
            self._directory = Directory(await self._database.submit(_next_opening))
            self._database.read(self._directory.load)
        except BaseException:
            await self._database.close()
            raise
        self._open = True

    async def close(self) -> None:
        if self._open:
            self._open = False
            for subscription in list(self._subscriptions):
                subscription.shut()
            await self._database.close()

    # --- topology ----------------------------------------------------------------------------------------------------

    async def declare(self, topology: Topology) -> None:
        await self._change(lambda connection: self._directory.declare(connection, topology))

    async def unbind(self, type_name: str, route: str) -> None:
        await self._change(lambda connection: self._directory.unbind(connection, type_name, route))

    async def remove(self, queue: Address) -> bool:
        known = self._directory.queues.get(queue)
        gone = await self._change(lambda connection: self._directory.remove(connection, queue))
        if gone:
            for subscription in [s for s in self._subscriptions if s.queue is known]:
                subscription.shut()
        return gone

    async def _change(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Run a unit that changes the directory too; when it is not written the directory is read again."""
        try:
            return await self._written(unit)
        except BaseException:
            self._database.read(self._directory.load)
            raise

    # --- publishing --------------------------------------------------------------------------------------------------

    async def publish(self, batch: Sequence[Outgoing]) -> list[Confirm]:
        if not batch:
            return []
        now = self._clock.now()
        encoded = [_encoded(outgoing, now) for outgoing in batch]
        into: dict[Queue, list[int]] = {}  # dues of the new rows; filled by the unit, anew if it runs again

        def insert(connection: sqlite3.Connection) -> list[Confirm]:
            into.clear()
            confirms, rows = self._spread(encoded, now, into)
            connection.executemany(_INSERT, rows)
            return confirms

        return await self._written(insert, lambda error: None if error else _announce(into))

    def _spread(
        self, batch: list[_Encoded], now: int, into: dict[Queue, list[int]]
    ) -> tuple[list[Confirm], list[tuple[int, int, int, int, int, bytes, bytes]]]:
        directory, confirms, rows = self._directory, [], []
        for to, due, headers, body in batch:
            queues = directory.destinations(to)
            for queue in queues:
                rows.append((directory.next_id(queue), queue.number, due, now, directory.opening, headers, body))
                into.setdefault(queue, []).append(due)
            confirms.append(_OK if queues else _UNROUTABLE)
        return confirms, rows

    # --- receiving: for subscriptions --------------------------------------------------------------------------------

    async def subscribe(self, queue: Address, prefetch: int) -> Subscription:
        known = self._directory.queues.get(queue)
        if known is None:
            raise SettingsError(f"{queue.kind} queue {queue.name!r} is not declared; declare it before subscribing")
        subscription = SqliteSubscription(self, known, prefetch)
        self._subscriptions.add(subscription)
        return subscription

    def take(self, queue: Queue, most: int) -> list[Row]:
        """Rows that are ready, for one of its subscriptions. Raises TransportBlocked when they could not be acked."""
        if self._database.problem:
            raise TransportBlocked(self._database.problem)
        try:
            return self._database.read(lambda connection: queue.take(most, self._clock.now(), connection))
        except StoreDown as error:
            raise TransportBlocked(str(error)) from error

    async def delete(self, rows: Sequence[Row], after: After) -> None:
        """Forget acked rows; `after` as in GroupCommit.submit, also when it cannot be handed in."""
        ids = [(row.id,) for row in rows]
        await self._written(lambda connection: connection.executemany(_DELETE, ids).rowcount, after)

    def forget(self, subscription: SqliteSubscription) -> None:
        """A subscription closed."""
        self._subscriptions.discard(subscription)

    def now(self) -> int:
        """UTC microseconds."""
        return self._clock.now()

    # --- looking -----------------------------------------------------------------------------------------------------

    async def depths(self) -> dict[Address, Depth]:
        now = self._clock.now()
        delayed = dict(self._database.read(lambda connection: connection.execute(_DELAYED, (now,)).fetchall()))
        hand = self.in_hand()
        return {
            address: self._depth(queue, delayed.get(queue.number, 0), hand.get(address, 0), now)
            for address, queue in self._directory.queues.items()
        }

    def in_hand(self) -> dict[Address, int]:
        counts = Counter[Queue]()
        for subscription in self._subscriptions:
            counts[subscription.queue] += subscription.unacked
        return {address: counts[queue] for address, queue in self._directory.queues.items() if counts[queue]}

    def problems(self) -> dict[str, str]:
        return {}

    def _depth(self, queue: Queue, delayed: int, unacked: int, now: int) -> Depth:
        if queue.count == 0:
            return Depth()
        found = self._database.read(lambda connection: connection.execute(_OLDEST, (queue.first,)).fetchone())
        age = max(0, now - found[0]) / 1_000_000 if found else 0.0
        return Depth(ready=max(0, queue.count - delayed - unacked), delayed=delayed, unacked=unacked, oldest=age)

    async def _written(self, unit: Callable[[sqlite3.Connection], T], after: After | None = None) -> T:
        try:
            handed_in: asyncio.Future[T] = self._database.submit(unit, after)
        except StoreDown as error:
            if after is not None:
                after(error)
            raise TransportBlocked(str(error)) from error
        try:
            return await handed_in
        except StoreDown as error:
            raise TransportBlocked(str(error)) from error


def _encoded(outgoing: Outgoing, now: int) -> _Encoded:
    due = now + max(1, round(outgoing.delay * 1_000_000)) if outgoing.delay > 0 else 0
    return _Encoded(outgoing.to, due, encode(outgoing.headers), outgoing.body)


def _announce(into: dict[Queue, list[int]]) -> None:
    for queue, dues in into.items():
        queue.published(len(dues), min((due for due in dues if due), default=0))


def _next_opening(connection: sqlite3.Connection) -> int:
    connection.execute("INSERT INTO opening SELECT coalesce(max(number), 0) + 1 FROM opening")
    number = int(connection.execute("SELECT max(number) FROM opening").fetchone()[0])
    connection.execute("DELETE FROM opening WHERE number < ?", (number,))
    return number
