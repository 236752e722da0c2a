"""What the broker hands over with a body: headers, when it was published, how often it was delivered before.

Anybody may have published it, with any header of any type, or with bytes no decoder knows. None of that may stop the
connection it arrives on: what cannot be read is left out, and the runtime says what it thinks of the rest.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

_LONG = struct.Struct(">I").unpack_from
_SHORT = struct.Struct(">H").unpack_from

_TYPES = {
    "l": ">q", "L": ">q", "I": ">i", "i": ">I", "s": ">h", "u": ">H", "b": ">b", "B": ">B", "t": ">?", "d": ">d",
    "f": ">f", "T": ">Q", "D": ">xxxxx", "V": ">",
}  # fmt: skip
_FIXED = {ord(kind): struct.Struct(code) for kind, code in _TYPES.items()}  # type of a value in a table
_TEXT, _BYTES, _TABLE, _ARRAY = b"SxFA"

Raw = dict[str, Any]


def read(properties: bytes) -> tuple[dict[str, str | int], int, int, int, str]:
    """(headers, delivery count, UTC seconds of publishing, stream offset, queue it died in first).

    0, 0, -1 and empty where nothing is said.
    """
    raw: Raw = {}
    at = 0
    try:
        flags = _SHORT(properties, 0)[0]
        place = 2
        for flag in (0x8000, 0x4000):  # content type, content encoding
            if flags & flag:
                place += 1 + properties[place]
        if flags & 0x2000:
            end = place + 4 + _LONG(properties, place)[0]
            _read_table(properties, place + 4, end, raw)
            place = end
        if flags & 0x0040:
            at = _stamp(properties, place, flags)
    except (struct.error, IndexError, ValueError):
        pass  # what was read until there is what is known
    died = raw.get("x-first-death-queue")
    where = _text(died) if type(died) is bytes else ""
    return _plain(raw), _count(raw, "x-delivery-count", 0), at, _count(raw, "x-stream-offset", -1), where


def message_id(properties: bytes) -> bytes:
    """The message id, as its publisher wrote it; empty when there is none. Raises nothing on what we published."""
    flags = _SHORT(properties, 0)[0]
    place = 2
    if flags & 0x2000:
        place += 4 + _LONG(properties, place)[0]
    place += bool(flags & 0x1000)
    return properties[place + 1 : place + 1 + properties[place]] if flags & 0x0080 else b""


def _stamp(properties: bytes, place: int, flags: int) -> int:
    place += bool(flags & 0x1000) + bool(flags & 0x0800)  # delivery mode, priority
    for flag in (0x0400, 0x0200, 0x0100, 0x0080):  # correlation id, reply to, expiration, message id
        if flags & flag:
            place += 1 + properties[place]
    return int(struct.unpack_from(">Q", properties, place)[0])


def _read_table(data: bytes, at: int, end: int, into: Raw) -> None:
    while at < end:
        size = data[at]
        name = _named(data[at + 1 : at + 1 + size])
        at += 1 + size
        kind = data[at]
        at += 1
        if kind == _TEXT:
            stop = at + 4 + _LONG(data, at)[0]
            into[name] = data[at + 4 : stop]
            at = stop
        elif kind in _FIXED:
            known = _FIXED[kind]
            into[name] = next(iter(known.unpack_from(data, at)), None)
            at += known.size
        elif kind in (_BYTES, _TABLE, _ARRAY):
            at += 4 + _LONG(data, at)[0]
        else:
            raise ValueError(f"a header of type {kind}")


@lru_cache(maxsize=4096)
def _named(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _plain(raw: Raw) -> dict[str, str | int]:
    """Text and numbers, without the broker's own."""
    headers: dict[str, str | int] = {}
    for name, value in raw.items():
        if name[:2] == "x-" or value is None:
            continue
        if type(value) is bytes:
            headers[name] = _text(value)
        else:
            headers[name] = value if type(value) is int else str(value)
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace")


def _count(raw: Raw, name: str, otherwise: int) -> int:
    value = raw.get(name)
    return value if type(value) is int else otherwise
