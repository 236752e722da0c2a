"""Blobs (ports.blobs) beside the Store, for engines that share no folder."""

from __future__ import annotations

import hashlib

from engine.backends.postgres.ops.blobs import BlobDrop, BlobGet, BlobPut, BlobsOld
from engine.backends.postgres.store import PostgresStore


class PostgresBlobs:
    """Over the connections of an opened store that are for what takes long."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    async def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        await self._store.apply(BlobPut(digest, content))
        return digest

    async def get(self, digest: str) -> bytes:
        content = await self._store.apply(BlobGet(digest))
        if content is None:
            raise KeyError(f"no blob {digest}")
        return content

    async def old(self, before: int) -> list[str]:
        return await self._store.apply(BlobsOld(before))

    async def remove(self, digest: str, before: int) -> bool:
        return await self._store.apply(BlobDrop(digest, before))
