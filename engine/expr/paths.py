"""Closures for paths, projections and multi-selects: the hot part, with the common shapes spelled out.

A closure takes (value, env). `value[name]` in a try block beats asking for types first, because names are usually
there: everything that is not a dict raises TypeError, a missing name KeyError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from engine.expr.limits import MAX_NODES, Meter, too_many
from engine.expr.nodes import Slice
from engine.expr.values import Refused

Closure: TypeAlias = Callable[[Any, Any], Any]
_MISS = (KeyError, TypeError, IndexError)


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
        return _field(names[0])
    if len(names) == 2:
        return _two_fields(*names)
    return _many_fields(names)


def _field(name: str) -> Closure:
    def field(value: Any, env: Any) -> Any:
        return value.get(name) if type(value) is dict else None

    return field


def _two_fields(first: str, second: str) -> Closure:
    def two_fields(value: Any, env: Any) -> Any:
        try:
            return value[first][second]
        except _MISS:
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
        except _MISS:
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
        except _MISS:
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


def merged(items: list[Any], meter: Meter | None) -> list[Any]:
    """The list with lists directly inside it dissolved."""
    result: list[Any] = []
    for item in items:
        if type(item) is list:
            result.extend(item)
        else:
            result.append(item)
        if len(result) > MAX_NODES:
            raise too_many()
    if meter is not None:
        meter.spend(len(result))
    return result


def flatten(base: Closure, meter: Meter | None) -> Closure:
    """`base[]` without anything behind it."""

    def run(value: Any, env: Any) -> Any:
        items = base(value, env)
        return merged(items, meter) if type(items) is list else None

    return run


def flat_field(base: Closure, name: str, meter: Meter | None) -> Closure:
    """`base[].name`: an element that is a list itself, or has no such name, takes the general way."""

    def run(value: Any, env: Any) -> Any:
        items = base(value, env)
        if type(items) is not list:
            return None
        try:
            # Not `None in found`: that asks every Decimal whether it is equal to None.
            found = [inner for item in items for inner in (item[name],) if inner is not None]
        except _MISS:
            return _kept([item.get(name) if type(item) is dict else None for item in merged(items, meter)])
        return _capped(found)

    return run


def _kept(found: list[Any]) -> list[Any]:
    return _capped([item for item in found if item is not None])


def _capped(found: list[Any]) -> list[Any]:
    if len(found) > MAX_NODES:
        raise too_many()
    return found


def project(base: Closure, each: Closure | None, meter: Meter | None) -> Closure:
    """`base[*].each`; None as `each` is the element itself."""

    def run(value: Any, env: Any) -> Any:
        items = base(value, env)
        if type(items) is not list:
            return None
        if meter is not None:
            meter.spend(len(items))
        return _kept(items if each is None else [each(item, env) for item in items])

    return run


def project_values(base: Closure, each: Closure, meter: Meter | None) -> Closure:
    """`base.*.each`."""

    def run(value: Any, env: Any) -> Any:
        found = base(value, env)
        if type(found) is not dict:
            return None
        if meter is not None:
            meter.spend(len(found))
        return _kept([each(item, env) for item in found.values()])

    return run


def filtered(base: Closure, condition: Closure, each: Closure | None, meter: Meter | None) -> Closure:
    """`base[?condition].each`; the condition's closure gives a real bool."""

    def run(value: Any, env: Any) -> Any:
        items = base(value, env)
        if type(items) is not list:
            return None
        if meter is not None:
            meter.spend(len(items))
        kept = [item for item in items if condition(item, env)]
        return _kept(kept if each is None else [each(item, env) for item in kept])

    return run


def multi_list(items: Sequence[Closure], meter: Meter | None) -> Closure:
    """`[a, b]`; null of null."""

    def run(value: Any, env: Any) -> Any:
        if value is None:
            return None
        made = [item(value, env) for item in items]
        return made if meter is None else meter.made(made)

    return run


def multi_dict(names: Sequence[str], items: Sequence[Closure], meter: Meter | None) -> Closure:
    """`{name: a}`; null of null."""
    pairs = tuple(zip(names, items, strict=True))

    def run(value: Any, env: Any) -> Any:
        if value is None:
            return None
        made = {name: item(value, env) for name, item in pairs}
        return made if meter is None else meter.made(made)

    return run


def _maker(names: Sequence[str], wanted: Sequence[str]) -> Callable[[Any], dict[str, Any]]:
    """Makes one small object out of another. Spelled out up to four names: twice as fast as a loop over them."""
    pairs = tuple(zip(names, wanted, strict=True))
    match pairs:
        case ((a, x),):
            return lambda value: {a: value[x]}
        case ((a, x), (b, y)):
            return lambda value: {a: value[x], b: value[y]}
        case ((a, x), (b, y), (c, z)):
            return lambda value: {a: value[x], b: value[y], c: value[z]}
        case ((a, x), (b, y), (c, z), (d, w)):
            return lambda value: {a: value[x], b: value[y], c: value[z], d: value[w]}
    return lambda value: {name: value[field] for name, field in pairs}


def picked(names: Sequence[str], wanted: Sequence[str]) -> Closure:
    """`{name: a, other: b}` with nothing but names of the value itself."""
    make = _maker(names, wanted)
    slow = multi_dict(names, [_field(name) for name in wanted], None)

    def run(value: Any, env: Any) -> Any:
        try:
            return make(value)
        except _MISS:
            return slow(value, env)

    return run


def flat_picked(base: Closure, names: Sequence[str], wanted: Sequence[str]) -> Closure:
    """`base[].{name: a, other: b}`: lists of small objects are what mappings are made of."""
    make = _maker(names, wanted)
    slow = picked(names, wanted)
    most = MAX_NODES // (len(names) + 1)

    def run(value: Any, env: Any) -> Any:
        items = base(value, env)
        if type(items) is not list:
            return None
        try:
            found: list[Any] = list(map(make, items))
        except _MISS:
            found = _kept([slow(item, env) for item in merged(items, None)])
        if len(found) > most:
            raise too_many()
        return found

    return run
