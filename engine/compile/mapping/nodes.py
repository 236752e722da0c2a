"""What a mapping file says, read: a tree of these nodes. Everything in it is compiled already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from engine.compile.report import Place
from engine.expr.jmes import Expr
from engine.plugins.fields import ValueExpr


class ValueNode(Struct, frozen=True):
    """One value from an expression, a template or a constant."""

    place: Place
    value: ValueExpr
    text_place: Place


class OmitNode(Struct, frozen=True):
    """`omit: true`: the field is left out in this branch."""

    place: Place


class ObjectNode(Struct, frozen=True):
    """Fields by name; `choice` merges the fields of the branch that applies into them."""

    place: Place
    fields: Mapping[str, Node]
    choice: ChoiceNode | None = None
    slots: tuple[str, ...] = ()


class ListNode(Struct, frozen=True):
    """A list: each item gives one element, an `each` block any number."""

    place: Place
    items: tuple[Node, ...]


class GroupNode(Struct, frozen=True):
    """Elements equal in `by` become one; its fields `sum` are added up, the others are those of the first.

    A part of `by` is the name of a field the block makes, or an expression that sees the item.
    """

    place: Place
    by: tuple[str | Expr, ...]
    sum: tuple[str, ...]


class EachNode(Struct, frozen=True):
    """`content` for each item of `source`, seen under the name `item`; `number` counts the items from 1."""

    place: Place
    source: Expr
    item: str
    content: Node
    number: str = ""
    optional: bool = False
    where: Expr | None = None
    group: GroupNode | None = None


class LetNode(Struct, frozen=True):
    """`content`, in which the names of `values` may be used."""

    place: Place
    values: Mapping[str, Node]
    content: Node


class Branch(Struct, frozen=True):
    """`when` is None in the `otherwise` branch."""

    place: Place
    when: Expr | None
    content: Node


class ChoiceNode(Struct, frozen=True):
    """The first branch whose condition holds."""

    place: Place
    branches: tuple[Branch, ...]


Node: TypeAlias = "ValueNode | OmitNode | ObjectNode | ListNode | EachNode | LetNode | ChoiceNode"
