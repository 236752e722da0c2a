"""Names, arguments and frames of the RabbitMQ transport. Needs no broker."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, encode, frame, header

from engine.backends.rabbitmq import frames, properties
from engine.backends.rabbitmq.admin import export, permissions
from engine.backends.rabbitmq.control import explain
from engine.backends.rabbitmq.dataplane import Parcel
from engine.backends.rabbitmq.layout import TIERS, Queue, layout, queue, tier
from engine.backends.rabbitmq.names import Names, milliseconds, tier_text
from engine.backends.rabbitmq.sieve import Assembly, Sieve
from engine.core.errors import SettingsError
from engine.ports.transport import Address, Topology
from engine.runtime.delivery import retry

NAMES = Names()
SALES, LANE = Address("route", "sales"), Address("lane", "erp.financial")
WHOLE = Topology((SALES, LANE, Address("quarantine", "")), (("sale.completed", "sales"), ("sale.completed", "stock")))


def by_name() -> dict[str, Queue]:
    return {one.name: one for one in layout(NAMES, WHOLE, (30.0,)).queues}


def test_every_address_has_its_queue_and_its_tiers() -> None:
    assert set(by_name()) == {
        "tf.q.route.sales",
        "tf.q.route.stock",
        "tf.q.lane.erp.financial.e1",
        "tf.q.quarantine",
        "tf.q.work",
        "tf.q.unrouted",
        "tf.q.directory",
        "tf.q.owner",
        "tf.q.retry.route.sales.30s",
        "tf.q.retry.route.stock.30s",
        "tf.q.retry.lane.erp.financial.30s",
        "tf.q.retry.quarantine.30s",
    }


def test_every_queue_is_a_quorum_queue_that_dead_letters_at_least_once() -> None:
    for one in by_name().values():
        if one.name in ("tf.q.directory", "tf.q.owner"):  # a stream, and one that holds nothing
            continue
        assert one.arguments["x-queue-type"] == "quorum"
        assert one.arguments["x-dead-letter-strategy"] == "at-least-once"
        assert one.arguments["x-overflow"] == "reject-publish"
        assert str(one.arguments["x-dead-letter-exchange"]).startswith("tf.")
        assert one.arguments["x-delivery-limit"] == (1000 if one.name != "tf.q.unrouted" else 2**31 - 1)


def test_nothing_dead_letters_to_itself() -> None:
    queues = by_name()
    for one in queues.values():
        dead = one.arguments.get("x-dead-letter-exchange")
        assert all(source != dead for source, _ in one.binds)


def test_a_tier_holds_for_its_time_and_hands_on_to_its_address() -> None:
    held = tier(NAMES, LANE, 30_000)
    assert held.arguments["x-message-ttl"] == 30_000
    assert held.arguments["x-dead-letter-exchange"] == "tf.lane"
    assert held.arguments["x-dead-letter-routing-key"] == "erp.financial"
    assert held.binds == (("tf.retry", "tf.q.retry.lane.erp.financial.30s"),)


def test_a_route_is_bound_to_its_own_key_and_twice_to_each_type() -> None:
    assert queue(NAMES, SALES, ["sale.completed"]).binds == (
        ("tf.route", "sales"),
        ("tf.bus", "sale.completed"),
        ("tf.events", "sale.completed"),
    )


def test_only_the_door_for_others_has_an_alternate() -> None:
    alternates = {one.name: dict(one.arguments) for one in layout(NAMES, WHOLE).exchanges if one.arguments}
    assert alternates == {"tf.events": {"alternate-exchange": "tf.unrouted"}}


def test_a_lane_and_a_route_of_one_name_do_not_meet() -> None:
    one, other = Address("lane", "route.x"), Address("route", "x")
    assert NAMES.tier(one, 1000) != NAMES.tier(other, 1000)
    assert NAMES.tier(Address("lane", "quarantine"), 1000) != NAMES.tier(Address("quarantine", ""), 1000)
    assert NAMES.queue(one) != NAMES.queue(other)


@pytest.mark.parametrize("address", [SALES, LANE, Address("quarantine", ""), Address("route", "lane.x")])
def test_the_address_behind_a_queue_and_behind_its_tiers_is_told(address: Address) -> None:
    place = f"{address.kind}/{address.name}"
    assert NAMES.place(NAMES.queue(address)) == place
    assert NAMES.place(NAMES.tier(address, 30_000)) == place
    assert [NAMES.place(queue) for queue in ("tf.q.work", "route.x", "")] == ["", "", ""]


def test_the_tiers_are_those_of_the_runtime() -> None:
    assert TIERS == retry.TIERS
    assert [tier_text(milliseconds(delay)) for delay in TIERS] == ["1s", "5s", "30s", "2m", "10m", "30m", "2h"]


@given(st.floats(min_value=0.0001, max_value=1e5))
def test_a_delay_is_never_shortened(delay: float) -> None:
    assert 0 <= milliseconds(delay) - delay * 1000 <= 1 or milliseconds(delay) == 1


def test_a_name_too_long_for_the_broker_is_told() -> None:
    with pytest.raises(SettingsError, match="shorter name"):
        NAMES.queue(Address("lane", "x" * 250))


def test_the_definitions_file_says_the_same() -> None:
    whole = layout(NAMES, WHOLE)
    written = export(whole, "cell")
    assert {one["name"] for one in written["queues"]} == {one.name for one in whole.queues}
    assert {one["name"] for one in written["exchanges"]} == {one.name for one in whole.exchanges}
    assert len(written["bindings"]) == sum(len(one.binds) for one in whole.queues)
    assert all(one["vhost"] == "cell" for part in written.values() for one in part)


def test_an_engine_that_only_verifies_may_configure_nothing() -> None:
    assert permissions(NAMES)["engine"].configure == "^$"
    assert permissions(NAMES)["source"].write == r"^tf\.events$"


def test_other_arguments_are_explained() -> None:
    text = (
        "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'tf.q.route.sales' in vhost '/': "
        "received '1000' but current is '5'"
    )
    assert explain(text, "x") == (
        "queue `tf.q.route.sales` exists with x-delivery-limit = 5; this version needs 1000. A queue keeps what it was "
        "made with: let it run empty, delete it, and run `tillflow topology apply`"
    )
    none = text.replace(
        "received '1000' but current is '5'", "received the value '5' of type 'byte' but current is none"
    )
    assert "x-delivery-limit = none; this version needs 5" in explain(none, "x")


# --- frames ---------------------------------------------------------------------------------------------------------

TEXT = st.text(max_size=40)
HEADERS = st.dictionaries(
    st.text(min_size=1, max_size=20).filter(lambda name: not name.startswith("x-")),
    TEXT | st.integers(min_value=-(2**63), max_value=2**63 - 1),
    max_size=12,
)


def head_of(parcel: Parcel, number: int = 1) -> bytes:
    """The properties as the broker would hand them over."""
    data = frames.publish(1, number, parcel, b"stem.", 131_072)
    assert data is not None
    decoded = []
    while data:
        used, _, one = frame.unmarshal(data)
        decoded.append((one, data[:used]))
        data = data[used:]
    assert isinstance(decoded[0][0], commands.Basic.Publish) and decoded[0][0].mandatory
    assert isinstance(decoded[1][0], header.ContentHeader)
    assert decoded[1][0].properties.delivery_mode == 2
    return decoded[1][1][7 + 12 : -1]


@given(HEADERS, st.binary(max_size=50))
def test_headers_come_back_as_they_were(headers: dict[str, str | int], body: bytes) -> None:
    raw = head_of(Parcel("x", "k", headers, body, 1_773_480_000), 17)
    assert properties.read(raw) == (headers, 0, 1_773_480_000, -1, "")
    assert properties.message_id(raw) == b"stem.17"


def test_what_belongs_to_the_broker_is_neither_written_nor_read() -> None:
    raw = head_of(Parcel("x", "k", {"x-death": "old", "x-delivery-count": 7, "tf-id": "1"}, b"", 1))
    assert properties.read(raw) == ({"tf-id": "1"}, 0, 1, -1, "")


def test_a_number_too_large_for_the_wire_travels_as_text() -> None:
    assert properties.read(head_of(Parcel("x", "k", {"n": 2**70}, b"", 1)))[0] == {"n": str(2**70)}


FOREIGN: dict[str, Any] = {
    "text": "Käse",
    "yes": True,
    "small": 5,
    "ratio": 1.5,
    "nothing": None,
    "table": {"a": {"b": 1}},
    "list": [1, "a", {"c": None}],
    "bytes": bytearray(b"\xff"),
    "x-delivery-count": 3,
    "last": "seen",
}


def test_headers_of_strangers_are_read_as_far_as_they_are_text_or_numbers() -> None:
    basic = commands.Basic.Properties(
        content_type="application/json",
        headers=FOREIGN,
        delivery_mode=2,
        correlation_id="c",
        reply_to="r",
        message_id="m",
    )
    headers, tries, at, offset, _ = properties.read(basic.marshal())
    assert headers == {"text": "Käse", "yes": "True", "small": 5, "ratio": "1.5", "last": "seen"}
    assert (tries, at, offset) == (3, 0, -1)


def test_a_header_that_is_no_text_after_all_is_read_with_marks_in_it() -> None:
    raw = head_of(Parcel("x", "k", {"name": "Käse"}, b"", 1)).replace("ä".encode(), b"\xff\xfe")
    assert properties.read(raw)[0] == {"name": "K\ufffd\ufffdse"}


@given(st.binary(max_size=200))
def test_no_bytes_of_a_stranger_stop_the_connection(raw: bytes) -> None:
    headers, tries, at, offset, _ = properties.read(raw)
    assert all(isinstance(value, str | int) for value in headers.values())
    assert tries >= 0 or isinstance(tries, int)
    assert at >= 0 and offset >= -1


def test_no_properties_at_all_are_none() -> None:
    assert properties.read(commands.Basic.Properties().marshal()) == ({}, 0, 0, -1, "")


class TakenOut:
    """Remembers what was taken out."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def delivered(self, consumer: bytes, tag: int, again: bool, raw: bytes, body: bytes) -> None:
        self.seen.append((consumer, tag, again, properties.read(raw)[0], body))

    def returned(self, raw: bytes) -> None:
        self.seen.append(("returned", properties.message_id(raw)))

    def confirmed(self, number: int, multiple: bool, ok: bool) -> None:
        self.seen.append((number, multiple, ok))

    def closing(self, why: str) -> None:
        self.seen.append(("closing", why))


def delivery(channel: int, tag: int, body: bytes, pieces: int) -> bytes:
    made = frame.marshal(commands.Basic.Deliver("c1", tag, tag % 2 == 0, "x", "k"), channel)
    basic = commands.Basic.Properties(headers={"n": tag})
    made += frame.marshal(header.ContentHeader(body_size=len(body), properties=basic), channel)
    size = max(1, -(-len(body) // pieces)) if body else 1
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        made += struct.pack(">BHI", 3, channel, len(piece)) + piece + b"\xce"
    return made


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6), st.integers(1, 4), st.data())
def test_whatever_pieces_arrive_in_the_sieve_takes_out_the_same(
    bodies: list[bytes], pieces: int, data: st.DataObject
) -> None:
    # given deliveries of two channels, confirms, and frames that are aiormq's
    rare = frame.marshal(commands.Basic.QosOk(), 1) + frame.marshal(commands.Channel.OpenOk(), 9)
    whole = rare + frame.marshal(commands.Basic.Ack(5, True), 2)
    for tag, body in enumerate(bodies):
        whole += delivery(1 + tag % 2, tag, body, pieces) + rare
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    # when they arrive in any pieces
    seen = TakenOut()
    passed = sifted(seen, [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)])
    # then
    wanted = [(b"c1", tag, tag % 2 == 0, {"n": tag}, body) for tag, body in enumerate(bodies)]
    assert seen.seen == [(5, True, True), *wanted]
    assert passed == rare * (1 + len(bodies))


