"""Blobs by the SHA-256 of their content: in a folder, or in the SQLite database."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.backends.sqlite.database import SqliteDatabase
from engine.core.errors import StoreDown

T = TypeVar("T")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderBlobs:
    """One file each, `ab/cdef...`, written whole or not at all. Waits for the disk on a thread unless `inline`."""

    def __init__(self, root: str | Path, *, inline: bool = False) -> None:
        self._root = Path(root)
        self._inline = inline

    async def put(self, content: bytes) -> str:
        """Raises StoreDown when the disk does not take it."""
        digest = hashlib.sha256(content).hexdigest()
        await self._run(lambda: self._write(self._path(digest), content))
        return digest

    async def get(self, digest: str) -> bytes:
        """Raises KeyError when it is not there, or damaged: its content has another digest then. StoreDown as `put`."""
        path = self._path(digest)
        try:
            content = await self._run(path.read_bytes)
        except FileNotFoundError:
            raise KeyError(f"no blob {digest}") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise KeyError(f"{path} is damaged: its content does not have the digest it is named by")
        return content

    async def old(self, before: int) -> list[str]:
        return await self._run(lambda: [path.parent.name + path.name for path in self._all() if _put_at(path) < before])

    async def remove(self, digest: str, before: int) -> bool:
        path = self._path(digest)
        return await self._run(lambda: self._remove(path, before))

    def _all(self) -> list[Path]:
        return [path for path in self._root.glob("??/*") if _DIGEST.fullmatch(path.parent.name + path.name)]

    def _remove(self, path: Path, before: int) -> bool:
        """Aside first: what is put again meanwhile is written anew, or was touched before and comes back."""
        aside = path.with_name(f".old-{path.name}")
        try:
            os.replace(path, aside)
        except FileNotFoundError:
            return False
        if _put_at(aside) >= before:
            os.replace(aside, path)
            return False
        aside.unlink()
        return True

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise KeyError(f"{digest!r} is not the digest of a blob")
        return self._root / digest[:2] / digest[2:]

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return work() if self._inline else await asyncio.to_thread(work)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreDown(f"the blob folder {self._root} cannot be used: {error.strerror or error}") from error

    def _write(self, path: Path, content: bytes) -> None:
        try:
            os.utime(path)
        except FileNotFoundError:
            self._write_new(path, content)

    def _write_new(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        for folder in (path.parent, self._root):
            _sync_folder(folder)


def _put_at(path: Path) -> int:
    """When it was last put, UTC microseconds; now, where somebody else has removed it."""
    try:
        return path.stat().st_mtime_ns // 1000
    except FileNotFoundError:
        return time.time_ns() // 1000


def _sync_folder(folder: Path) -> None:
    """A new name is durable only when the folder that holds it is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SqliteBlobs:
    """In the embedded database, in the same group commits as everything else. Opened and closed like the store."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        sql = "INSERT INTO blob (digest, content, at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at"
        facts = (digest, content, self._database.clock.now())
        await self._database.submit(lambda connection: connection.execute(sql, facts).rowcount)
        return digest

    async def get(self, digest: str) -> bytes:
        sql = "SELECT content FROM blob WHERE digest = ?"
        found = await self._database.read_aside(lambda connection: connection.execute(sql, (digest,)).fetchone())
        if found is None:
            raise KeyError(f"no blob {digest}")
        return bytes(found[0])

    async def old(self, before: int) -> list[str]:
        sql = "SELECT digest FROM blob WHERE at < ?"
        return await self._database.read_aside(
            lambda connection: [row[0] for row in connection.execute(sql, (before,))]
        )

    async def remove(self, digest: str, before: int) -> bool:
        sql = "DELETE FROM blob WHERE digest = ? AND at < ?"
        return await self._database.submit(lambda connection: connection.execute(sql, (digest, before)).rowcount > 0)
