"""Closures for projections: one expression for every element of a list or object, and what is null left out."""

from __future__ import annotations

from typing import Any

from engine.expr.limits import MAX_NODES, Meter, too_many
from engine.expr.paths import MISS, Closure


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
        except MISS:
            return kept_of([item.get(name) if type(item) is dict else None for item in merged(items, meter)])
        return _capped(found)

    return run


def kept_of(found: list[Any]) -> list[Any]:
    """What is not null. Raises Refused for more than an expression may make."""
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
        return kept_of(items if each is None else [each(item, env) for item in items])

    return run


def project_values(base: Closure, each: Closure, meter: Meter | None) -> Closure:
    """`base.*.each`."""

    def run(value: Any, env: Any) -> Any:
        found = base(value, env)
        if type(found) is not dict:
            return None
        if meter is not None:
            meter.spend(len(found))
        return kept_of([each(item, env) for item in found.values()])

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
        return kept_of(kept if each is None else [each(item, env) for item in kept])

    return run
