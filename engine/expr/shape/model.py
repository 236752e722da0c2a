"""A Shape: what is known of a value before there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

SchemaResolver = Callable[[str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a value.

    kinds      text, number, yes/no, list, object, date, moment it can be; empty = anything
    fields     known names of an object
    open       an object may have other names than these; `others` is what they hold
    element    what a list holds; None = unknown
    least      a list has at least that many elements
    maybe      it may be missing or null
    defaulted  it may be missing in a document that was not validated yet: its schema has a default for it
    choices    the only texts, numbers or answers it can be; empty = any
    looks      the schema's `format` of a text: date, date-time, ...
    schema     the schema this came from, `name@n`, for messages
    """

    kinds: frozenset[str] = frozenset()
    fields: Mapping[str, Shape] = field(default_factory=dict)
    open: bool = True
    others: Shape | None = None
    element: Shape | None = None
    least: int = 0
    maybe: bool = False
    defaulted: bool = False
    choices: tuple[Any, ...] = ()
    looks: str = ""
    schema: str = ""

    @property
    def known(self) -> bool:
        """Whether anything is known of its kind."""
        return bool(self.kinds)

    def can_be(self, *kinds: str) -> bool:
        """Whether it may be one of these kinds."""
        return not self.kinds or not self.kinds.isdisjoint(kinds)

    def has(self, name: str) -> bool:
        """Whether the name may exist in it."""
        if self.kinds and "object" not in self.kinds:
            return False
        return name in self.fields or self.open

    def at(self, name: str) -> Shape:
        """What is known of the value under a name; missing where this is."""
        found = self.fields.get(name)
        if found is None:
            found = replace(self.others, maybe=True) if self.others is not None else UNKNOWN
        return found.missing_like(self)

    def item(self) -> Shape:
        """What is known of an element of a list."""
        return self.element or UNKNOWN

    def missing_like(self, other: Shape) -> Shape:
        """This, but it may be missing where `other` may."""
        if (other.maybe and not self.maybe) or (other.defaulted and not self.defaulted):
            return replace(self, maybe=self.maybe or other.maybe, defaulted=self.defaulted or other.defaulted)
        return self

    def sure(self) -> Shape:
        """The same value where it is not missing."""
        return replace(self, maybe=False, defaulted=False) if self.maybe or self.defaulted else self

    def with_path(self, path: Sequence[str], shape: Shape) -> Shape:
        """This with `shape` at a path of names; `[]` leads to the elements of a list, () replaces everything."""
        if not path:
            return shape
        first, rest = path[0], path[1:]
        if first == "[]":
            inner = self.item().with_path(rest, shape)
            return replace(self, kinds=self.kinds or frozenset({"list"}), element=inner)
        made = Shape.of_object({}) if rest and rest[0] != "[]" and not self.open else UNKNOWN
        inner = (self.fields.get(first) or made).with_path(rest, shape)
        # Something was put there, so the object is there now, even if the document had none.
        return replace(
            self, kinds=self.kinds or frozenset({"object"}), fields={**self.fields, first: inner}, maybe=False
        )

    def along(self, path: Sequence[str]) -> Shape:
        """What is known at a path of names and `[]`."""
        shape = self
        for name in path:
            shape = shape.item() if name == "[]" else shape.at(name)
        return shape

    def union(self, other: Shape) -> Shape:
        """What is known of a value that is one or the other."""
        if self is other:
            return self
        if not self.kinds or not other.kinds:
            return replace(UNKNOWN, maybe=self.maybe or other.maybe)
        names = {*self.fields, *other.fields}
        return Shape(
            kinds=self.kinds | other.kinds,
            fields={name: _either(self, other, name) for name in sorted(names)},
            open=(self.open and "object" in self.kinds) or (other.open and "object" in other.kinds),
            element=_joined(self, other),
            least=min(self.least, other.least),
            maybe=self.maybe or other.maybe,
            defaulted=self.defaulted or other.defaulted,
            choices=(*self.choices, *other.choices) if self.choices and other.choices else (),
            looks=self.looks if self.looks == other.looks else "",
            schema=self.schema if self.schema == other.schema else "",
        )

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any], resolve: SchemaResolver | None = None) -> Shape:
        """What a JSON Schema (2020-12) says. `resolve` gives the schema document of a `$ref` to another one."""
        from engine.expr.shape.schema import read_schema  # it builds Shapes

        return read_schema(schema, resolve)

    @classmethod
    def of(cls, *kinds: str, maybe: bool = False) -> Shape:
        """A value of these kinds of which nothing else is known."""
        return cls(kinds=frozenset(kinds), maybe=maybe)

    @classmethod
    def of_object(cls, fields: Mapping[str, Shape]) -> Shape:
        """An object with exactly these names."""
        return cls(kinds=frozenset({"object"}), fields=dict(fields), open=False)

    @classmethod
    def of_list(cls, element: Shape) -> Shape:
        """A list of such elements."""
        return cls(kinds=frozenset({"list"}), element=element)


UNKNOWN = Shape()
"""The Shape of data nothing is known of: every path into it is allowed."""


def _either(left: Shape, right: Shape, name: str) -> Shape:
    a, b = left.fields.get(name), right.fields.get(name)
    if a is not None and b is not None:
        return a.union(b)
    found = a or b or UNKNOWN
    return replace(found, maybe=True)


def _joined(left: Shape, right: Shape) -> Shape | None:
    lists = [shape for shape in (left, right) if "list" in shape.kinds]
    if len(lists) == 2:
        return left.item().union(right.item())
    return lists[0].element if lists else None
