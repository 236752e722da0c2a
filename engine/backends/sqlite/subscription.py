"""One consumer of one queue of the SQLite transport."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.backends.sqlite.queues import Queue, Row
from engine.ports.transport import Receipt

if TYPE_CHECKING:
    from engine.backends.sqlite.transport import SqliteTransport

_LOOK_AGAIN = 60.0  # the wall clock may have jumped: nothing waits longer than this without looking at it


class SqliteSubscription:
    """See ports.transport.Subscription. Made by SqliteTransport.subscribe."""

    def __init__(self, transport: SqliteTransport, queue: Queue, prefetch: int) -> None:
        self._transport = transport
        self._queue = queue
        self._prefetch = max(1, prefetch)
        self._hand: dict[int, Row] = {}
        self._acking: dict[int, Row] = {}
        self._closed = False

    @property
    def queue(self) -> Queue:
        return self._queue

    @property
    def unacked(self) -> int:
        """How many it has in hand."""
        return len(self._hand) + len(self._acking)

    async def receive(self, most: int) -> list[Receipt]:
        while not self._closed:
            room = min(most, self._prefetch - self.unacked)
            rows = self._transport.take(self._queue, room) if room > 0 else []
            if rows:
                self._hand.update((row.id, row) for row in rows)
                return [row.receipt() for row in rows]
            await self._something()
        return []

    async def _something(self) -> None:
        """Wait until the queue may have something: a publish, an ack, a release, a close, or the next due time."""
        loop = asyncio.get_running_loop()
        changed = loop.create_future()

        def wake() -> None:
            if not changed.done():
                changed.set_result(None)

        self._queue.wake_me(wake)
        timer = None
        due = self._queue.next_due()
        if due and self.unacked < self._prefetch:
            left = (due - self._transport.now()) / 1_000_000
            timer = loop.call_later(min(max(left, 0.000_001), _LOOK_AGAIN), wake)
        try:
            await changed
        finally:
            self._queue.let_me_sleep(wake)
            if timer is not None:
                timer.cancel()

    async def ack(self, receipts: Sequence[Receipt]) -> None:
        rows = [row for receipt in receipts if (row := self._hand.pop(receipt.tag, None)) is not None]
        if rows:
            self._acking.update((row.id, row) for row in rows)
            await self._transport.delete(rows, lambda error: self._acked(rows, error))

    def _acked(self, rows: list[Row], error: BaseException | None) -> None:
        for row in rows:
            del self._acking[row.id]
        if error is None:
            self._queue.acked(rows)
        elif self._closed:
            self._queue.put_back(rows)
        else:
            self._hand.update((row.id, row) for row in rows)

    async def release(self, receipts: Sequence[Receipt]) -> None:
        self._queue.put_back([row for r in receipts if (row := self._hand.pop(r.tag, None)) is not None])

    async def close(self) -> None:
        self.shut()

    def shut(self) -> None:
        """Close at once; what an ack is being written for is not given back."""
        if not self._closed:
            self._closed = True
            rows = list(self._hand.values())
            self._hand.clear()
            self._queue.put_back(rows)
            self._transport.forget(self)
