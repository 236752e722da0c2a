"""Blobs in a folder: whole files only, and never a wrong content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engine.backends.blobs import FolderBlobs
from engine.core.errors import StoreDown

pytestmark = pytest.mark.anyio

DIGEST = hashlib.sha256(b"content").hexdigest()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_damaged_blob_is_told(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    await blobs.put(b"content")
    [file] = files_in(tmp_path)
    file.write_bytes(b"contend")
    with pytest.raises(KeyError, match="damaged"):
        await blobs.get(DIGEST)


async def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    blobs = FolderBlobs(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreDown, match="No space left"):
        await blobs.put(b"content")
    assert files_in(tmp_path) == []
    monkeypatch.undo()
    assert await blobs.put(b"content") == DIGEST


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreDown, match="cannot be used"):
        await FolderBlobs(tmp_path / "file").put(b"content")
