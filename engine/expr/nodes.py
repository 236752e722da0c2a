"""The syntax tree of an expression, with places in the text.

`start` and `end` span the text of a node (what a suggestion quotes); names also know exactly where they stand.
Chains (`a.b[0] | c`, `a || b || c`) are flat, so depth means brackets and calls inside each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct


class Node(Struct, frozen=True):
    """Base: where the node stands in the text, `end` exclusive."""

    start: int
    end: int

    @property
    def children(self) -> tuple[Node, ...]:
        return ()


class Current(Node, frozen=True):
    """`@`, and the identity a projection without a right side has."""


class Literal(Node, frozen=True):
    """`'text'` or JSON in backticks; numbers are int or Decimal."""

    value: Any


class Field(Node, frozen=True):
    """A name. `at` and `width` are its own token even where the node stands in parentheses."""

    name: str
    at: int
    width: int
    quoted: bool = False


class Index(Node, frozen=True):
    """`[n]`."""

    index: int


class Slice(Node, frozen=True):
    """`[first:last:step]`, the selection only."""

    bounds: tuple[int | None, int | None, int | None]


class Chain(Node, frozen=True):
    """Parts applied one after the other: paths, indexes, pipes."""

    parts: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.parts


class Flatten(Node, frozen=True):
    """`base[]`, the merging only."""

    base: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base,)


class Project(Node, frozen=True):
    """`each` over the elements of the list `base`; elements that give null are left out."""

    base: Node
    each: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base, self.each)


class ProjectValues(Node, frozen=True):
    """`each` over the values of the object `base`."""

    base: Node
    each: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base, self.each)


class Filter(Node, frozen=True):
    """`base[?condition]` with `each` over what is kept."""

    base: Node
    each: Node
    condition: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base, self.each, self.condition)


class MultiList(Node, frozen=True):
    """`[a, b]`."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


class MultiDict(Node, frozen=True):
    """`{name: a}`."""

    names: tuple[str, ...]
    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


class Or(Node, frozen=True):
    """`a || b || c`."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


class And(Node, frozen=True):
    """`a && b && c`."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


class Not(Node, frozen=True):
    """`!a`."""

    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


class Compare(Node, frozen=True):
    """`left op right`; op is one of == != < <= > >=."""

    op: str
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


class Call(Node, frozen=True):
    """`name(args)`; `at` is where the name stands."""

    name: str
    at: int
    args: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.args


class Ref(Node, frozen=True):
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
