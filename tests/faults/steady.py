"""Tills that sell at a steady rate, to a webhook or to a queue, whatever happens to those who take it in."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

import aiormq
import httpx

from tests.proof import till

STEP = 0.05  # seconds between two bursts of sales
MOST_WAITING = 300  # sales that are not posted yet, until tills wait: a machine that is slow has a slower day
TRIES = 30


class SteadyTills:
    """A thread whose tills sell `rate` sales a second. `sold` are those that were taken.

    posted   how many are through by now
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._selling()))
        self._failed: BaseException | None = None
        self.sold: list[till.Sale] = []
        self.posted: Callable[[], int] = lambda: 0

    def start(self) -> None:
        """Begin to sell."""
        self._thread.start()

    def stop(self) -> None:
        """No more."""
        self._stopping.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    async def _selling(self) -> None:
        try:
            await self._all()
        except BaseException as error:
            self._failed = error

    async def _all(self) -> None:
        raise NotImplementedError

    async def _paced(self, publish: Callable[[bytes], Awaitable[None]]) -> None:
        async def sell(number: int) -> None:
            sale = till.sale(number, "AB"[number % 2])
            await publish(json.dumps(sale).encode())
            self.sold.append(sale)

        def full() -> bool:
            return len(self.sold) - self.posted() > MOST_WAITING

        await paced(self._stopping, self._rate, sell, full)


class HttpTills(SteadyTills):
    """They call a webhook, again when it does not take a sale."""

    def __init__(self, url: str, rate: int) -> None:
        super().__init__(rate)
        self._url = url

    async def _all(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

            async def publish(content: bytes) -> None:
                headers = {"content-type": "application/json"}
                for _ in range(TRIES):
                    answer = await client.post(self._url, content=content, headers=headers)
                    if answer.status_code == 202:
                        return
                    await asyncio.sleep(1.0)
                raise AssertionError(f"a sale is not taken: {answer.status_code} {answer.text}")

            await self._paced(publish)


class QueueTills(SteadyTills):
    """They publish to a queue of their own. Consumers are counted meanwhile.

    watched   names of queues beside theirs
    without   queue -> longest time in seconds it was seen without a consumer
    """

    def __init__(self, url: str, queue: str, rate: int, watched: Sequence[str]) -> None:
        super().__init__(rate)
        self._url, self._queue, self._watched = url, queue, (queue, *watched)
        self.without = dict.fromkeys(self._watched, 0.0)
        self.looks = 0

    async def _all(self) -> None:
        connection = await aiormq.connect(self._url)
        try:
            channel, other = await connection.channel(), await connection.channel(publisher_confirms=False)
            await asyncio.gather(self._sell(channel), self._watch(other))
        finally:
            await connection.close()

    async def _sell(self, channel: aiormq.abc.AbstractChannel) -> None:
        durable = aiormq.spec.Basic.Properties(delivery_mode=2)

        async def publish(content: bytes) -> None:
            await channel.basic_publish(content, routing_key=self._queue, properties=durable)

        await self._paced(publish)

    async def _watch(self, channel: aiormq.abc.AbstractChannel) -> None:
        seen: dict[str, float] = {}
        while not self._stopping.is_set():
            for queue in self._watched:
                declared = await channel.queue_declare(queue, passive=True)
                now = time.monotonic()
                if declared.consumer_count:
                    seen[queue] = now
                self.without[queue] = max(self.without[queue], now - seen.setdefault(queue, now))
            self.looks += 1
            await asyncio.sleep(0.15)


async def paced(
    stopping: threading.Event, rate: int, sell: Callable[[int], Awaitable[None]], full: Callable[[], bool]
) -> None:
    """Sell `rate` times a second until told to stop; what is missed while too many wait is not made up for."""
    count, due, before = 0, 0.0, time.monotonic()
    while not stopping.is_set():
        now = time.monotonic()
        due += 0.0 if full() else min(now - before, 10 * STEP) * rate
        before = now
        await asyncio.gather(*(sell(number) for number in range(count, int(due))))
        count = int(due)
        await asyncio.sleep(STEP)


async def queue_made(url: str, queue: str) -> None:
    """A durable queue."""
    connection = await aiormq.connect(url)
    try:
        await (await connection.channel()).queue_declare(queue, durable=True)
    finally:
        await connection.close()


@contextmanager
def selling(tills: SteadyTills) -> Iterator[None]:
    """As long as the block."""
    tills.start()
    try:
        yield
    finally:
        tills.stop()
