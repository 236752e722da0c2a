"""What a mapping file says, read: a tree of these nodes. Everything in it is compiled already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from engine.compile.report import Place
from engine.expr.jmes import Expr
from engine.plugins.fields import ValueExpr


@dataclass(frozen=True)
class ValueNode:
    """One value from an expression, a template or a constant."""

    place: Place
    value: ValueExpr
    text_place: Place


@dataclass(frozen=True)
class OmitNode:
    """`omit: true`: the field is left out in this branch."""

    place: Place


@dataclass(frozen=True)
class ObjectNode:
    """Fields by name; `choice` merges the fields of the branch that applies into them."""

    place: Place
    fields: Mapping[str, Node]
    choice: ChoiceNode | None = None
    slots: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListNode:
    """A list: each item gives one element, an `each` block any number."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True)
class GroupNode:
    """Elements equal in `by` become one; its fields `sum` are added up, the others are those of the first.

    A part of `by` is the name of a field the block makes, or an expression that sees the item.
    """

    place: Place
    by: tuple[str | Expr, ...]
    sum: tuple[str, ...]


@dataclass(frozen=True)
class EachNode:
    """`content` for each item of `source`, seen under the name `item`; `number` counts the items from 1."""

    place: Place
    source: Expr
    item: str
    content: Node
    number: str = ""
    optional: bool = False
    where: Expr | None = None
    group: GroupNode | None = None


@dataclass(frozen=True)
class LetNode:
    """`content`, in which the names of `values` may be used."""

    place: Place
    values: Mapping[str, Node]
    content: Node


@dataclass(frozen=True)
class Branch:
    """`when` is None in the `otherwise` branch."""

    place: Place
    when: Expr | None
    content: Node


@dataclass(frozen=True)
class ChoiceNode:
    """The first branch whose condition holds."""

    place: Place
    branches: tuple[Branch, ...]


Node: TypeAlias = "ValueNode | OmitNode | ObjectNode | ListNode | EachNode | LetNode | ChoiceNode"
