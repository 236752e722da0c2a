"""Blobs: bodies too large for a queue, kept by the digest of their content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Blobs(Protocol):
    """Content-addressed bytes. Putting the same content twice is once, and makes it new again."""

    async def put(self, content: bytes) -> str:
        """Durable when it answers with the SHA-256 hex digest."""
        ...

    async def get(self, digest: str) -> bytes:
        """The content. Raises KeyError when it is not there or damaged, StoreDown when that cannot be told now."""
        ...

    async def old(self, before: int) -> Sequence[str]:
        """Digests of everything last put before that moment (UTC microseconds)."""
        ...

    async def remove(self, digest: str, before: int) -> bool:
        """Forget it unless it was put since `before`. True when it went; False also when it is not there."""
        ...
