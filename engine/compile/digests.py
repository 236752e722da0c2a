"""Digests of what things mean: comments, layout and the order of keys change nothing, a secret shows as its version."""

from __future__ import annotations

from typing import Any

from engine.config.substitution import Joined, ParamRef, SecretRef
from engine.core.jsonx import digest_of
from engine.ports.secrets import Secret


def content_digest(*parts: Any) -> str:
    """32 hex digits over values as they stand in files, after substitution or before it."""
    return digest_of([_plain(part) for part in parts])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, Secret):
        return {"$secret": value.name, "version": value.version}
    if isinstance(value, SecretRef):
        return {"$secret": value.name}
    if isinstance(value, ParamRef):
        return {"$param": value.name}
    if isinstance(value, Joined):
        return {"$joined": [_plain(part) for part in value.parts]}
    return value