def sifted(seen: TakenOut, pieces: list[bytes]) -> bytes:
    """What is left for aiormq."""

    async def run() -> bytes:
        sieve = Sieve(asyncio.get_running_loop())
        sieve.channels = {1: Assembly(seen), 2: Assembly(seen)}
        for piece in pieces:
            if piece:
                sieve.feed_data(piece)
        sieve.feed_eof()
        return (await sieve.read()).replace(frames.HEARTBEAT, b"")

    return asyncio.run(run())


def test_that_a_channel_closes_is_known_at_once_and_passed_on() -> None:
    seen = TakenOut()
    close = frame.marshal(commands.Channel.Close(404, "NOT_FOUND - no exchange 'x'", 60, 40), 1)
    assert sifted(seen, [close]) == close
    assert seen.seen == [("closing", "NOT_FOUND - no exchange 'x'")]


def test_a_broker_that_speaks_something_else_is_left_to_aiormq() -> None:
    assert sifted(TakenOut(), [b"AMQP\x00\x00\x09\x01"]) == b"AMQP\x00\x00\x09\x01"


def test_bytes_that_are_no_frame_are_left_to_aiormq() -> None:
    broken = struct.pack(">BHI", 1, 1, 4) + encode.long_uint(1) + b"\x00" + b"rest"
    assert sifted(TakenOut(), [broken, b"more"]) == broken + b"more"
