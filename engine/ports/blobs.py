"""Blobs: bodies too large for a queue, kept by the digest of their content."""

from __future__ import annotations

from typing import Protocol


class Blobs(Protocol):
    """Content-addressed bytes. Putting the same content twice is once."""

    async def put(self, content: bytes) -> str:
        """Durable when it answers with the SHA-256 hex digest."""
        ...

    async def get(self, digest: str) -> bytes:
        """The content. Raises KeyError when it is not there or damaged, StoreDown when that cannot be told now."""
        ...

    async def remove(self, digest: str) -> None:
        """Forget it; nothing happens when it is not there."""
        ...
