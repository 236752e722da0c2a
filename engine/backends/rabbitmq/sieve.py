"""A stream reader that takes deliveries, returns and confirms out of what a broker sends; aiormq reads the rest.

aiormq does what is rare and hard: handshake, TLS, authentication, tuning, heartbeats, opening and closing channels,
consuming. What is frequent is taken here, where the bytes arrive, without a task, a queue or an object per frame.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Protocol

from engine.backends.rabbitmq.frames import BODY, HEADER, HEARTBEAT, METHOD

_HEAD = struct.Struct(">BHI").unpack_from
_LONG = struct.Struct(">Q").unpack_from
_DELIVER, _RETURN = b"\x00\x3c\x00\x3c", b"\x00\x3c\x00\x32"
_ACK, _NACK = b"\x00\x3c\x00\x50", b"\x00\x3c\x00\x78"
_CLOSE = b"\x00\x14\x00\x28"
_BEAT = 1.0  # seconds between signs of life that are passed on in place of what was taken out


class Frequent(Protocol):
    """What a channel does with what is taken out for it."""

    def delivered(self, consumer: bytes, tag: int, again: bool, properties: bytes, body: bytes) -> None: ...

    def returned(self, properties: bytes) -> None: ...

    def confirmed(self, number: int, multiple: bool, ok: bool) -> None: ...

    def closing(self, why: str) -> None: ...


class Assembly:
    """One channel's frames, put together."""

    __slots__ = ("_again", "_consumer", "_for", "_missing", "_pieces", "_properties", "_return", "_tag")

    def __init__(self, who: Frequent) -> None:
        self._for = who
        self._return = self._again = False
        self._consumer = self._properties = b""
        self._tag = self._missing = 0
        self._pieces: list[bytes] = []

    def take(self, kind: int, data: bytes, at: int, size: int) -> bool:
        """One frame whose content is at `at`; False when it is none of ours."""
        if kind == BODY:
            self._body(data[at : at + size])
            return True
        if kind == HEADER:
            self._missing = _LONG(data, at + 4)[0]
            self._properties = data[at + 12 : at + size]
            if not self._missing:
                self._body(b"")
            return True
        return kind == METHOD and self._method(data[at : at + 4], data, at + 4)

    def _method(self, method: bytes, data: bytes, at: int) -> bool:
        if method == _DELIVER:
            end = at + 1 + data[at]
            self._consumer = data[at + 1 : end]
            self._tag, self._again, self._return = _LONG(data, end)[0], bool(data[end + 8]), False
        elif method in (_ACK, _NACK):
            self._for.confirmed(_LONG(data, at)[0], bool(data[at + 8] & 1), method == _ACK)
        elif method == _RETURN:
            self._return = True
        else:
            if method == _CLOSE:
                self._for.closing(data[at + 3 : at + 3 + data[at + 2]].decode("utf-8", "replace"))
            return False
        return True

    def _body(self, piece: bytes) -> None:
        self._missing -= len(piece)
        if self._missing > 0 or self._pieces:
            self._pieces.append(piece)
            if self._missing > 0:
                return
            piece = b"".join(self._pieces)
            self._pieces.clear()
        if self._return:
            self._for.returned(self._properties)
        else:
            self._for.delivered(self._consumer, self._tag, self._again, self._properties, piece)


class Sieve(asyncio.StreamReader):
    """Reads one connection. `channels`: those whose frequent frames are taken out, by number."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.channels: dict[int, Assembly] = {}
        self._clock = loop.time
        self._left = b""
        self._beat = 0.0
        self._raw = False

    def forget(self, number: int, assembly: Assembly) -> None:
        """A channel is gone. Its number may be that of a new one by now, whose frames are still to be taken out."""
        if self.channels.get(number) is assembly:
            del self.channels[number]

    def feed_data(self, data: Any) -> None:
        """Bytes from the socket."""
        if self._raw or (not self._left and data[:4] == b"AMQP"):  # the broker speaks another protocol
            super().feed_data(data)
            return
        passed = self._sift(self._left + data if self._left else data)
        if not passed and self._clock() - self._beat > _BEAT:
            passed = HEARTBEAT
        if passed:
            self._beat = self._clock()
            super().feed_data(passed)

    def _sift(self, data: bytes) -> bytes:
        at, end, passed = 0, len(data), []
        channels = self.channels
        while end - at >= 8:
            kind, number, size = _HEAD(data, at)
            stop = at + 8 + size
            if stop > end:
                break
            if data[stop - 1] != 0xCE:  # no frame: aiormq closes the connection over it
                self._raw = True
                passed.append(data[at:])
                at = end
                break
            channel = channels.get(number)
            if channel is None or not channel.take(kind, data, at + 7, size):
                passed.append(data[at:stop])
            at = stop
        self._left = data[at:]
        return b"".join(passed)
