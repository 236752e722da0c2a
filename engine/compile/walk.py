"""Finding the typed values inside a Config: every expression, template and name with its place and kind."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel, RootModel

from engine.plugins.fields import Typed

Path = tuple[str | int, ...]


class Found(NamedTuple):
    """A value of a field type of `engine.plugins.fields`; `kind` is the type's word: expression, condition, key, ..."""

    kind: str
    value: Any
    path: Path


def typed_values(config: BaseModel) -> Iterator[Found]:
    """Everything typed in a Config, with paths as they are written in YAML."""
    yield from _model(config, ())


def _model(config: BaseModel, path: Path) -> Iterator[Found]:
    root = isinstance(config, RootModel)
    for name, alias, annotation, kind in _fields(type(config)):
        value = getattr(config, name)
        at = path if root else (*path, alias)
        if kind is None:
            yield from _value(annotation, value, at)
        elif value is not None:
            yield Found(kind, value, at)


@cache
def _fields(model: type[BaseModel]) -> list[tuple[str, str, Any, str | None]]:
    """(attribute, key in YAML, annotation, kind where the field itself is typed) of each field."""
    return [
        (name, info.alias or name, info.annotation, _kind(info.metadata)) for name, info in model.model_fields.items()
    ]


def _kind(metadata: Iterable[Any]) -> str | None:
    return next((note.kind for note in metadata if isinstance(note, Typed)), None)


def _value(annotation: Any, value: Any, path: Path) -> Iterator[Found]:
    if value is None:
        return
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        kind = _kind(annotation.__metadata__)
        if kind is not None:
            yield Found(kind, value, path)
        else:
            yield from _value(args[0], value, path)
    elif isinstance(value, BaseModel):
        yield from _model(value, path)
    elif origin in (typing.Union, types.UnionType):
        for option in args:
            if option is not type(None):
                yield from _value(option, value, path)
    elif origin in (list, tuple) and isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _value(args[0], item, (*path, index))
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from _value(args[1], item, (*path, name))
