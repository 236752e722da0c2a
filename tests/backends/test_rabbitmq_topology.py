"""Comparing, making, exporting and verifying a topology on a real broker; what a user without rights gets to see."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from engine.backends.rabbitmq import Names, RabbitTransport
from engine.backends.rabbitmq.admin import allowed_too_much, apply, export, plan, verify
from engine.backends.rabbitmq.control import Control
from engine.backends.rabbitmq.layout import Exchange, Layout, Queue, layout
from engine.core.clock import SystemClock
from engine.core.errors import SettingsError
from engine.ports.transport import Address, Confirm, Outgoing, Topology
from tests.rabbitmq_broker import broker, fresh_names, transport, user_of

pytestmark = [pytest.mark.anyio, pytest.mark.services]

SALES, LANE = Address("route", "sales"), Address("lane", "erp")
SMALL = Topology((SALES, LANE), (("sale.completed", "sales"),))


@pytest.fixture
def names() -> Names:
    broker()
    return fresh_names()


@pytest.fixture
def wanted(names: Names) -> Layout:
    return layout(names, SMALL, (1.0, 30.0))


@asynccontextmanager
async def controlled(url: str = "") -> AsyncIterator[Control]:
    control = Control(url or broker().url)
    yield control
    await control.close()


async def test_what_is_planned_is_made_once(wanted: Layout) -> None:
    async with controlled() as control:
        # given nothing
        assert {step.state for step in await plan(control, wanted)} == {"missing"}
        assert len(await verify(control, wanted)) == len(wanted.exchanges) + len(wanted.queues)
        # when
        assert {step.state for step in await apply(control, wanted)} == {"made"}
        # then
        assert {step.state for step in await apply(control, wanted)} == {"there"}
        assert await verify(control, wanted) == []


async def test_comparing_makes_nothing(wanted: Layout) -> None:
    async with controlled() as control:
        await plan(control, wanted)
        assert {step.state for step in await plan(control, wanted)} == {"missing"}


async def test_what_differs_is_told_and_left(wanted: Layout) -> None:
    one, other = wanted.queues[0], wanted.exchanges[0]
    async with controlled() as control:
        await control.queue(replace(one, arguments={**one.arguments, "x-delivery-limit": 5}))
        await control.exchange(Exchange(other.name, "direct"))
        told = {step.name: step for step in await apply(control, wanted) if step.state == "different"}
        assert set(told) == {one.name, other.name}
        assert "exists with x-delivery-limit = 5" in told[one.name].text
        assert "exists with type = direct; this version needs fanout" in told[other.name].text


async def test_an_engine_explains_a_queue_with_other_arguments(names: Names) -> None:
    async with controlled() as control:
        await control.queue(Queue(names.queue(SALES), {"x-queue-type": "quorum"}))
    one = transport(names)
    await one.open()
    with pytest.raises(SettingsError, match=rf"`{names.queue(SALES)}` exists with .* let it run empty"):
        await one.declare(SMALL)
    await one.close()


async def test_the_broker_takes_the_exported_file(names: Names) -> None:
    whole = layout(names, SMALL)
    broker().steer("import_definitions", given=json.dumps(export(whole, broker().vhost)))
    async with controlled() as control:
        assert await verify(control, whole) == []


# --- verify ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def limited(names: Names) -> str:
    """The address of a user with an engine's permissions in `verify` mode."""
    return user_of("engine")


def verifying(names: Names, url: str) -> RabbitTransport:
    return RabbitTransport(url, SystemClock(), mode="verify", names=names, tiers=(1.0, 30.0))


async def test_without_a_topology_an_engine_that_verifies_says_what_to_do(names: Names, limited: str) -> None:
    with pytest.raises(SettingsError, match=r"is missing; run `tillflow topology apply`"):
        await verifying(names, limited).open()


async def test_an_engine_that_may_configure_nothing_works_on_what_is_there(
    names: Names, wanted: Layout, limited: str
) -> None:
    # given an operator's topology
    async with controlled() as control:
        await apply(control, wanted)
    # when an engine without rights to configure uses it
    one = verifying(names, limited)
    await one.open()
    await one.declare(SMALL)
    batch = [
        Outgoing(SALES, {}, b"route"),
        Outgoing(LANE, {}, b"later", 0.3),
        Outgoing(Address("event", "sale.completed"), {}, b"event"),
    ]
    assert await one.publish(batch) == [Confirm(True)] * 3
    # then it all arrives, the delay in the next longer tier
    sales, lane = await one.subscribe(SALES, 10), await one.subscribe(LANE, 10)
    assert [receipt.body for receipt in await sales.receive(5)] == [b"route", b"event"]
    assert [receipt.body for receipt in await lane.receive(5)] == [b"later"]
    assert one.problems() == {}
    # and what is missing is told, and never made
    with pytest.raises(SettingsError, match=r"lane\.new.*is missing"):
        await one.declare(Topology((Address("lane", "new"),)))
    assert not await one.remove(LANE)
    await one.close()


async def test_what_is_taken_away_is_refused_and_told(names: Names, wanted: Layout, limited: str) -> None:
    async with controlled() as control:
        await apply(control, wanted)
        one = verifying(names, limited)
        await one.open()
        await one.declare(SMALL)
        await control.delete(names.queue(LANE))
        # then nothing is lost by calling it unroutable, and nothing is made
        assert await one.publish([Outgoing(LANE, {}, b"x")]) == [Confirm(False, "refused")]
        assert "lane `erp`" in one.problems()["queues"]
        await one.close()


async def test_the_doctor_tells_what_must_be_forbidden(names: Names, wanted: Layout, limited: str) -> None:
    async with controlled() as admin, controlled(limited) as control:
        assert await allowed_too_much(control, names) == []
        assert await allowed_too_much(admin, names) == [
            "make a queue",
            "make an exchange",
            "delete a queue",
            "delete an exchange",
            "publish past the exchanges",
        ]


async def test_comparing_without_rights_says_that_it_cannot(names: Names, wanted: Layout, limited: str) -> None:
    async with controlled() as admin, controlled(limited) as control:
        await apply(admin, wanted)
        states = {step.state for step in await plan(control, wanted)}
        assert states == {"unknown"}
