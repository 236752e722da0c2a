"""A whole engine over RabbitMQ: what strangers put into its queues, what nobody subscribes to, a retry in a tier."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from connectors.core.formats import connector as formats
from engine.backends.rabbitmq import Names, RabbitTransport
from engine.backends.secrets import DictSecrets
from engine.backends.sqlite import SqliteDatabase, SqliteStore
from engine.core.clock import SystemClock
from engine.core.errors import Transient
from engine.plugins.registry import Registry
from engine.ports.transport import Address, Topology
from engine.steps import BUILTIN
from tests.rabbitmq_broker import broker, fresh_names, transport
from tests.runtime.lab import Bench, Lab, MemoryBlobs, lab_connector, running, sale
from tests.runtime.routes import SALES

pytestmark = [pytest.mark.anyio, pytest.mark.services]

RETRY = "retry: {give_up_after: 1h, backoff: {first: 1s, factor: 2, max: 1m}}\n"
RETRYING = {**SALES, "routes/posting.yaml": SALES["routes/posting.yaml"] + RETRY}


class RabbitBench(Bench):
    """As Bench, carried by RabbitMQ, in real time."""

    def __init__(self, names: Names, folder: Path) -> None:
        self.lab = Lab()
        self.clock: Any = SystemClock()
        self.registry = Registry([formats, lab_connector(self.lab)], BUILTIN)
        self.database = SqliteDatabase(folder / "tillflow.db", self.clock)
        self.transport: RabbitTransport = transport(names, self.clock)
        self.store: Any = SqliteStore(self.database, self.clock)
        self.blobs = MemoryBlobs()
        self.secrets = DictSecrets({})
        self.table_files = {}
        self.reading = None


@pytest.fixture
def names() -> Names:
    broker()
    return fresh_names()


@pytest.fixture
async def made(names: Names, tmp_path: Path) -> AsyncIterator[RabbitBench]:
    one = RabbitBench(names, tmp_path)
    await one.transport.open()
    await one.store.open()
    yield one
    await one.store.close()
    await one.transport.close()


@asynccontextmanager
async def stranger() -> AsyncIterator[Any]:
    """Somebody else's channel."""
    connection = await aio_pika.connect(broker().url)
    async with connection:
        yield await connection.channel()


async def until(met: Callable[[], Awaitable[bool]], within: float = 20.0) -> None:
    ends = time.monotonic() + within
    while not await met():
        assert time.monotonic() < ends, "it did not happen in time"
        await asyncio.sleep(0.05)


async def test_a_sale_is_posted_once_after_a_failure_that_passes(made: RabbitBench) -> None:
    made.lab.fail = [Transient("busy")]
    async with running(made, RETRYING):
        made.lab.offer([sale("1"), sale("2")])

        async def both() -> bool:
            return len(made.lab.sent) >= 2

        await until(both)
        assert sorted(request["reference"] for request in made.lab.requests()) == ["1", "2"]
        assert await made.items() == []


@pytest.mark.parametrize("queue", ["route.posting", "lane.outside.financial.e1", "quarantine", "work"])
async def test_what_a_stranger_puts_into_a_queue_is_a_work_item(made: RabbitBench, names: Names, queue: str) -> None:
    async with running(made, SALES), stranger() as channel:
        headers = {"nested": {"a": [1, None]}, "yes": True}
        for message in (aio_pika.Message(b"what?"), aio_pika.Message(b'{"no": "event"}', headers=headers)):
            await channel.default_exchange.publish(message, names.own_queue(queue))
        made.lab.offer([sale("1")])

        async def handled() -> bool:
            return len(await made.items()) >= 2 and len(made.lab.sent) == 1

        await until(handled)
        assert all(item.body for item in await made.items())

        async def empty() -> bool:
            depths = await made.transport.depths()
            return all((depth.ready, depth.unacked) == (0, 0) for depth in depths.values())

        await until(empty)


async def test_what_the_broker_gives_up_on_is_a_work_item(made: RabbitBench, names: Names) -> None:
    # given an event in the queue of a route, and a limit that a test can reach
    posting = Address("route", "posting")
    await made.transport.declare(Topology((posting,), (("sale", "posting"),)))
    async with running(made, {"routes/ingest.yaml": SALES["routes/ingest.yaml"]}):
        made.lab.offer([sale("1")])

        async def there() -> bool:
            return (await made.transport.depths())[posting].ready == 1

        await until(there)
    pattern = f"^{names.queue(posting)}$".replace(".", r"\.")
    policy = ("--vhost", broker().vhost, f"limit-{names.prefix}")
    await asyncio.to_thread(
        broker().steer, "set_policy", *policy, pattern, '{"delivery-limit": 1}', "--apply-to", "queues"
    )
    # when somebody takes it again and again and never finishes it
    async with stranger() as channel:
        queue = await channel.get_queue(names.queue(posting))
        for _ in range(2):
            message = await queue.get(timeout=10)
            await message.nack(requeue=True)
    # then a person gets it, with where it died
    async with running(made, SALES) as engine:

        async def told() -> bool:
            return bool(await made.items())

        await until(told)
        [item] = await made.items()
        assert (item.level, item.route, item.reason) == ("event", "posting", "dead-lettered")
        assert "route/posting" in item.detail
        # and it can be replayed
        await engine.control.work_replay(item.id, "anna", "the consumer is mended")

        async def posted() -> bool:
            return len(made.lab.sent) == 1

        await until(posted)
    await asyncio.to_thread(broker().steer, "clear_policy", *policy)


async def test_an_event_nobody_subscribes_to_is_a_work_item_and_lies_nowhere(made: RabbitBench, names: Names) -> None:
    async with running(made, {"routes/ingest.yaml": SALES["routes/ingest.yaml"]}):
        made.lab.offer([sale("1")])

        async def told() -> bool:
            return bool(await made.items())

        await until(told)
        assert [item.reason for item in await made.items()] == ["no-subscriber"]
        await made.transport._look()
        assert made.transport.problems() == {}


async def test_what_a_stranger_publishes_for_nobody_is_kept_and_told(made: RabbitBench, names: Names) -> None:
    async with stranger() as channel:
        events = await channel.get_exchange(names.events)
        await events.publish(aio_pika.Message(b"{}", delivery_mode=2), "nobody.asked")
        await made.transport._look()
        assert made.transport.problems() == {"unrouted": f"1 in `{names.own_queue('unrouted')}`"}
