"""Events and deliveries as the transport carries them: text headers and a JSON body.

Headers hold everything but the data, so a transport, a person looking at a queue and a replay see the same facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.core.event import Event
from engine.core.jsonx import decode, encode
from engine.ports.transport import Address, Headers, Outgoing

# Text attributes of an Event that travel as `tf-<name>` where they are not empty.
_TEXT = ("id", "type", "source", "day", "subject", "region", "origin", "guard", "order_key", "amount", "currency")
_HEADERS = tuple(f"tf-{name}" for name in (*_TEXT, "trace"))
_texts = attrgetter(*(name[3:] for name in _HEADERS))
BLOB = "tf-blob"  # digest of a body that is kept as a blob, see `largebodies`
DEAD = "tf-dead"  # marks what the transport gave up on, see `dead`; no copy and no replay carries it on
SCOPE = "tf-scope"  # layers of the event's scope as JSON text
WAITS = "waits"  # `Routed.kept` of a group that goes on by itself: nothing of it is replayed


def event_headers(event: Event) -> dict[str, str | int]:
    """`tf-*` headers of an event; the carrier's own facts follow as `h-*`."""
    headers: dict[str, str | int] = {"tf-kind": "event", "tf-time": event.time}
    for name, value in zip(_HEADERS, _texts(event), strict=True):
        if value:
            headers[name] = value
    if event.order_no:
        headers["tf-order_no"] = event.order_no
    for name, text in event.headers.items():
        headers[f"h-{name}"] = text
    return headers


def event_from(headers: Headers, data: Any) -> Event:
    """The event these headers describe, around `data`."""
    get = headers.get
    return Event(
        id=str(get("tf-id", "")),
        type=str(get("tf-type", "")),
        source=str(get("tf-source", "")),
        data=data,
        time=int(get("tf-time", 0)),
        day=str(get("tf-day", "")),
        subject=str(get("tf-subject", "")),
        region=str(get("tf-region", "")),
        origin=str(get("tf-origin", "")),
        guard=str(get("tf-guard", "")),
        order_key=str(get("tf-order_key", "")),
        order_no=int(get("tf-order_no", 0)),
        amount=str(get("tf-amount", "")),
        currency=str(get("tf-currency", "")),
        trace=str(get("tf-trace", "")),
        headers={name[2:]: str(value) for name, value in headers.items() if name[:2] == "h-"},
    )


class Routed(Struct, frozen=True):
    """An event in front of a router.

    attempt   tries of this event in this route that failed for a while
    replay    number of the replay this copy belongs to
    segment   id of the segment it enters; empty for the first
    plan      digest of the Plan a continuation was made on
    since     UTC microseconds of the first try; `give_up_after` counts from it
    state     version of the state a continuation was made from
    schema    schema of a continuation's data, `name@n`
    output_key   split keys a continuation runs under
    row       id of the inbox row, where it is not the event's own: a delay's event goes on under its own id
    blob      digest of the body, where that could not be fetched: there is no data then
    kept      not empty: the data is what a cut kept, `one` piece of it or a `list`; the router goes on from there
    dead      where the transport gave up on it; empty: it did not
    scope     of a continuation: the scope its event had, see `Regional`
    """

    event: Event
    attempt: int = 1
    replay: int = 0
    segment: str = ""
    plan: str = ""
    since: int = 0
    state: str = ""
    schema: str = ""
    output_key: str = ""
    row: str = ""
    blob: str = ""
    kept: str = ""
    dead: str = ""
    scope: str = ""

    def outgoing(self, route: str, delay: float = 0.0) -> Outgoing:
        """To the queue of one route."""
        return Outgoing(Address("route", route), self.headers(), encode(self.event.data), delay)

    def published(self, content: bytes = b"") -> Outgoing:
        """To the bus, for every route bound to the type. `content`: the data, where it is encoded already."""
        name = self.event.type.partition("@")[0]
        return Outgoing(Address("event", name), self.headers(), content or encode(self.event.data))

    def headers(self) -> dict[str, str | int]:
        headers = event_headers(self.event)
        facts: dict[str, str | int] = {
            "tf-attempt": self.attempt,
            "tf-replay": self.replay,
            "tf-segment": self.segment,
            "tf-plan": self.plan,
            "tf-since": self.since,
            "tf-state": self.state,
            "tf-schema": self.schema,
            "tf-output-key": self.output_key,
            "tf-row": self.row,
            BLOB: self.blob,
            "tf-kept": self.kept,
            SCOPE: self.scope,
        }
        return headers | {name: value for name, value in facts.items() if value}

    @classmethod
    def read(cls, headers: Headers, body: bytes) -> Routed:
        blob = str(headers.get(BLOB, ""))
        return cls(
            event=event_from(headers, None if blob else decode(body)),
            attempt=int(headers.get("tf-attempt", 1)),
            replay=int(headers.get("tf-replay", 0)),
            segment=str(headers.get("tf-segment", "")),
            plan=str(headers.get("tf-plan", "")),
            since=int(headers.get("tf-since", 0)),
            state=str(headers.get("tf-state", "")),
            schema=str(headers.get("tf-schema", "")),
            output_key=str(headers.get("tf-output-key", "")),
            row=str(headers.get("tf-row", "")),
            blob=blob,
            kept=str(headers.get("tf-kept", "")),
            dead=str(headers.get(DEAD, "")),
            scope=str(headers.get(SCOPE, "")),
        )


