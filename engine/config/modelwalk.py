"""Which pydantic model describes a place inside another model's data, and where else a key would be valid."""

from __future__ import annotations

import types
import typing
from collections.abc import Hashable, Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

Model: TypeAlias = type[BaseModel]


@cache
def keys_of(model: Model) -> dict[str, FieldInfo]:
    """The keys of a model as they are written, with their fields."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inner(annotation: Any) -> Iterator[Any]:
    """Annotations inside Optional, Annotated, list and dict."""
    origin = typing.get_origin(annotation)
    if origin is None:
        yield annotation
        return
    args = typing.get_args(annotation)
    if origin is typing.Annotated:
        yield from _inner(args[0])
    elif origin in (typing.Union, types.UnionType) or origin in (list, tuple):
        for arg in args:
            yield from _inner(arg)
    elif origin is dict:
        yield from _inner(args[1])


def models_in(annotation: Any) -> tuple[Model, ...]:
    """The models a field's value (or its items) may be of."""
    return _models_in(annotation)


@cache
def _models_in(annotation: Hashable) -> tuple[Model, ...]:
    return tuple(a for a in _inner(annotation) if isinstance(a, type) and issubclass(a, BaseModel))


def model_at(model: Model, path: Sequence[str | int]) -> Model | None:
    """The model of the block at `path`; None where the model says nothing."""
    current, skipping = _unwrapped(model)  # skipping: the next part is an index or a free name, no key of a model
    for part in path:
        if current is None:
            return None
        field = None if isinstance(part, int) else keys_of(current).get(part)
        if field is None or skipping:
            skipping = False
            continue
        inside = models_in(field.annotation)
        current = inside[0] if inside else None
        skipping = _has_names(field.annotation)
    return current


def _unwrapped(model: Model) -> tuple[Model | None, bool]:
    """The model inside a RootModel, which has no key of its own."""
    if not issubclass(model, RootModel):
        return model, False
    annotation = model.model_fields["root"].annotation
    inside = models_in(annotation)
    return (inside[0] if inside else None), _has_names(annotation)


def _has_names(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _has_names(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return any(_has_names(arg) for arg in typing.get_args(annotation))
    return origin is dict


@cache
def below(model: Model) -> dict[str, tuple[str, ...]]:
    """Keys valid one level further down: key -> the keys of `model` it may stand under."""
    found: dict[str, list[str]] = {}
    for name, field in keys_of(model).items():
        for inner in models_in(field.annotation):
            for key in keys_of(inner):
                found.setdefault(key, []).append(name)
    return {key: tuple(names) for key, names in found.items()}


@cache
def anywhere(model: Model) -> dict[str, str]:
    """Keys valid somewhere in a file: key -> dotted place, the shallowest first."""
    found: dict[str, str] = {}
    level: list[tuple[str, Model]] = [("", model)]
    seen: set[Model] = set()
    while level:
        following: list[tuple[str, Model]] = []
        for place, current in level:
            if current in seen:
                continue
            seen.add(current)
            for key, field in keys_of(current).items():
                found.setdefault(key, place)
                following += [(f"{place}.{key}" if place else key, inner) for inner in models_in(field.annotation)]
        level = following
    return found
