"""Frames as bytes, for what passes thousands of times a second. Everything else is left to aiormq.

Everything published is persistent (delivery mode 2) and mandatory. Its message id is a stem and the number of the
publish on its channel: unique among all that are under way, so that a return is matched with exactly the one it is
for. Business ids travel in headers: one table of text (`S`) and 64-bit numbers (`l`). `x-*` belongs to the broker and
is never written: with an old `x-death` in it a republished one can be dropped without a word.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache

from engine.backends.rabbitmq.dataplane import Parcel

METHOD, HEADER, BODY = 1, 2, 3
HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
MOST_BODY = 16 << 20  # bytes; what RabbitMQ 4 takes unless told otherwise
OVERHEAD = 8  # bytes of a frame around its content

_FRAME = struct.Struct(">BHI").pack
_HEADER = struct.Struct(">HHQH").pack
_LONG = struct.Struct(">I").pack
_NUMBER = struct.Struct(">q").pack
_STAMP = struct.Struct(">Q").pack
_TAG = struct.Struct(">BHIHHQ").pack
_FLAGS = 0x2000 | 0x1000 | 0x0080 | 0x0040  # headers, delivery mode, message id, timestamp
_END = b"\xce"
_LARGEST = 2**63


def publish(channel: int, number: int, parcel: Parcel, stem: bytes, frame_max: int) -> bytes | None:
    """The frames of one publish; None when it is so large that the broker would close the connection over it."""
    exchange, key, headers, body, at = parcel
    text = b"%b%d" % (stem, number)
    head = b"".join((_HEADER(60, 0, len(body), _FLAGS), table(headers), b"\x02", bytes((len(text),)), text, _STAMP(at)))
    room = frame_max - OVERHEAD
    if len(head) > room or len(body) > MOST_BODY:
        return None
    parts = [_method(channel, exchange, key), _FRAME(HEADER, channel, len(head)), head, _END]
    for start in range(0, len(body), room):
        piece = body[start : start + room] if len(body) > room else body
        parts += (_FRAME(BODY, channel, len(piece)), piece, _END)
    return b"".join(parts)


def acks(channel: int, upto: int, single: Sequence[int]) -> bytes:
    """Acks: everything up to and with `upto` (0 = nothing), and these."""
    parts = [_TAG(METHOD, channel, 13, 60, 80, upto) + b"\x01\xce"] if upto else []
    parts += [_TAG(METHOD, channel, 13, 60, 80, tag) + b"\x00\xce" for tag in single]
    return b"".join(parts)


def nacks(channel: int, tags: Sequence[int]) -> bytes:
    """These go back to the queue."""
    return b"".join(_TAG(METHOD, channel, 13, 60, 120, tag) + b"\x02\xce" for tag in tags)


def table(headers: Mapping[str, str | int]) -> bytes:
    """A field table, with its length in front."""
    parts: list[bytes] = []
    for name, value in headers.items():
        if name[:2] == "x-":
            continue
        parts.append(_name(name))
        if isinstance(value, int) and -_LARGEST <= value < _LARGEST:
            parts += (b"l", _NUMBER(value))
        else:
            text = str(value).encode("utf-8", "surrogatepass")
            parts += (b"S", _LONG(len(text)), text)
    fields = b"".join(parts)
    return _LONG(len(fields)) + fields


@lru_cache(maxsize=4096)
def _name(name: str) -> bytes:
    text = name.encode("utf-8", "replace")[:255]
    return bytes((len(text),)) + text


@lru_cache(maxsize=4096)
def _method(channel: int, exchange: str, key: str) -> bytes:
    arguments = b"".join((b"\x00\x3c\x00\x28\x00\x00", _short(exchange), _short(key), b"\x01"))
    return _FRAME(METHOD, channel, len(arguments)) + arguments + _END


def _short(text: str) -> bytes:
    raw = text.encode()
    return bytes((len(raw),)) + raw
