"""What every blob store does."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Any

import pytest

from engine.ports.blobs import Blobs


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio

CONTENT = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
EARLIER, LATER = 1, 1 << 60  # UTC microseconds


async def test_what_is_put_is_there_under_the_digest_of_its_content(blobs: Blobs) -> None:
    digest = await blobs.put(CONTENT)
    assert digest == hashlib.sha256(CONTENT).hexdigest()
    assert await blobs.get(digest) == CONTENT


async def test_putting_the_same_twice_is_once(blobs: Blobs) -> None:
    assert await blobs.put(CONTENT) == await blobs.put(CONTENT)
    assert await blobs.remove(DIGEST, LATER)
    with pytest.raises(KeyError):
        await blobs.get(DIGEST)


async def test_what_is_old_is_told_and_goes_unless_it_was_put_again(blobs: Blobs) -> None:
    other = await blobs.put(b"other")
    await blobs.put(CONTENT)
    assert await blobs.old(EARLIER) == []
    assert sorted(await blobs.old(LATER)) == sorted([DIGEST, other])
    assert not await blobs.remove(DIGEST, EARLIER)
    assert await blobs.get(DIGEST) == CONTENT
    between = time.time_ns() // 1000
    await asyncio.sleep(0.02)
    await blobs.put(CONTENT)
    assert await blobs.old(between) == [other]
    assert not await blobs.remove(DIGEST, between)
    assert await blobs.remove(other, between)
    assert await blobs.old(LATER) == [DIGEST]


async def test_empty_content_is_content(blobs: Blobs) -> None:
    assert await blobs.get(await blobs.put(b"")) == b""


async def test_removing_what_is_not_there_does_nothing(blobs: Blobs) -> None:
    assert not await blobs.remove("0" * 64, LATER)


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", "", "A" * 64])
async def test_what_is_not_there_is_a_key_error(blobs: Blobs, digest: str) -> None:
    with pytest.raises(KeyError):
        await blobs.get(digest)


async def test_many_at_once_do_not_mix(blobs: Any) -> None:
    contents = [bytes([n]) * (1000 + n) for n in range(40)]
    digests = await asyncio.gather(*(blobs.put(content) for content in contents * 2))
    assert await asyncio.gather(*(blobs.get(digest) for digest in digests)) == contents * 2
