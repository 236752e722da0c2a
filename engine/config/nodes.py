"""The positions of a parsed file as indexes into its text; a Mark is made only when somebody asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

# Where a scalar begins and ends in the text, and its style: "" plain, `'`, `"`, `|`, `>`. A tuple of atoms, because a
# project has a hundred thousand of them and the cycle collector need not look at one.
Scalar: TypeAlias = tuple[int, int, str]


class MapNode:
    """A mapping: a key's text leads to (start of the key, its end, node of the value). `size` counts expanded nodes."""

    __slots__ = ("end", "entries", "flow", "size", "start")

    def __init__(self, start: int, flow: bool) -> None:
        self.start = start
        self.end = start
        self.flow = flow
        self.entries: dict[str, tuple[int, int, Node]] = {}
        self.size = 0


class ListNode:
    """A sequence with the nodes of its items."""

    __slots__ = ("end", "flow", "items", "size", "start")

    def __init__(self, start: int, flow: bool) -> None:
        self.start = start
        self.end = start
        self.flow = flow
        self.items: list[Node] = []
        self.size = 0


Node: TypeAlias = "MapNode | ListNode | Scalar"
Path: TypeAlias = "tuple[str | int, ...]"


def child(node: Any, part: str | int) -> Node | None:
    """The node one part further down, or None."""
    if isinstance(node, MapNode):
        entry = node.entries.get(part) if isinstance(part, str) else None
        return entry[2] if entry is not None else None
    if isinstance(node, ListNode) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def descend(root: Node | None, path: Path) -> Iterator[Node]:
    """The root and every node on the way along `path`, as far as it leads."""
    node = root
    if node is None:
        return
    yield node
    for part in path:
        node = child(node, part)
        if node is None:
            return
        yield node
