"""Evaluating values of `with`, `set` and mappings: null is an error unless the value says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core.errors import Failure, KeyIncomplete, Permanent
from engine.core.quoting import short
from engine.expr.env import Env
from engine.plugins.fields import KeyExpr, ValueExpr


def evaluate(value: ValueExpr, data: Any, env: Env, field: str) -> list[Any]:
    """[made] or [] when an optional value is missing. Raises Permanent `missing-value` naming the field."""
    if value.template is not None:
        return [value.template.render(data, env)]
    if value.fields is not None:
        return [_object(value.fields, data, env, field)]
    if value.expr is None:
        return [value.const]
    try:
        made = value.expr(data, env)
    except Failure as failure:
        failure.data = {"field": field, **failure.data}
        raise
    if made is not None and value.values is not None:
        made = _translated(value, made, field)
    if made is not None:
        return [made]
    if value.has_default:
        return [value.default]
    if value.optional:
        return []
    raise Permanent(
        "missing-value", f"field `{field}`: `{short(value.expr.text)}` gives nothing", data={"field": field}
    )


def constants(values: Mapping[str, ValueExpr]) -> dict[str, Any]:
    """Those that are the same for every event."""
    found = {name: value.const for name, value in values.items() if _is_constant(value)}
    return found | {name: constants(value.fields) for name, value in values.items() if value.fields is not None}


def _is_constant(value: ValueExpr) -> bool:
    return value.expr is None and value.template is None and value.fields is None


def _object(fields: dict[str, ValueExpr], data: Any, env: Env, field: str) -> dict[str, Any]:
    return {name: made for name, value in fields.items() for made in evaluate(value, data, env, f"{field}.{name}")}


def _translated(value: ValueExpr, made: Any, field: str) -> Any:
    assert value.values is not None
    if made in value.values:
        return value.values[made]
    if value.has_default:
        return value.default
    known = ", ".join(map(str, value.values))
    raise Permanent(
        "unknown-value",
        f"field `{field}`: no entry for {short(repr(made))}; known: {short(known)}",
        data={"field": field},
    )


def key_parts(key: KeyExpr, data: Any, env: Env) -> list[Any]:
    """Values of a key's parts. Raises KeyIncomplete naming the part that is missing."""
    values = [part.evaluate(data, env) for part in key.parts]
    if None in values:
        missing = key.parts[values.index(None)].text
        raise KeyIncomplete(f"`{short(missing)}` gives nothing", data={"part": missing})
    return values
