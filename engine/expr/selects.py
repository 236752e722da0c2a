"""Closures for multi-selects: small lists and objects made of parts of a value, the usual ones spelled out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.expr.limits import MAX_NODES, Meter, too_many
from engine.expr.paths import MISS, Closure, one_field
from engine.expr.projections import kept_of, merged


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
    slow = multi_dict(names, [one_field(name) for name in wanted], None)

    def run(value: Any, env: Any) -> Any:
        try:
            return make(value)
        except MISS:
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
        except MISS:
            found = kept_of([slow(item, env) for item in merged(items, None)])
        if len(found) > most:
            raise too_many()
        return found

    return run
