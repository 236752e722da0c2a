"""The positions of a parsed file, kept as the parser's own events; a Mark is made only when somebody asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias


class Point(Protocol):
    """A position as libyaml tells it; counts from 0, in characters."""

    line: int
    column: int
    index: int


class Scalar(Protocol):
    """A scalar event: its value, style (`''`, `'`, `"`, `|`, `>`) and place."""

    value: str
    style: str
    start_mark: Point
    end_mark: Point


class MapNode:
    """A mapping: each key's text leads to the key's event and the value's node. `size` counts expanded nodes."""

    __slots__ = ("end", "entries", "flow", "size", "start")

    def __init__(self, start: Point, flow: bool) -> None:
        self.start = start
        self.end = start
        self.flow = flow
        self.entries: dict[str, tuple[Scalar, Node]] = {}
        self.size = 0


class ListNode:
    """A sequence with the nodes of its items."""

    __slots__ = ("end", "flow", "items", "size", "start")

    def __init__(self, start: Point, flow: bool) -> None:
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
        return entry[1] if entry is not None else None
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
