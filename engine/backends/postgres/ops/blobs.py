"""Bodies too large for a queue. No part of the Store's contract: `PostgresBlobs` alone asks for these."""

from __future__ import annotations

from engine.backends.postgres.draft import Connection
from engine.backends.postgres.ops.topic import Directs
from engine.ports.store.base import Op


class BlobPut(Op[None], frozen=True):
    """Keep content under the digest of it."""

    digest: str
    content: bytes


class BlobGet(Op[bytes | None], frozen=True):
    """The content; None when it is not there."""

    digest: str
    reads = True


class BlobsOld(Op[list[str]], frozen=True):
    """Digests of what was last put before `before`, UTC microseconds."""

    before: int
    reads = True


class BlobDrop(Op[bool], frozen=True):
    """Forget it unless it was put since `before`."""

    digest: str
    before: int


_PUT = """
INSERT INTO blob (digest, at, content) VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, $2)
ON CONFLICT (digest) DO UPDATE SET at = excluded.at
"""


async def put(connection: Connection, op: BlobPut) -> None:
    await connection.execute(_PUT, op.digest, op.content)


async def old(connection: Connection, op: BlobsOld) -> list[str]:
    return [row[0] for row in await connection.fetch("SELECT digest FROM blob WHERE at < $1", op.before)]


async def get(connection: Connection, op: BlobGet) -> bytes | None:
    content: bytes | None = await connection.fetchval("SELECT content FROM blob WHERE digest = $1", op.digest)
    return content


async def drop(connection: Connection, op: BlobDrop) -> bool:
    status = await connection.execute("DELETE FROM blob WHERE digest = $1 AND at < $2", op.digest, op.before)
    return not status.endswith(" 0")


READS: Directs = {BlobGet: get, BlobsOld: old}
DIRECT: Directs = {BlobPut: put, BlobDrop: drop}
