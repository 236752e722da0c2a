"""`each: {in, as}`: doing something for every item of a list, with everything outside in reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from engine.sdk import UNKNOWN, LocalName, Options, Path, Permanent, Shape


class Each(Options):
    """For every item of a list; the item has a name of its own and everything outside stays in reach."""

    in_: Path = Field(alias="in", description="the list", examples=["lines"])
    as_: LocalName = Field(alias="as", description="name of an item in the expressions of this step", examples=["line"])


def list_at(data: Any, path: Sequence[str]) -> list[Any]:
    """The list at a path. Raises Permanent `not-a-list` when there is something else or nothing."""
    value = data
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, list):
        return value
    found = "nothing" if value is None else type(value).__name__
    raise Permanent("not-a-list", f"`{'.'.join(path)}` is {found}; a list is needed")


def scope_with(data: Any, name: str, item: Any) -> dict[str, Any]:
    """The document with one item of it under a name of its own."""
    scope: dict[str, Any] = dict(data) if isinstance(data, dict) else {}
    scope[name] = item
    return scope


def shape_at(shape: Shape, path: Sequence[str]) -> Shape:
    """The shape at a path of names."""
    for name in path:
        shape = shape.at(name)
    return shape


def path_shape(shape: Shape, text: str) -> Shape:
    """The shape an expression gives, where it is a plain path; otherwise nothing is known."""
    names = text.strip().split(".")
    return shape_at(shape, names) if all(name.isidentifier() for name in names) else UNKNOWN


def item_scope(shape: Shape, each: Each) -> Shape:
    """The shape that expressions about one item see."""
    return shape.with_path((each.as_,), shape_at(shape, each.in_).item())
