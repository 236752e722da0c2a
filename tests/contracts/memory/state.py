"""Tables of the memory store: dicts that can take back what a failed unit did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

Undo = list[Callable[[], None]]
_NOTHING: Any = object()


class Table(Generic[K, V]):
    """Immutable values by key; every change notes how to undo it."""

    def __init__(self, undo: Undo) -> None:
        self._rows: dict[K, V] = {}
        self._undo = undo

    def get(self, key: K, default: Any = None) -> Any:
        return self._rows.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def items(self) -> list[tuple[K, V]]:
        return list(self._rows.items())

    def values(self) -> list[V]:
        return list(self._rows.values())

    def put(self, key: K, value: V) -> None:
        before = self._rows.get(key, _NOTHING)
        self._rows[key] = value
        self._undo.append(lambda: self._restore(key, before))

    def drop(self, key: K) -> None:
        if key in self._rows:
            before = self._rows.pop(key)
            self._undo.append(lambda: self._restore(key, before))

    def _restore(self, key: K, before: Any) -> None:
        if before is _NOTHING:
            del self._rows[key]
        else:
            self._rows[key] = before


class Memory:
    """What survives a restart of a memory store: hand the same one to the next store."""

    def __init__(self) -> None:
        self.undo: Undo = []
        self._tables: dict[str, Table[Any, Any]] = {}

    def __getattr__(self, name: str) -> Table[Any, Any]:
        return self._tables.setdefault(name, Table(self.undo))

    def roll_back(self) -> None:
        """Undo everything since the last `undo.clear()`."""
        while self.undo:
            self.undo.pop()()
