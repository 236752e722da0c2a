"""What breaks between the engine and RabbitMQ, and that nothing is lost by it. Against a real broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from yarl import URL

from engine.backends.rabbitmq import Names, Patience, RabbitTransport
from engine.backends.rabbitmq.control import Control
from engine.core.clock import SystemClock
from engine.core.errors import StoreDown, TransportBlocked
from engine.ports.transport import Address, Confirm, Outgoing, Receipt, Subscription, Topology
from tests.rabbitmq_broker import broker, fresh_names, transport
from tests.tcp_proxy import Proxy

pytestmark = [pytest.mark.anyio, pytest.mark.services]

SALES, LANE = Address("route", "sales"), Address("lane", "erp.financial")
BUS = Address("event", "sale.completed")
EVERYTHING = Topology((SALES, LANE), (("sale.completed", "sales"),))


@pytest.fixture
def names() -> Names:
    broker()
    return fresh_names()


@asynccontextmanager
async def opened(names: Names, **more: Any) -> AsyncIterator[RabbitTransport]:
    one = transport(names, **more)
    await one.open()
    try:
        yield one
    finally:
        await one.close()


@asynccontextmanager
async def controlled() -> AsyncIterator[Control]:
    control = Control(broker().url)
    yield control
    await control.close()


async def until(met: Callable[[], bool], within: float = 20.0) -> None:
    """Wait for something that the broker has to do first."""
    ends = time.monotonic() + within
    while not met():
        assert time.monotonic() < ends, "it did not happen in time"
        await asyncio.sleep(0.02)


async def steer(*arguments: str) -> None:
    await asyncio.to_thread(broker().steer, *arguments)


def some(to: Address, *bodies: str, delay: float = 0.0) -> list[Outgoing]:
    return [Outgoing(to, {"tf-name": body}, body.encode(), delay) for body in bodies]


async def put(one: RabbitTransport, batch: list[Outgoing]) -> None:
    """Publish as the runtime does: what is not confirmed is sent again."""
    left = batch
    while left:
        try:
            confirms = await one.publish(left)
        except TransportBlocked:
            await asyncio.sleep(0.05)
            continue
        left = [outgoing for outgoing, confirm in zip(left, confirms, strict=True) if not confirm.ok]


async def take(subscription: Subscription, count: int) -> list[Receipt]:
    taken: list[Receipt] = []
    async with asyncio.timeout(30):
        while len(taken) < count:
            taken += await subscription.receive(count - len(taken))
    return taken


async def test_connections_closed_while_publishing_lose_nothing(names: Names) -> None:
    async with opened(names) as one:
        await one.declare(EVERYTHING)
        closing = asyncio.create_task(asyncio.to_thread(broker().close_connections))
        wanted: set[str] = set()
        while not closing.done() or len(wanted) < 3000:
            bodies = [f"{len(wanted) + n}" for n in range(100)]
            await put(one, some(SALES, *bodies))
            wanted |= set(bodies)
        subscription = await one.subscribe(SALES, 500)
        got: set[str] = set()
        while got != wanted:
            receipts = await take(subscription, 1)
            got |= {receipt.body.decode() for receipt in receipts}
            await subscription.ack(receipts)
        assert one._publisher.link.connections > 1


async def test_what_is_in_hand_comes_back_and_old_acks_are_passed_over(names: Names) -> None:
    async with opened(names) as one:
        # given five in hand and five delivered ahead
        await one.declare(EVERYTHING)
        await put(one, some(SALES, *map(str, range(10))))
        subscription = await one.subscribe(SALES, 10)
        held = await take(subscription, 5)
        # when
        await asyncio.to_thread(broker().close_connections)
        await until(lambda: one._consuming.connections > 1 and not one.problems())
        again = await take(subscription, 10)
        await subscription.ack(held)
        # then all of them are there again, and the old acks did nothing
        assert sorted(int(receipt.body) for receipt in again) == list(range(10))
        assert all(receipt.redelivered >= 1 for receipt in again)
        assert (await one.depths())[SALES].unacked == 10
        await subscription.ack(again)
        await until_empty(one, SALES)
        async with controlled() as control:
            for what in ("work", "unrouted"):
                assert (await control.counts(names.own_queue(what))).ready == 0


async def until_empty(one: RabbitTransport, address: Address) -> None:
    async with asyncio.timeout(10):
        while True:
            depth = (await one.depths())[address]
            if (depth.ready, depth.delayed, depth.unacked) == (0, 0, 0):
                return


async def test_a_deleted_queue_is_made_again_and_consumed_again(names: Names) -> None:
    async with opened(names) as one, controlled() as control:
        await one.declare(EVERYTHING)
        subscription = await one.subscribe(SALES, 10)
        # when
        await control.delete(names.queue(SALES))
        await until(lambda: not one.problems() and one._keeper.subscriptions != set())
        # then it is consumed, and bound to what it was bound to
        await put(one, some(BUS, "a"))
        assert [receipt.body for receipt in await take(subscription, 1)] == [b"a"]


async def test_a_deleted_queue_that_nobody_consumes_is_made_again_by_a_publish(names: Names) -> None:
    async with opened(names) as one, controlled() as control:
        await one.declare(EVERYTHING)
        await one.publish(some(LANE, "a", delay=0.05))
        for queue in (names.queue(LANE), names.queue(SALES), names.tier(LANE, 50)):
            await control.delete(queue)
        batch = some(LANE, "now") + some(BUS, "event") + some(LANE, "later", delay=0.05)
        assert await one.publish(batch) == [Confirm(True)] * 3
        assert {r.body for r in await take(await one.subscribe(LANE, 10), 2)} == {b"now", b"later"}
        assert [r.body for r in await take(await one.subscribe(SALES, 10), 1)] == [b"event"]


@pytest.mark.parametrize("which", ["lane", "bus", "retry", "route"])
async def test_a_deleted_exchange_is_made_again_with_its_bindings(names: Names, which: str) -> None:
    async with opened(names) as one, controlled() as control:
        await one.declare(EVERYTHING)
        await one.publish(some(LANE, "x", delay=0.05))
        lane = await one.subscribe(LANE, 10)
        await lane.ack(await take(lane, 1))
        # when
        await control.delete_exchange(f"{names.prefix}.{which}")
        await put(one, some(LANE, "now") + some(BUS, "event") + some(LANE, "later", delay=0.05))
        # then
        assert {r.body for r in await take(lane, 2)} >= {b"now"}
        assert [r.body for r in await take(await one.subscribe(SALES, 10), 1)] == [b"event"]


async def test_a_deleted_directory_is_written_again(names: Names) -> None:
    async with opened(names) as one, controlled() as control:
        await one.declare(EVERYTHING)
        await control.delete(names.own_queue("directory"))
        async with opened(names) as other:
            await until(lambda: set(other._directory.tiers) == {SALES, LANE})
            await until(lambda: other._directory.routes == {"sale.completed": {"sales"}})
        await until(lambda: not one.problems())
        async with asyncio.timeout(30):  # the broker counts a stream's entries now and then
            while not (await control.counts(names.own_queue("directory"))).ready:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.1)


@pytest.mark.alone
async def test_a_memory_alarm_is_a_state_with_a_deadline_and_loses_nothing(names: Names) -> None:
    async with opened(names) as one:
        await one.declare(EVERYTHING)
        await steer("set_vm_memory_high_watermark", "0.000001")
        try:
            # when: the first publish meets the alarm, the next one knows of it
            began = time.monotonic()
            first = await one.publish(some(SALES, "first"))
            with pytest.raises(TransportBlocked, match="memory or disk"):
                await one.publish(some(SALES, "second"))
            assert time.monotonic() - began < 10
            assert first == [Confirm(False, "unknown")]
            assert "blocked" in one.problems()
        finally:
            await steer("set_vm_memory_high_watermark", "0.4")
        # then what waited in the broker's door is there, and things go on
        await put(one, some(SALES, "third"))
        got = await take(await one.subscribe(SALES, 10), 2)
        assert [receipt.body for receipt in got] == [b"first", b"third"]
        assert "blocked" not in one.problems()


async def test_a_full_queue_refuses(names: Names) -> None:
    async with opened(names) as one:
        await one.declare(EVERYTHING)
        pattern = f"^{names.queue(SALES)}$".replace(".", r"\.")
        policy = ("--vhost", broker().vhost, f"full-{names.prefix}")
        await steer("set_policy", *policy, pattern, '{"max-length": 1}', "--apply-to", "queues")
        try:
            confirms: list[Confirm] = []
            async with asyncio.timeout(10):
                while confirms != [Confirm(False, "refused")]:
                    confirms = await one.publish(some(SALES, "x"))
            assert await one.publish(some(LANE, "y")) == [Confirm(True)]
        finally:
            await steer("clear_policy", *policy)


async def test_ten_thousand_pass_a_delay_tier(names: Names) -> None:
    async with opened(names) as one:
        await one.declare(EVERYTHING)
        wanted = [f"{n:05}" for n in range(10_000)]
        for start in range(0, 10_000, 1000):
            await put(one, some(LANE, *wanted[start : start + 1000], delay=1.0))
        subscription = await one.subscribe(LANE, 1000)
        got: list[str] = []
        while len(got) < 10_000:
            receipts = await take(subscription, 1)
            got += [receipt.body.decode() for receipt in receipts]
            await subscription.ack(receipts)
        assert sorted(got) == wanted


async def test_returns_are_matched_with_what_they_are_for(names: Names) -> None:
    async with opened(names) as one:
        await one.declare(EVERYTHING)
        nowhere = Address("lane", "nowhere")
        batch = [Outgoing(nowhere if n % 3 == 0 else LANE, {"tf-id": "the same"}, b"same") for n in range(999)]
        confirms = await one.publish(batch)
        assert [confirm.ok for confirm in confirms] == [n % 3 != 0 for n in range(999)]
        assert {confirm.problem for confirm in confirms if not confirm.ok} == {"unroutable"}


async def test_what_is_too_large_is_refused_and_its_neighbours_pass(names: Names) -> None:
    async with opened(names) as one:
        await one.declare(EVERYTHING)
        large = [Outgoing(LANE, {}, bytes(17 << 20)), Outgoing(LANE, {"h-long": "x" * 200_000}, b"")]
        assert await one.publish([*some(LANE, "a"), *large, *some(LANE, "b")]) == [
            Confirm(True),
            Confirm(False, "refused"),
            Confirm(False, "refused"),
            Confirm(True),
        ]


async def test_several_frames_make_one_body(names: Names) -> None:
    async with opened(names) as one:
        await one.declare(EVERYTHING)
        bodies = [bytes([n]) * (131_072 * n + n) for n in range(5)]
        await put(one, [Outgoing(LANE, {}, body) for body in bodies])
        assert [receipt.body for receipt in await take(await one.subscribe(LANE, 10), 5)] == bodies


async def test_two_processes_know_of_each_others_queues(names: Names) -> None:
    async with opened(names) as one, opened(names) as other:
        await one.declare(EVERYTHING)
        await until(lambda: LANE in other._directory.tiers)
        theirs = await other.subscribe(LANE, 5)
        # when one wants to remove what the other consumes
        assert not await one.remove(LANE)
        await put(one, some(LANE, "a"))
        await theirs.ack(await take(theirs, 1))
        await theirs.close()
        # then it can once nobody does, and the queue has heard of it
        for _ in range(200):
            if await one.remove(LANE):
                break
            await asyncio.sleep(0.02)
        await until(lambda: LANE not in other._directory.tiers)


@asynccontextmanager
async def through_proxy(names: Names, patience: Patience) -> AsyncIterator[tuple[RabbitTransport, Proxy]]:
    url = URL(broker().url)
    async with Proxy(url.host or "", url.port or 5672) as proxy:
        address = url.with_port(proxy.port).with_query(heartbeat=2)
        one = RabbitTransport(str(address), SystemClock(), names=names, patience=patience)
        await one.open()
        try:
            yield one, proxy
        finally:
            proxy.heal()
            await one.close()


@pytest.mark.parametrize("direction", ["swallow_to_server", "swallow_to_client"])
async def test_a_black_hole_is_noticed_and_left_behind(names: Names, direction: str) -> None:
    async with through_proxy(names, Patience(connect=1.0, blocked=1.0, confirm=1.0)) as (one, proxy):
        await one.declare(EVERYTHING)
        subscription = await one.subscribe(SALES, 10)
        setattr(proxy, direction, True)
        assert await one.publish(some(SALES, "a")) == [Confirm(False, "unknown")]
        await until(lambda: bool(one.problems()))
        proxy.heal()
        # then what is sent again arrives on other connections
        await put(one, some(SALES, "b"))
        bodies: set[bytes] = set()
        while b"b" not in bodies:
            receipts = await take(subscription, 1)
            bodies |= {receipt.body for receipt in receipts}
            await subscription.ack(receipts)
        await until(lambda: not one.problems())


async def test_a_cut_in_the_middle_of_a_frame_loses_nothing(names: Names) -> None:
    async with through_proxy(names, Patience(connect=2.0, blocked=1.0, confirm=2.0)) as (one, proxy):
        await one.declare(EVERYTHING)
        proxy.cut_after = 5000
        [confirm] = await one.publish([Outgoing(SALES, {}, bytes(20_000))])
        assert confirm == Confirm(False, "unknown")
        proxy.heal()
        await put(one, some(SALES, "b"))
        assert [receipt.body for receipt in await take(await one.subscribe(SALES, 5), 1)] == [b"b"]


async def test_a_broker_that_is_not_there_is_told_as_such() -> None:
    one = RabbitTransport("amqp://guest:secret@127.0.0.1:1/x", SystemClock())
    with pytest.raises(StoreDown, match=r"127\.0\.0\.1:1/x cannot be reached") as raised:
        await one.open()
    assert "secret" not in str(raised.value)
    assert "Start it, or correct host and port of the transport's address" in str(raised.value)


async def test_a_consumer_that_ends_in_the_midst_of_deliveries_disturbs_no_other(names: Names) -> None:
    """What was on its way to it comes back; nothing is written on a channel that was closed, else the connection goes."""
    async with opened(names) as one:
        await one.declare(EVERYTHING)
        await put(one, some(SALES, *map(str, range(3000))))
        for _ in range(40):
            subscription = await one.subscribe(SALES, 1000)
            await subscription.receive(1)
            await subscription.close()
        assert one._consuming.connections == 1
        assert not one.problems()
        assert len(await take(await one.subscribe(SALES, 3000), 3000)) == 3000
