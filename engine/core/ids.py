"""Deterministic identities. Nothing here depends on a version, position, attempt or time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from engine.core.errors import KeyIncomplete
from engine.core.numbers import plain


def part(value: Any) -> bytes:
    """One key part, typed and length-prefixed, so ("a","bc") and ("ab","c") differ and "1" differs from 1."""
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        return b"s%d:%b" % (len(text), text)
    if value is None:
        raise KeyIncomplete("a part of the key is null")
    if isinstance(value, bool):
        kind, text = b"b", b"1" if value else b"0"
    elif isinstance(value, (int, Decimal)):
        kind, text = b"n", plain(value).encode()
    elif isinstance(value, bytes):
        kind, text = b"x", value
    else:
        raise KeyIncomplete(f"a part of the key is {type(value).__name__}; a key part is text, a number or yes/no")
    return b"%b%d:%b" % (kind, len(text), text)


def key_text(parts: Iterable[Any]) -> str:
    """A key as readable text, parts joined by `|`: equal keys give equal text, different keys different text.

    Numbers are written plainly, so 1.0 and 1 are one key; the text `1` and the number 1 are one key too.
    Raises KeyIncomplete on a null, list or object part.
    """
    return "|".join(map(_readable, parts))


def _readable(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("|", "\\|")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return plain(value)
    if value is None:
        raise KeyIncomplete("a part of the key is null")
    raise KeyIncomplete(f"a part of the key is {type(value).__name__}; a key part is text, a number or yes/no")


def digest(*parts: Any) -> str:
    """H(...): 32 hex digits of SHA-256 over typed, length-prefixed parts.

    Raises KeyIncomplete on a null, list or object part.
    """
    return hashlib.sha256(b"".join(map(part, parts))).hexdigest()[:32]


def event_id(type_name: str, key: Iterable[Any]) -> str:
    """Identity of a canonical event: type without version, and its natural key."""
    return digest("event", type_name, *key)


def native_id(file_digest: str, record: int) -> str:
    """Identity of a native record that has no type yet: the file's content and its position in it."""
    return digest("native", file_digest, record)


def delivery_id(event: str, effect: str, output_key: str = "") -> str:
    """Identity of one effect of one event. `output_key` is the split key, empty without a split."""
    return digest("delivery", event, effect, output_key)


def tick_id(schedule: str, tick: str) -> str:
    """Identity of one schedule tick, the same whichever process fires it."""
    return digest("tick", schedule, tick)


def continuation_id(route: str, step: str, key: str, generation: int = 0) -> str:
    """Identity of what a cut publishes to go on after it."""
    return digest("continuation", route, step, key, generation)
