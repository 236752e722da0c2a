"""Closures for paths: names, indexes and slices, the hot part, with the common shapes spelled out.

A closure takes (value, env). `value[name]` in a try block beats asking for types first, because names are usually
there: everything that is not a dict raises TypeError, a missing name KeyError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from engine.expr.nodes import Slice
from engine.expr.values import Refused

Closure: TypeAlias = Callable[[Any, Any], Any]
MISS = (KeyError, TypeError, IndexError)  # what a name or position that is not there raises


def walk_names(value: Any, names: Sequence[str]) -> Any:
    """The value at a path of names; null where it ends early."""
    for name in names:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value


def fields(names: Sequence[str]) -> Closure:
    """A path of names: `a`, `a.b`, `a.b.c`, ..."""
    if len(names) == 1:
        return one_field(names[0])
    if len(names) == 2:
        return _two_fields(*names)
    return _many_fields(names)


def one_field(name: str) -> Closure:
    """`a`; null of everything that has no such name."""

    def field(value: Any, env: Any) -> Any:
        return value.get(name) if type(value) is dict else None

    return field


def _two_fields(first: str, second: str) -> Closure:
    def two_fields(value: Any, env: Any) -> Any:
        try:
            return value[first][second]
        except MISS:
            return None

    return two_fields


def _many_fields(names: Sequence[str]) -> Closure:
    first, second, *rest = names

    def many_fields(value: Any, env: Any) -> Any:
        try:
            value = value[first][second]
            for name in rest:
                value = value[name]
            return value
        except MISS:
            return None

    return many_fields


def index(position: int) -> Closure:
    """`[n]` of a list; null outside of it."""

    def at(value: Any, env: Any) -> Any:
        if type(value) is not list:
            return None
        try:
            return value[position]
        except IndexError:
            return None

    return at


def field_index_field(names: Sequence[str], position: int, after: Sequence[str]) -> Closure:
    """`a.b[n].c`, one of the most usual paths into a document."""
    if len(names) == 1 and len(after) == 1:
        return _one_index_one(names[0], position, after[0])

    def path(value: Any, env: Any) -> Any:
        found = walk_names(value, names)
        if type(found) is not list:
            return None
        try:
            return walk_names(found[position], after)
        except IndexError:
            return None

    return path


def _one_index_one(name: str, position: int, after: str) -> Closure:
    def path(value: Any, env: Any) -> Any:
        try:
            return value[name][position][after]
        except MISS:
            return None

    return path


def part_of(node: Slice) -> Closure:
    """`[a:b:c]` of a list. Raises Refused for a step of zero."""
    bounds = slice(*node.bounds)

    def cut(value: Any, env: Any) -> Any:
        if type(value) is not list:
            return None
        if bounds.step == 0:
            raise Refused("the step of a slice is zero", "invalid-value", function="")
        return value[bounds]

    return cut


def chain(parts: Sequence[Closure]) -> Closure:
    """Parts applied one after the other."""
    if len(parts) == 2:
        first, second = parts

        def both(value: Any, env: Any) -> Any:
            return second(first(value, env), env)

        return both

    def each(value: Any, env: Any) -> Any:
        for part in parts:
            value = part(value, env)
        return value

    return each
