"""Channels of one connection to RabbitMQ, opened and closed side by side: none disturbs another."""

from __future__ import annotations

import asyncio

import pytest
from yarl import URL

from engine.backends.rabbitmq.aiormq_plane import AiormqPlane
from engine.backends.rabbitmq.control import Control
from engine.backends.rabbitmq.dataplane import Delivered, Parcel, Unreachable
from engine.backends.rabbitmq.layout import Exchange
from tests.backends.test_rabbitmq_faults import EVERYTHING, LANE, SALES, opened, put, some, take
from tests.rabbitmq_broker import broker, fresh_names
from tests.tcp_proxy import Proxy

pytestmark = [pytest.mark.anyio, pytest.mark.services]


async def test_a_consumer_that_begins_while_another_one_ends_gets_what_is_its_own() -> None:
    """The number of a channel that ends is free before its end is known everywhere: it may be another's by then."""
    broker()
    async with opened(fresh_names()) as one:
        await one.declare(EVERYTHING)
        for turn in range(60):
            former = await one.subscribe(SALES, 10)
            ending = asyncio.create_task(former.close())
            await asyncio.sleep(turn % 20 / 10_000)
            subscription = await one.subscribe(LANE, 10)
            await put(one, some(LANE, str(turn)))
            receipts = await take(subscription, 1)
            await subscription.ack(receipts)
            await asyncio.gather(ending, subscription.close())
            assert [receipt.body for receipt in receipts] == [str(turn).encode()]


class Nobody:
    """Consumes nothing."""

    def arrived(self, delivered: Delivered) -> None:
        raise AssertionError("nothing is delivered here")

    def ended(self, why: str) -> None:
        return


async def test_publishing_on_while_the_broker_closes_the_channel_leaves_the_connection() -> None:
    """One more publish behind the answer to that closing, and the broker closes the connection with all its channels."""
    wire = await AiormqPlane().connect(broker().url, "test")
    try:
        for _ in range(20):
            outlet = await wire.outlet()
            parcel = Parcel("no-such-exchange", "", {}, b"x", 0)
            with pytest.raises(Unreachable, match="NOT_FOUND"):
                while True:
                    outlet.send([parcel])
                    await asyncio.sleep(0)
        await asyncio.sleep(0.5)
        assert not wire.closed.done()
    finally:
        await wire.close()


async def test_who_waits_while_another_closes_the_connection_is_told_and_not_cancelled() -> None:
    """A task that was cancelled by nobody would end without a word, and what it keeps up with it."""
    address = URL(broker().url)
    async with Proxy(address.host or "", address.port or 0) as proxy:
        url = str(address.with_port(proxy.port))
        wire, control = await AiormqPlane().connect(url, "test"), Control(url)
        topic = Exchange("amq.topic", "topic", {})
        await control.exchange(topic, passive=True)
        proxy.swallow_to_client = True
        waiting = [
            asyncio.create_task(one)
            for one in (wire.outlet(), wire.inlet("sales", 1, Nobody()), control.exchange(topic, passive=True))
        ]
        await asyncio.sleep(0.2)
        await asyncio.gather(wire.close(), control.close())
        async with asyncio.timeout(30):
            told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in told] == [Unreachable] * 3
