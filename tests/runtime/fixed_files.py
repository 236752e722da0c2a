"""Table files held in memory."""

from __future__ import annotations

from collections.abc import Mapping


class FixedFiles:
    """See runtime.tables.TableFiles: these can change under a test without a disk."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def stamp(self, path: str) -> object:
        return None

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise FileNotFoundError(path)
        return self._files[path]
