"""Filling a schema's defaults into data, compiled once. Data is never changed in place: what is filled is copied.

Defaults are followed through `properties`, `items`, `allOf` and `$ref`. Below `anyOf` and `oneOf` nothing is filled,
because which branch applies would depend on the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
Fill = Callable[[Any], Any]
Resolve = Callable[[str], "Schema | None"]


def compile_fill(schema: Schema, resolve: Resolve) -> Fill | None:
    """A function that fills the defaults of `schema`; None when it has none. `resolve` finds a schema by `$ref`."""
    return _Compiler(resolve).fill(schema)


class _Compiler:
    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._by_ref: dict[str, Fill | None] = {}
        self._open: set[str] = set()

    def fill(self, schema: Any) -> Fill | None:
        if not isinstance(schema, Mapping):
            return None
        parts = [self._referred(schema), self._object(schema), self._array(schema)]
        for branch in schema.get("allOf") or ():
            parts.append(self.fill(branch))
        return _chain([part for part in parts if part is not None])

    def _referred(self, schema: Schema) -> Fill | None:
        ref = schema.get("$ref")
        if not isinstance(ref, str):
            return None
        if ref in self._open:
            return lambda data: self._late(ref, data)
        if ref not in self._by_ref:
            target = self._resolve(ref)
            self._open.add(ref)
            self._by_ref[ref] = self.fill(target) if target is not None else None
            self._open.discard(ref)
        return self._by_ref[ref]

    def _late(self, ref: str, data: Any) -> Any:
        """Of a schema that contains itself: known only when its outer part is compiled."""
        fill = self._by_ref.get(ref)
        return fill(data) if fill is not None else data

    def _object(self, schema: Schema) -> Fill | None:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return None
        defaults = [(name, s["default"]) for name, s in properties.items() if isinstance(s, Mapping) and "default" in s]
        inner = [(name, fill) for name, s in properties.items() if (fill := self.fill(s)) is not None]
        return _object_fill(defaults, inner) if defaults or inner else None

    def _array(self, schema: Schema) -> Fill | None:
        fill = self.fill(schema.get("items"))
        return _array_fill(fill) if fill is not None else None


def _chain(parts: Sequence[Fill]) -> Fill | None:
    if len(parts) <= 1:
        return parts[0] if parts else None

    def fill(data: Any) -> Any:
        for part in parts:
            data = part(data)
        return data

    return fill


def _object_fill(defaults: Sequence[tuple[str, Any]], inner: Sequence[tuple[str, Fill]]) -> Fill:
    def fill(data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        changed: dict[str, Any] = {}
        for name, value in defaults:
            if name not in data:
                changed[name] = value
        for name, part in inner:
            if name in data:
                before = data[name]
                after = part(before)
                if after is not before:
                    changed[name] = after
        return {**data, **changed} if changed else data

    return fill


def _array_fill(part: Fill) -> Fill:
    def fill(data: Any) -> Any:
        if not isinstance(data, list):
            return data
        filled = [part(item) for item in data]
        unchanged = all(after is before for after, before in zip(filled, data, strict=True))
        return data if unchanged else filled

    return fill
