"""What the transport gave up on becomes a work item, once, and is not executed again."""

from __future__ import annotations

import pytest

from engine.ports.transport import DIED_IN, Address, Outgoing, Receipt, Topology
from engine.runtime.ingress.dead import WORK, back_to_its_place
from tests.runtime.lab import Bench, bench, running, sale, settle, virtual
from tests.runtime.routes import SALES

LANE, POSTING = Address("lane", "outside.financial"), Address("route", "posting")
PLAIN = {path: text.replace("criticality: financial", "criticality: operational") for path, text in SALES.items()}


async def caught(made: Bench, address: Address) -> Receipt:
    """What an engine without the rest of its parts sent to this address."""
    subscription = await made.transport.subscribe(address, 1)
    [receipt] = await subscription.receive(1)
    await subscription.ack([receipt])
    await subscription.close()
    assert isinstance(receipt, Receipt)
    return receipt


async def dies(made: Bench, receipt: Receipt, place: str) -> None:
    await made.transport.publish([Outgoing(WORK, {**receipt.headers, DIED_IN: place}, receipt.body)])
    await settle()


@pytest.mark.parametrize("files", [SALES, PLAIN], ids=["financial", "plain"])
@virtual
async def test_an_event_that_died_in_its_route_waits_for_a_person_and_can_be_replayed(files: dict[str, str]) -> None:
    async with bench() as made:
        # given an event that no router took
        await made.transport.declare(Topology((POSTING,), (("sale", "posting"),)))
        async with running(made, {"routes/ingest.yaml": files["routes/ingest.yaml"]}):
            made.lab.offer([sale("7")])
            await settle()
        event = await caught(made, POSTING)
        async with running(made, files) as engine:
            # when
            await dies(made, event, "route/posting")
            # then
            [item] = await made.items()
            assert (item.level, item.route, item.reason) == ("event", "posting", "dead-lettered")
            assert made.lab.sent == []
            # and a copy that dies again is the same item
            await dies(made, event, "route/posting")
            assert len(await made.items()) == 1
            # when a person lets it go on
            await engine.control.work_replay(item.id, "anna", "the broker was restarted all night")
            await settle()
            assert [request["reference"] for request in made.lab.requests()] == ["7"]


@virtual
async def test_a_delivery_that_died_is_asked_about_in_the_ledger_first() -> None:
    async with bench() as made, running(made, SALES) as engine:
        # given a delivery that was made
        made.lab.offer([sale("1")])
        seen: list[Outgoing] = []
        publish = made.transport.publish

        async def watching(batch: list[Outgoing]) -> object:
            seen.extend(batch)
            return await publish(batch)

        made.transport.publish = watching
        await settle()
        [delivery] = [one for one in seen if one.to == LANE]
        assert len(made.lab.sent) == 1
        # when a copy of it dies
        await dies(made, Receipt(0, delivery.headers, delivery.body), "lane/outside.financial")
        # then nothing is done twice and nobody is asked
        assert (len(made.lab.sent), await made.items()) == (1, [])
        # when one dies that was never made
        other = {**delivery.headers, "tf-delivery": "0" * 32, "tf-id": "f" * 32}
        await dies(made, Receipt(0, other, delivery.body), "lane/outside.financial")
        # then it waits for a person, and can be replayed
        [item] = await made.items()
        assert (item.level, item.reason, len(made.lab.sent)) == ("delivery", "dead-lettered", 1)
        await engine.control.work_replay(item.id, "anna", "looked at it")
        await settle()
        assert len(made.lab.sent) == 2


@pytest.mark.parametrize("place", ["", "route/nowhere", "lane/outside.financial"])
@virtual
async def test_anything_else_is_a_work_item_with_its_masked_bytes(place: str) -> None:
    async with bench() as made, running(made, SALES):
        body = b'{"card": "4111111111111111"}'
        await dies(made, Receipt(0, {"tf-kind": "event", "tf-id": "x"}, body), place)
        [item] = await made.items()
        assert item.reason == "dead-lettered"
        assert b"411111" not in item.body or b"4111111111111111" not in item.body


def test_what_cannot_be_read_goes_nowhere() -> None:
    assert back_to_its_place(Receipt(0, {"tf-kind": "delivery"}, b"{}")) is None
    assert back_to_its_place(Receipt(0, {"tf-kind": "event", DIED_IN: "route/x"}, b"no json")) is None
