"""Files of the project that do not change while a case runs."""

from __future__ import annotations

from collections.abc import Mapping


class SteadyFiles:
    """See runtime.tables.TableFiles."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def stamp(self, path: str) -> object:
        return path

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise FileNotFoundError(path)
        return self._files[path]