class Delivery(Struct, frozen=True):
    """One output of a route on its way to one sink. `event` is the event it came from, without its data.

    edits    0, or N of an edited one: its idempotency key is `<id>:rN`
    skip     a marker that only lets the fence go on: this sink was not selected for the event
    dead     where the transport gave up on it; empty: it did not
    does     what its sink does with it (`PlannedSink.does`): so it is found again after the sink was renamed
    since    UTC microseconds of the first try; `give_up_after` counts from it
    version  what makes it newer than another of its key, where the sink says so
    due      not to be sent before this moment (UTC microseconds): a Retry-After longer than the longest tier
    body     the frozen request, or the data of the event to publish
    blob     digest of the body, where that could not be fetched: `body` is None then
    repeated attempt number of a copy that was published once more, as nobody knew whether the one before arrived
    scope    of its event, where the route runs differently here and there
    """

    id: str
    day: str
    route: str
    sink: str
    effect: str
    event: Event
    body: Any
    attempt: int = 1
    edits: int = 0
    skip: bool = False
    output_key: str = ""
    since: int = 0
    schema: str = ""
    due: int = 0
    version: int = 0
    blob: str = ""
    does: str = ""
    dead: str = ""
    scope: str = ""
    repeated: int = 0

    @property
    def key(self) -> str:
        """The idempotency key sent to the outside system."""
        return f"{self.id}:r{self.edits}" if self.edits else self.id

    def again(self, attempt: int) -> Delivery:
        """The copy with this attempt number."""
        return replace(self, attempt=attempt)

    def headers(self) -> dict[str, str | int]:
        headers = event_headers(self.event)
        facts: dict[str, str | int] = {
            "tf-delivery": self.id,
            "tf-delivery-day": self.day,
            "tf-route": self.route,
            "tf-sink": self.sink,
            "tf-effect": self.effect,
            "tf-attempt": self.attempt,
            "tf-edits": self.edits,
            "tf-skip": int(self.skip),
            "tf-output-key": self.output_key,
            "tf-since": self.since,
            "tf-schema": self.schema,
            "tf-due": self.due,
            "tf-version": self.version,
            "tf-does": self.does,
            "tf-repeated": self.repeated,
            SCOPE: self.scope,
            BLOB: self.blob,
        }
        return headers | {"tf-kind": "delivery"} | {name: value for name, value in facts.items() if value}

    def outgoing(self, lane: str, delay: float = 0.0, content: bytes = b"") -> Outgoing:
        """To a lane. `content`: the body, where it is encoded already."""
        return Outgoing(Address("lane", lane), self.headers(), content or encode(self.body), delay)

    @classmethod
    def read(cls, headers: Headers, body: bytes) -> Delivery:
        blob = str(headers.get(BLOB, ""))
        return cls(
            id=str(headers["tf-delivery"]),
            day=str(headers["tf-delivery-day"]),
            route=str(headers["tf-route"]),
            sink=str(headers["tf-sink"]),
            effect=str(headers["tf-effect"]),
            event=event_from(headers, None),
            body=None if blob else decode(body),
            attempt=int(headers.get("tf-attempt", 1)),
            edits=int(headers.get("tf-edits", 0)),
            skip=bool(headers.get("tf-skip", 0)),
            output_key=str(headers.get("tf-output-key", "")),
            since=int(headers.get("tf-since", 0)),
            schema=str(headers.get("tf-schema", "")),
            due=int(headers.get("tf-due", 0)),
            version=int(headers.get("tf-version", 0)),
            blob=blob,
            does=str(headers.get("tf-does", "")),
            dead=str(headers.get(DEAD, "")),
            scope=str(headers.get(SCOPE, "")),
            repeated=int(headers.get("tf-repeated", 0)),
        )


def pack(headers: Mapping[str, str | int], body: bytes) -> bytes:
    """Headers and a body as one piece of bytes, for rows of the Store that have no place for headers."""
    return encode(dict(headers)) + b"\n" + body


def unpack(packed: bytes) -> tuple[dict[str, Any], bytes]:
    """(headers, body) of what was packed; JSON text holds no line break, so the first one ends the headers."""
    headers, _, body = packed.partition(b"\n")
    return decode(headers), body


def kept_headers(headers: Mapping[str, str | int]) -> str:
    """Headers as JSON text, for rows of the Store."""
    return encode(dict(headers)).decode()


def read_headers(text: str) -> dict[str, str | int]:
    """The other way."""
    value: dict[str, str | int] = decode(text)
    return value
