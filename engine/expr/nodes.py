"""The syntax tree of an expression, with places in the text.

`start` and `end` span the text of a node (what a suggestion quotes); names also know exactly where they stand.
Chains (`a.b[0] | c`, `a || b || c`) are flat, so depth means brackets and calls inside each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """Base: where the node stands in the text, `end` exclusive."""

    start: int
    end: int

    @property
    def children(self) -> tuple[Node, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Current(Node):
    """`@`, and the identity a projection without a right side has."""


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """`'text'` or JSON in backticks; numbers are int or Decimal."""

    value: Any


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A name. `at` and `width` are its own token even where the node stands in parentheses."""

    name: str
    at: int
    width: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`[n]`."""

    index: int


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`[first:last:step]`, the selection only."""

    bounds: tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Parts applied one after the other: paths, indexes, pipes."""

    parts: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.parts


@dataclass(frozen=True, slots=True)
class Flatten(Node):
    """`base[]`, the merging only."""

    base: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base,)


@dataclass(frozen=True, slots=True)
class Project(Node):
    """`each` over the elements of the list `base`; elements that give null are left out."""

    base: Node
    each: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base, self.each)


@dataclass(frozen=True, slots=True)
class ProjectValues(Node):
    """`each` over the values of the object `base`."""

    base: Node
    each: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base, self.each)


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """`base[?condition]` with `each` over what is kept."""

    base: Node
    each: Node
    condition: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base, self.each, self.condition)


@dataclass(frozen=True, slots=True)
class MultiList(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class MultiDict(Node):
    """`{name: a}`."""

    names: tuple[str, ...]
    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class Or(Node):
    """`a || b || c`."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class And(Node):
    """`a && b && c`."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class Not(Node):
    """`!a`."""

    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`left op right`; op is one of == != < <= > >=."""

    op: str
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`name(args)`; `at` is where the name stands."""

    name: str
    at: int
    args: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.args


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """`&expression`: handed to a function unevaluated."""

    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in node.children:
        yield from walk(child)
