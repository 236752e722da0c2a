"""A Document: the plain values of one YAML file and where each of them stands."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.config.inside import source_indexes
from engine.config.nodes import ListNode, MapNode, Node, Path, child, descend
from engine.core.findings import Mark


class Marks:
    """Places of keys and values by path (keys and list indexes). A path that is not in the file gives its parent's."""

    def __init__(
        self, file: str, text: str, root: Node | None, data: Any = None, changed: frozenset[Path] = frozenset()
    ) -> None:
        self.file = file
        self.text = text
        self.root = root
        self._data = data  # as written: the values whose characters `inside` looks for
        self._changed = changed

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        return starts

    def at(self, index: int, end: int = 0) -> Mark:
        """The place of a character of the file's text; `end` is exclusive."""
        starts = self._line_starts
        line = bisect_right(starts, index) - 1
        last = starts[line + 1] - 1 if line + 1 < len(starts) else len(self.text)
        stop = max(index + 1, min(end, last))
        return Mark(self.file, line + 1, index - starts[line] + 1, stop - starts[line] + 1)

    def key(self, path: Path) -> Mark:
        """Where the key at `path` is written; for a list item, where the item starts."""
        for length in range(len(path), 0, -1):
            nodes = list(descend(self.root, path[: length - 1]))
            if len(nodes) != length:
                continue
            found = self._key_of(nodes[-1], path[length - 1])
            if found is not None:
                return found
        return self.value(())

    def value(self, path: Path) -> Mark:
        """Where the value at `path` starts; for a value that is missing, where its key is."""
        nodes = list(descend(self.root, path))
        if not nodes:
            return Mark(self.file)
        if len(nodes) <= len(path):
            return self.key(path[: len(nodes) - 1]) if len(nodes) > 1 else self._value_of(nodes[0])
        if path and _is_empty(nodes[-1]):
            return self.key(path)
        return self._value_of(nodes[-1])

    def inside(self, path: Path, offset: int, length: int = 1) -> Mark:
        """The place of `length` characters inside the scalar at `path`, counted in its value, whatever its style."""
        scalar = self._scalar(path)
        value = self._written_value(path) if scalar is not None and path not in self._changed else None
        if scalar is None or not isinstance(value, str) or not value:
            return self.value(path)
        indexes = source_indexes(self.text, scalar, value)
        first = indexes[max(0, min(offset, len(indexes) - 1))]
        last = indexes[max(0, min(offset + max(1, length) - 1, len(indexes) - 1))]
        if offset >= len(indexes):
            return self.at(last + 1)
        return self.at(first, last + 1)

    def written(self, path: Path) -> str:
        """The text of the scalar at `path` as it stands in the file, quotes included; empty for anything else."""
        scalar = self._scalar(path)
        return self.text[scalar[0] : scalar[1]] if scalar is not None else ""

    def _scalar(self, path: Path) -> tuple[int, int, str] | None:
        nodes = list(descend(self.root, path))
        if len(nodes) != len(path) + 1 or isinstance(nodes[-1], MapNode | ListNode):
            return None
        return nodes[-1]

    def _written_value(self, path: Path) -> Any:
        value = self._data
        for part in path:
            value = value[part]
        return value

    def is_replaced(self, path: Path) -> bool:
        """True when the value was put in from outside and must not be shown."""
        return path in self._changed

    def replaced(self, changed: frozenset[Path]) -> Marks:
        """The same places, when the values at `changed` no longer are what is written in the file."""
        return Marks(self.file, self.text, self.root, self._data, self._changed | changed)

    def _key_of(self, parent: Node, part: str | int) -> Mark | None:
        if isinstance(parent, MapNode):
            entry = parent.entries.get(part) if isinstance(part, str) else None
            return self.at(entry[0], entry[1]) if entry is not None else None
        node = child(parent, part)
        return self._value_of(node) if node is not None else None

    def _value_of(self, node: Node) -> Mark:
        if not isinstance(node, MapNode | ListNode):
            return self.at(node[0], node[1])
        if node.flow:
            return self.at(node.start, node.end)
        if isinstance(node, MapNode) and node.entries:
            start, end, _ = next(iter(node.entries.values()))
            return self.at(start, end)
        return self.at(node.start)


def _is_empty(node: Node) -> bool:
    return not isinstance(node, MapNode | ListNode) and node[0] == node[1]


@dataclass(frozen=True)
class Document:
    """One file that was read: `path` relative to the project, plain values, their places, and the text itself.

    data   dict, list, str, int, Decimal, bool, None; references that are filled in later are objects of
           `engine.config.substitution`. Shared between readers of the same bytes: nobody changes it.
    """

    path: str
    data: Any
    marks: Marks
    text: str = field(repr=False)

    def at(self, path: Path) -> Any:
        """The value at `path`. Raises KeyError, IndexError or TypeError when there is none."""
        value = self.data
        for part in path:
            value = value[part]
        return value
