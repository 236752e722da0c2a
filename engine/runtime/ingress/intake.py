"""From what a source has in hand to events: cap, decode, mask, identity. Nothing is published or stored here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from msgspec import Struct, field

from engine.compile.plan import Plan
from engine.core.clock import Clock, day_of
from engine.core.errors import Failure, Permanent
from engine.core.event import Event
from engine.core.ids import digest, key_text, native_id
from engine.core.jsonx import digest_of, written
from engine.core.masking import mask_bytes, mask_pan_text, mask_value
from engine.plugins.conform import conform
from engine.plugins.contracts import Arrival, BadRecord, Format, Record
from engine.plugins.values import key_parts
from engine.runtime.ingress.identity import identified, refused_keys, search_keys
from engine.runtime.people.journal import carried_keys
from engine.runtime.router.env import EventEnv

MOST_CONTENT = 64 << 20  # bytes of one document
MOST_EVENT = 8 << 20  # bytes of one record as JSON


class Origin(Struct, frozen=True):
    """Where records come from, the same whenever the same content comes again.

    content   SHA-256 of the raw content, 64 hex digits
    own_id    the source's own id of it, if it has one
    at        UTC microseconds of its arrival
    size      bytes of it
    headers   text facts of the carrier, masked
    """

    content: str
    own_id: str
    at: int
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def record(self, route: str, number: int) -> str:
        """Identity of one record: by the source's own id where there is one, else by content and position."""
        if self.own_id:
            return digest("native", route, self.own_id, number)
        return native_id(self.content, number)

    def document(self, route: str) -> str:
        """Identity of the whole."""
        return document_id(route, self.own_id or self.content)


def document_id(route: str, key: str) -> str:
    """Identity of a document of a route by the source's own id of it, or the digest of its content."""
    return digest("document", route, key)


class Taken(Struct, frozen=True):
    """A record that is an event now, with the keys it is found by and its position among the records."""

    event: Event
    keys: Mapping[str, str]
    number: int


class Refused(Struct, frozen=True):
    """A record that is none: it becomes a work item.

    id        identity of the record
    raw       masked: the bytes as they came, or the decoded record as JSON (`decoded`)
    number    position among the records; -1 for the whole document
    known     the record as far as it could be read, masked; None where nothing could
    """

    id: str
    failure: Failure
    raw: bytes
    decoded: bool
    number: int
    line: int = 0
    known: Any = None


def origin_of(arrival: Arrival, clock: Clock) -> Origin:
    """What identifies the records of an arrival."""
    content = arrival.content if arrival.value is None else _as_kept(arrival.value) or repr(arrival.value).encode()
    headers = {name: mask_pan_text(text) for name, text in arrival.headers.items()}
    if arrival.name:
        headers.setdefault("file", mask_pan_text(arrival.name))
    return Origin(hashlib.sha256(content).hexdigest(), arrival.id, clock.now(), len(content), headers)


def records(plan: Plan, arrival: Arrival, origin: Origin, format: Format | None) -> Iterator[Record | Refused]:
    """The records of an arrival one by one; a document that cannot be read (on) ends with a Refused."""
    if arrival.failure is not None:
        yield _document(plan, origin, arrival.content, arrival.failure)
    elif arrival.value is not None:
        yield Record(arrival.value, 0)
    elif len(arrival.content) > MOST_CONTENT:
        text = f"{len(arrival.content)} bytes; at most {MOST_CONTENT} are accepted"
        yield _document(plan, origin, arrival.content, Permanent("too-large", text))
    elif format is None:
        failure = Permanent("no-format", f"route {plan.route} names no format for what its source brings")
        yield _document(plan, origin, arrival.content, failure)
    else:
        yield from decoded(plan, arrival.content, arrival.name, origin, format)


def decoded(plan: Plan, content: bytes, name: str, origin: Origin, format: Format) -> Iterator[Record | Refused]:
    """The records of a document. A record that cannot be decoded is a Refused, its neighbours proceed."""
    try:
        for one in format.decode(content, name):
            if isinstance(one, BadRecord):
                yield _bad(plan, origin, one)
            else:
                yield one
    except Failure as failure:
        yield _document(plan, origin, content, failure)
    except (Exception, SystemExit) as error:
        text = f"{type(error).__name__} while decoding: a defect of the format `{plan.source.format}`"
        yield _document(plan, origin, content, Permanent("format-crashed", text))


def _bad(plan: Plan, origin: Origin, bad: BadRecord) -> Refused:
    own = origin.record(plan.route, bad.number)
    return Refused(own, bad.failure, mask_bytes(bad.raw), False, bad.number, bad.line, mask_value(bad.known))


def _document(plan: Plan, origin: Origin, content: bytes, failure: Failure) -> Refused:
    return Refused(origin.document(plan.route), failure, mask_bytes(content), False, -1)


def take(plan: Plan, record: Record, origin: Origin, clock: Clock) -> Taken | Refused:
    """One record as an event with its identity; a Refused when it is not valid or a part of its key is missing."""
    own = origin.record(plan.route, record.number)
    data = mask_value(record.data)
    try:
        size = len(written(data)) if origin.size > MOST_EVENT // 4 else 0
        if size > MOST_EVENT:
            raise Permanent("too-large", f"the record has {size} bytes; at most {MOST_EVENT} are accepted")
        return _taken(
            plan, _native(plan, data, own, origin, record.line, digest_of(data)), record.number, origin, clock
        )
    except Failure as failure:
        return Refused(own, failure, _as_kept(data), True, record.number, record.line, data)


def _as_kept(data: Any) -> bytes:
    """The data as JSON; nothing where a format or source of a plugin made what is none."""
    try:
        return written(data)
    except Failure:
        return b""


def keys_of(plan: Plan, refused: Refused, origin: Origin, clock: Clock) -> Mapping[str, str]:
    """What a refused record is found by, as far as it is known."""
    source = plan.source
    if refused.known is None:
        return {}
    event = _native(plan, refused.known, refused.id, origin, refused.line)
    return refused_keys([*source.found_by, *([source.accepts] if source.accepts else [])], event, clock)


def _native(plan: Plan, data: Any, id: str, origin: Origin, line: int, content: str = "") -> Event:
    """A record as it came, before its type says anything of it. `content`: digest of the data."""
    source, accepts = plan.source, plan.source.accepts
    headers = dict(origin.headers)
    if line:
        headers["line"] = str(line)
    return Event(
        id=id,
        type=f"native/{source.format or source.use}" if accepts is None else accepts.schema,
        source=f"{plan.route}/{source.connection or source.use}",
        data=data,
        time=origin.at,
        day=day_of(origin.at),
        origin=content,
        trace=id,
        headers=headers,
    )


def _taken(plan: Plan, event: Event, number: int, origin: Origin, clock: Clock) -> Taken:
    source, accepts = plan.source, plan.source.accepts
    keys: Mapping[str, str] = search_keys(source.found_by, event, clock) if source.found_by else {}
    if accepts is not None:
        born = identified(event.with_data(conform(accepts.validator, event.data)), accepts, clock)
        event, keys = born.event, born.keys
        if accepts.order_by is not None:
            parts = key_parts(accepts.order_by, event.data, EventEnv(event, clock))
            event = replace(event, order_key=key_text(parts))
    return Taken(event, {**keys, **carried_keys(origin.headers, origin.own_id)}, number)
