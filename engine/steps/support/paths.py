"""Sets of deep paths (`lines[].sku`) applied to a document: keep only these, drop these, replace these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace as changed
from typing import Any, TypeAlias

from engine.sdk import Build, Shape, ValueExpr

ITEMS = "[]"
GONE = object()
# A leaf is None: everything at and below it is meant. `[]` stands for every item of a list.
Tree: TypeAlias = "Mapping[str, Tree] | None"


def tree_of(paths: Iterable[tuple[str, ...]]) -> Tree:
    """The paths as one tree; a shorter path swallows longer ones below it."""
    root: dict[str, Any] = {}
    for path in paths:
        node = root
        for name in path[:-1]:
            below = node.setdefault(name, {})
            if below is None:
                break
            node = below
        else:
            node[path[-1]] = None
    return root


def text_of(path: Iterable[str]) -> str:
    """`("lines", "[]", "sku")` -> `lines[].sku`."""
    return ".".join(path).replace("." + ITEMS, ITEMS)


def check_path(path: tuple[str, ...], build: Build, *at: str | int) -> None:
    """Report a path that the data of the step cannot have. `at` leads from the step's body to it."""
    names = [part if part == ITEMS or part.isidentifier() else f'"{part}"' for part in path]
    build.check(ValueExpr(expr=build.expression(text_of(names)), optional=True), build.shape, *at)


def keep(value: Any, tree: Tree) -> Any:
    """A copy with only what the tree names; GONE when nothing of it is there."""
    if tree is None:
        return value
    if isinstance(value, list):
        if ITEMS not in tree:
            return GONE
        kept = (keep(item, tree[ITEMS]) for item in value)
        return [{} if item is GONE else item for item in kept]
    if not isinstance(value, dict):
        return GONE
    made = {name: keep(item, tree[name]) for name, item in value.items() if name in tree}
    return {name: item for name, item in made.items() if item is not GONE}


def replace(value: Any, tree: Tree, change: Callable[[Any], Any]) -> Any:
    """A copy with `change` applied at the leaves; a leaf that becomes GONE is left out. What is missing stays so."""
    if tree is None:
        return change(value)
    if isinstance(value, list) and ITEMS in tree:
        return [item for item in (replace(item, tree[ITEMS], change) for item in value) if item is not GONE]
    if not isinstance(value, dict):
        return value
    touched = [name for name in tree if name in value]
    if not touched:
        return value
    copy = dict(value)
    for name in touched:
        copy[name] = replace(value[name], tree[name], change)
        if copy[name] is GONE:
            del copy[name]
    return copy


def drop(value: Any, tree: Tree) -> Any:
    """A copy without what the tree names."""
    return replace(value, tree, lambda _: GONE)


def shape_with_only(shape: Shape, tree: Tree) -> Shape:
    """What is known after `keep`."""
    if tree is None:
        return shape
    if ITEMS in tree:
        return changed(shape, element=shape_with_only(shape.item(), tree[ITEMS]))
    kept = Shape.of_object(
        {name: shape_with_only(shape.at(name), below) for name, below in tree.items() if shape.has(name)}
    )
    return kept.missing_like(shape)


def shape_without(shape: Shape, tree: Tree) -> Shape:
    """What is known after `drop`."""
    if tree is None:
        return shape
    if ITEMS in tree:
        return changed(shape, element=shape_without(shape.item(), tree[ITEMS]))
    left = {
        name: field if name not in tree else shape_without(field, tree[name])
        for name, field in shape.fields.items()
        if name not in tree or tree[name] is not None
    }
    return changed(shape, fields=left)
