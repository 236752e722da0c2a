"""Digests of what things mean: comments, layout and the order of keys change nothing, a secret shows as its version."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import msgspec

from engine.config.substitution import Joined, ParamRef, SecretRef
from engine.core.numbers import plain
from engine.ports.secrets import Secret

_SIMPLE = (str, int, bool, type(None))


def content_digest(*parts: Any) -> str:
    """32 hex digits over values as they stand in files, after substitution or before it."""
    return hashlib.sha256(_encode([_plain(part) for part in parts])).hexdigest()[:32]


def _plain(value: Any) -> Any:
    """The value with equal numbers written equally and references as objects."""
    kind = type(value)
    if kind in _SIMPLE:
        return value
    if kind is dict:
        return {key: item if type(item) in _SIMPLE else _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [item if type(item) in _SIMPLE else _plain(item) for item in value]
    if kind is Decimal:
        return Decimal(plain(value))
    return _other(value)


def _other(value: Any) -> Any:
    if isinstance(value, Secret):
        return {"$secret": value.name, "version": value.version}
    if isinstance(value, SecretRef):
        return {"$secret": value.name}
    if isinstance(value, ParamRef):
        return {"$param": value.name}
    if isinstance(value, Joined):
        return {"$joined": [_plain(part) for part in value.parts]}
    raise TypeError(f"{type(value).__name__} has no place in a digest")


_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode
