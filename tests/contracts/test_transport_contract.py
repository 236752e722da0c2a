"""What every transport does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.core.errors import SettingsError
from engine.ports.transport import Address, Confirm, Depth, Outgoing, Receipt, Subscription, Topology, Transport

pytestmark = pytest.mark.anyio

SALES, STOCK = Address("route", "sales"), Address("route", "stock")
LANE = Address("lane", "erp")
BUS = Address("event", "sale.completed")
SHORT = 0.05  # seconds a delay lasts in these tests


def some(to: Address, *bodies: str, delay: float = 0.0) -> list[Outgoing]:
    return [Outgoing(to, {"tf-name": body, "tf-size": len(body)}, body.encode(), delay) for body in bodies]


def bodies(receipts: list[Receipt]) -> list[str]:
    return [receipt.body.decode() for receipt in receipts]


async def take(subscription: Subscription, count: int) -> list[Receipt]:
    """That many; a receive gives at least one of those that are on their way."""
    taken: list[Receipt] = []
    while len(taken) < count:
        taken += await subscription.receive(count - len(taken))
    return taken


async def nothing_comes(subscription: Any) -> bool:
    """True when a receive does not answer while everything else gets its turn."""
    task = asyncio.ensure_future(subscription.receive(10))
    for _ in range(20):
        await asyncio.sleep(0)
    waiting = not task.done()
    task.cancel()
    return waiting


@pytest.fixture
async def declared(transport: Transport) -> Transport:
    await transport.declare(Topology((SALES, STOCK, LANE), (("sale.completed", "sales"),)))
    return transport


async def test_what_is_published_is_received_as_it_was(declared: Transport) -> None:
    # given
    headers = {"tf-id": "7", "tf-attempt": 2, "h-name": "Käse"}
    # when
    confirms = await declared.publish([Outgoing(SALES, headers, b'{"a":1.50}')])
    [receipt] = await (await declared.subscribe(SALES, 10)).receive(5)
    # then
    assert confirms == [Confirm(True)]
    assert (dict(receipt.headers), receipt.body, receipt.redelivered) == (headers, b'{"a":1.50}', 0)


async def test_an_empty_batch_is_confirmed_by_an_empty_list(declared: Transport) -> None:
    assert await declared.publish([]) == []


async def test_receipts_come_in_the_order_of_publishing(declared: Transport) -> None:
    names = [f"{n:04}" for n in range(1000)]
    for start in range(0, 1000, 125):
        await declared.publish(some(SALES, *names[start : start + 125]))
    subscription = await declared.subscribe(SALES, 1000)
    received: list[str] = []
    while len(received) < 1000:
        received += bodies(await subscription.receive(77))
    assert received == names


async def test_receive_gives_at_most_what_was_asked_for(declared: Transport) -> None:
    await declared.publish(some(SALES, "a", "b", "c"))
    subscription = await declared.subscribe(SALES, 10)
    first = await subscription.receive(2)
    assert 1 <= len(first) <= 2
    assert bodies(first + await take(subscription, 3 - len(first))) == ["a", "b", "c"]


async def test_receive_waits_for_the_first(declared: Transport) -> None:
    subscription = await declared.subscribe(SALES, 10)
    waiting = asyncio.ensure_future(subscription.receive(5))
    await asyncio.sleep(0)
    assert not waiting.done()
    await declared.publish(some(SALES, "a"))
    assert bodies(await waiting) == ["a"]


async def test_prefetch_limits_what_is_unacked(declared: Transport) -> None:
    await declared.publish(some(SALES, "a", "b", "c"))
    subscription = await declared.subscribe(SALES, 2)
    first = await take(subscription, 2)
    assert bodies(first) == ["a", "b"]
    assert await nothing_comes(subscription)
    await subscription.ack(first[:1])
    assert bodies(await subscription.receive(10)) == ["c"]


async def test_acked_ones_do_not_come_back(declared: Transport) -> None:
    await declared.publish(some(SALES, "a", "b"))
    subscription = await declared.subscribe(SALES, 10)
    first = await subscription.receive(1)
    await subscription.ack(first)
    await subscription.ack(first)  # once more is passed over
    await subscription.close()
    again = await declared.subscribe(SALES, 10)
    assert bodies(await again.receive(10)) == ["b"]


async def test_released_ones_come_again_in_their_place(declared: Transport) -> None:
    await declared.publish(some(SALES, "a", "b", "c"))
    subscription = await declared.subscribe(SALES, 10)
    await subscription.release(await take(subscription, 2))
    again = await take(subscription, 3)
    assert bodies(again) == ["a", "b", "c"]
    assert [receipt.redelivered for receipt in again[:2]] == [1, 1]
    assert again[2].redelivered <= 1  # a transport that hands out ahead may have done so with this one


async def test_releasing_wakes_a_waiting_subscription(declared: Transport) -> None:
    await declared.publish(some(SALES, "a"))
    one, other = await declared.subscribe(SALES, 10), await declared.subscribe(SALES, 10)
    held = await one.receive(1)
    waiting = asyncio.ensure_future(other.receive(1))
    await asyncio.sleep(0)
    await one.release(held)
    assert bodies(await waiting) == ["a"]


async def test_closing_a_subscription_gives_back_what_is_unacked(declared: Transport) -> None:
    await declared.publish(some(SALES, "a"))
    subscription = await declared.subscribe(SALES, 10)
    held = await subscription.receive(1)
    await subscription.close()
    await subscription.close()
    assert await subscription.receive(1) == []
    await subscription.ack(held)  # not in hand any more: passed over
    again = await (await declared.subscribe(SALES, 10)).receive(1)
    assert bodies(again) == ["a"] and again[0].redelivered == 1


async def test_closing_ends_a_receive_that_waits(declared: Transport) -> None:
    subscription = await declared.subscribe(SALES, 10)
    waiting = asyncio.ensure_future(subscription.receive(1))
    await asyncio.sleep(0)
    await subscription.close()
    assert await waiting == []


async def test_a_cancelled_receive_takes_nothing_with_it(declared: Transport) -> None:
    subscription = await declared.subscribe(SALES, 10)
    assert await nothing_comes(subscription)
    await declared.publish(some(SALES, "a"))
    assert bodies(await subscription.receive(1)) == ["a"]


async def test_subscriptions_of_one_queue_share_it(declared: Transport) -> None:
    await declared.publish(some(SALES, *"abcdef"))
    one, other = await declared.subscribe(SALES, 3), await declared.subscribe(SALES, 3)
    got = bodies(await take(one, 3)) + bodies(await take(other, 3))
    assert sorted(got) == list("abcdef")


async def test_queues_are_apart(declared: Transport) -> None:
    await declared.publish(some(SALES, "a") + some(LANE, "b"))
    assert bodies(await (await declared.subscribe(LANE, 5)).receive(5)) == ["b"]
    assert bodies(await (await declared.subscribe(SALES, 5)).receive(5)) == ["a"]


# --- topology -------------------------------------------------------------------------------------------------------


async def test_an_event_is_copied_to_every_bound_route(declared: Transport) -> None:
    await declared.declare(Topology((), (("sale.completed", "stock"),)))
    confirms = await declared.publish(some(BUS, "a"))
    assert confirms == [Confirm(True)]
    for route in (SALES, STOCK):
        assert bodies(await (await declared.subscribe(route, 5)).receive(5)) == ["a"]


async def test_what_no_queue_takes_is_unroutable_and_its_neighbours_are_not(declared: Transport) -> None:
    batch = some(Address("event", "nobody.asked"), "x") + some(SALES, "a") + some(Address("lane", "none"), "y")
    confirms = await declared.publish(batch)
    assert confirms == [Confirm(False, "unroutable"), Confirm(True), Confirm(False, "unroutable")]
    assert bodies(await (await declared.subscribe(SALES, 5)).receive(5)) == ["a"]


async def test_unbinding_ends_the_copies_and_leaves_what_is_there(declared: Transport) -> None:
    await declared.publish(some(BUS, "before"))
    await declared.unbind("sale.completed", "sales")
    await declared.unbind("sale.completed", "sales")
    assert await declared.publish(some(BUS, "after")) == [Confirm(False, "unroutable")]
    subscription = await declared.subscribe(SALES, 5)
    assert bodies(await subscription.receive(5)) == ["before"]
    assert await nothing_comes(subscription)


async def test_a_binding_makes_the_queue_of_its_route(transport: Transport) -> None:
    await transport.declare(Topology((), (("sale.completed", "new"),)))
    await transport.publish(some(BUS, "a"))
    assert bodies(await (await transport.subscribe(Address("route", "new"), 5)).receive(5)) == ["a"]


async def test_declaring_again_changes_nothing(declared: Transport) -> None:
    await declared.publish(some(SALES, "a"))
    await declared.declare(Topology((SALES,)))
    assert await declared.publish(some(BUS, "b")) == [Confirm(True)]
    subscription = await declared.subscribe(SALES, 5)
    assert bodies(await take(subscription, 2)) == ["a", "b"]


async def test_an_event_type_is_not_a_queue(transport: Transport) -> None:
    with pytest.raises(ValueError, match=r"sale\.completed"):
        await transport.declare(Topology((BUS,)))


async def test_subscribing_to_what_is_not_declared_is_refused(declared: Transport) -> None:
    with pytest.raises(SettingsError, match="not declared"):
        await declared.subscribe(Address("lane", "none"), 5)


async def test_only_an_empty_queue_is_removed(declared: Transport) -> None:
    # given something ready, then something unacked, then something delayed
    await declared.publish(some(SALES, "a"))
    assert not await declared.remove(SALES)
    subscription = await declared.subscribe(SALES, 5)
    held = await subscription.receive(1)
    assert not await declared.remove(SALES)
    await declared.publish(some(SALES, "b", delay=3600.0))
    await subscription.ack(held)
    assert not await declared.remove(SALES)
    assert SALES in await declared.depths()


async def test_removing_a_queue_ends_its_bindings_and_subscriptions(declared: Transport) -> None:
    subscription = await declared.subscribe(SALES, 5)
    waiting = asyncio.ensure_future(subscription.receive(1))
    await asyncio.sleep(0)
    assert await declared.remove(SALES)
    assert await declared.remove(SALES)  # there is none: nothing to do
    assert await waiting == []
    assert SALES not in await declared.depths()
    assert await declared.publish(some(BUS, "a") + some(SALES, "b")) == [Confirm(False, "unroutable")] * 2


async def test_a_removed_queue_can_be_declared_again(declared: Transport) -> None:
    await declared.publish(some(LANE, "old"))
    first = await declared.subscribe(LANE, 5)
    await first.ack(await first.receive(1))
    assert await declared.remove(LANE)
    await declared.declare(Topology((LANE,)))
    await declared.publish(some(LANE, "new"))
    assert bodies(await (await declared.subscribe(LANE, 5)).receive(5)) == ["new"]


# --- delays and counts ----------------------------------------------------------------------------------------------


async def test_a_delayed_one_becomes_ready_later(declared: Transport) -> None:
    subscription = await declared.subscribe(SALES, 5)
    await declared.publish(some(SALES, "later", delay=SHORT) + some(SALES, "now"))
    assert bodies(await subscription.receive(5)) == ["now"]
    assert await nothing_comes(subscription)
    assert bodies(await subscription.receive(5)) == ["later"]


async def test_shorter_delays_end_first_whatever_was_published_first(declared: Transport) -> None:
    batch = some(SALES, "long", delay=3 * SHORT) + some(SALES, "short", delay=SHORT)
    subscription = await declared.subscribe(SALES, 5)
    await declared.publish(batch)
    received = bodies(await subscription.receive(5))
    while len(received) < 2:
        received += bodies(await subscription.receive(5))
    assert received == ["short", "long"]


async def test_a_receive_that_waits_already_sees_a_delay_end(declared: Transport) -> None:
    subscription = await declared.subscribe(SALES, 5)
    waiting = asyncio.ensure_future(subscription.receive(5))
    await asyncio.sleep(0)
    await declared.publish(some(SALES, "later", delay=SHORT))
    assert bodies(await waiting) == ["later"]


async def test_a_delayed_one_can_be_released_and_acked_like_any_other(declared: Transport) -> None:
    subscription = await declared.subscribe(SALES, 5)
    await declared.publish(some(SALES, "later", delay=SHORT))
    await subscription.release(await subscription.receive(5))
    again = await subscription.receive(5)
    assert bodies(again) == ["later"]
    await subscription.ack(again)
    assert await nothing_comes(subscription)
    assert (await declared.depths())[SALES] == Depth()


async def test_many_delays_of_one_moment_all_end(declared: Transport) -> None:
    names = [f"{n:03}" for n in range(450)]
    await declared.publish(some(SALES, *names, delay=SHORT))
    subscription = await declared.subscribe(SALES, 500)
    received: list[str] = []
    while len(received) < 450:
        received += bodies(await subscription.receive(100))
    assert received == names


async def test_depths_count_ready_delayed_and_unacked(declared: Transport) -> None:
    await declared.publish(some(SALES, *"abcd") + some(SALES, "late", delay=3600.0))
    subscription = await declared.subscribe(SALES, 5)
    await subscription.receive(1)
    depths = await declared.depths()
    sales = depths[SALES]
    assert (sales.ready, sales.delayed, sales.unacked) == (3, 1, 1)
    assert depths[STOCK] == Depth()
    assert set(depths) == {SALES, STOCK, LANE}


async def test_what_is_in_hand_is_known_without_asking_anybody(declared: Transport) -> None:
    assert declared.in_hand() == {}
    await declared.publish(some(SALES, *"ab"))
    subscription = await declared.subscribe(SALES, 2)
    receipts = await subscription.receive(2)
    while len(receipts) < 2:
        receipts += await subscription.receive(2)
    assert declared.in_hand() == {SALES: 2}
    await subscription.ack(receipts[:1])
    assert declared.in_hand() == {SALES: 1}
    await subscription.close()
    assert declared.in_hand() == {}


async def test_oldest_grows_until_the_queue_is_empty(declared: Transport) -> None:
    await declared.publish(some(SALES, "a"))
    await asyncio.sleep(SHORT)
    subscription = await declared.subscribe(SALES, 5)
    held = await subscription.receive(1)
    assert SHORT * 0.9 <= (await declared.depths())[SALES].oldest < 60
    await subscription.ack(held)
    assert (await declared.depths())[SALES].oldest == 0


# --- many, and again after a restart --------------------------------------------------------------------------------


async def test_many_publishers_and_consumers_lose_and_double_nothing(declared: Transport) -> None:
    # given
    expected = {f"{p}-{n}" for p in range(8) for n in range(50)}
    subscriptions = [await declared.subscribe(SALES, 20) for _ in range(4)]
    got: list[str] = []
    all_there = asyncio.Event()

    async def publish(p: int) -> None:
        for n in range(0, 50, 5):
            await declared.publish(some(SALES, *(f"{p}-{n + i}" for i in range(5))))

    async def consume(number: int) -> None:
        subscription = subscriptions[number]
        while receipts := await subscription.receive(7):
            if number == 3 and not receipts[0].redelivered:  # one of them always hesitates
                await subscription.release(receipts)
                continue
            await subscription.ack(receipts)
            got.extend(bodies(receipts))
            if len(got) >= len(expected):
                all_there.set()

    # when
    consumers = [asyncio.ensure_future(consume(number)) for number in range(4)]
    await asyncio.gather(*(publish(p) for p in range(8)))
    await all_there.wait()
    for subscription in subscriptions:
        await subscription.close()
    await asyncio.gather(*consumers)
    # then
    assert sorted(got) == sorted(expected)


async def test_everything_not_acked_is_there_after_a_restart(place: Any) -> None:
    # given three in a queue: one acked, one in hand, one never received; one delayed; bindings
    first = place.transport()
    await first.open()
    await first.declare(Topology((SALES,), (("sale.completed", "sales"),)))
    await first.publish(some(SALES, "acked", "in hand", "waiting") + some(SALES, "late", delay=SHORT))
    subscription = await first.subscribe(SALES, 2)
    acked, _ = await take(subscription, 2)
    await subscription.ack([acked])
    await first.close()
    # when
    second = place.transport()
    await second.open()
    # then
    async with asyncio.timeout(10):  # what a closed connection had in hand comes back after it, and nobody says when
        while True:
            depth = (await second.depths())[SALES]
            if (depth.ready + depth.delayed, depth.unacked) == (3, 0):
                break
            await asyncio.sleep(0.02)
    received = await take(await second.subscribe(SALES, 10), 2)
    assert bodies(received) == ["in hand", "waiting"]
    assert received[0].redelivered >= 1
    assert await second.publish(some(BUS, "new")) == [Confirm(True)]
    await second.close()


async def test_closing_the_transport_ends_its_subscriptions(place: Any) -> None:
    opened = place.transport()
    await opened.open()
    await opened.declare(Topology((SALES,)))
    subscription = await opened.subscribe(SALES, 5)
    waiting = asyncio.ensure_future(subscription.receive(1))
    await asyncio.sleep(0)
    await opened.close()
    await opened.close()
    assert await waiting == []
