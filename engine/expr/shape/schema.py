"""JSON Schema (2020-12) -> Shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine.expr.shape.model import UNKNOWN, SchemaResolver, Shape

_KINDS = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "yes/no",
    "array": "list",
    "object": "object",
}
_IMPLIED = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "items": "list",
    "minItems": "list",
    "pattern": "text",
    "minLength": "text",
}


def read_schema(schema: Mapping[str, Any], resolve: SchemaResolver | None) -> Shape:
    """The Shape of a schema document."""
    shape = _Reader(schema, resolve, ()).read(schema)
    return replace(shape, schema=str(schema.get("$id", "")))


class _Reader:
    """Reads one schema document. `trail` holds the references being followed, so that a circle ends."""

    def __init__(self, root: Mapping[str, Any], resolve: SchemaResolver | None, trail: tuple[str, ...]) -> None:
        self.root = root
        self.resolve = resolve
        self.trail = trail

    def read(self, schema: Any) -> Shape:
        """The Shape of a schema inside the document."""
        if not isinstance(schema, Mapping):
            return UNKNOWN
        shape = self._own(schema)
        if "$ref" in schema:
            shape = _both(shape, self._referenced(str(schema["$ref"])))
        for part in schema.get("allOf", ()):
            shape = _both(shape, self.read(part))
        for word in ("oneOf", "anyOf"):
            if schema.get(word):
                shape = _both(shape, self._union(schema[word]))
        for word in ("then", "else"):
            if word in schema:
                shape = _both(shape, _loose(self.read(schema[word])))
        return shape

    def _own(self, schema: Mapping[str, Any]) -> Shape:
        kinds, maybe = _kinds(schema)
        fields = self._fields(schema)
        extra = schema.get("additionalProperties")
        patterns = "patternProperties" in schema
        return Shape(
            kinds=frozenset(kinds),
            fields=fields,
            open=patterns or (extra is None and not fields) or bool(extra) or isinstance(extra, Mapping),
            others=self.read(extra) if isinstance(extra, Mapping) and extra and not patterns else None,
            element=self._element(schema),
            least=schema.get("minItems", 0),
            maybe=maybe,
            choices=_choices(schema),
            looks=str(schema.get("format", "")),
        )

    def _fields(self, schema: Mapping[str, Any]) -> dict[str, Shape]:
        required = {str(name) for name in schema.get("required", ())}
        fields: dict[str, Shape] = {}
        for name, inner in (schema.get("properties") or {}).items():
            shape = self.read(inner)
            if name not in required:
                given = isinstance(inner, Mapping) and inner.get("default") is not None
                shape = replace(shape, defaulted=True) if given else replace(shape, maybe=True)
            fields[str(name)] = shape
        return fields

    def _element(self, schema: Mapping[str, Any]) -> Shape | None:
        if "prefixItems" in schema:
            shapes = [self.read(part) for part in schema["prefixItems"]]
            if "items" in schema and schema["items"] is not False:
                shapes.append(self.read(schema["items"]))
            return _union_of(shapes)
        return self.read(schema["items"]) if "items" in schema else None

    def _union(self, parts: list[Any]) -> Shape:
        null = [part for part in parts if isinstance(part, Mapping) and part.get("type") == "null"]
        shape = _union_of([self.read(part) for part in parts if part not in null])
        return replace(shape, maybe=True) if null else shape

    def _referenced(self, reference: str) -> Shape:
        if reference in self.trail:
            return UNKNOWN
        name, _, pointer = reference.partition("#")
        trail = (*self.trail, reference)
        if not name or name == self.root.get("$id"):
            return _Reader(self.root, self.resolve, trail).read(_pointed(self.root, pointer))
        document = self.resolve(name) if self.resolve else None
        if document is None:
            return UNKNOWN
        return _Reader(document, self.resolve, trail).read(_pointed(document, pointer))


def _pointed(document: Mapping[str, Any], pointer: str) -> Any:
    found: Any = document
    for part in pointer.split("/")[1:]:
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _kinds(schema: Mapping[str, Any]) -> tuple[set[str], bool]:
    said = schema.get("type")
    names = [said] if isinstance(said, str) else list(said or ())
    kinds = {_KINDS[name] for name in names if name in _KINDS}
    if not names:
        kinds = {_kind_of(value) for value in _values(schema) if value is not None}
        kinds = kinds or {kind for word, kind in _IMPLIED.items() if word in schema}
    return kinds, "null" in names or None in _values(schema)


def _values(schema: Mapping[str, Any]) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _choices(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(value for value in _values(schema) if isinstance(value, str | int | Decimal | bool))


def _kind_of(value: Any) -> str:
    names = {str: "text", bool: "yes/no", list: "list", dict: "object"}
    return names.get(type(value), "number")


def _union_of(shapes: list[Shape]) -> Shape:
    if not shapes:
        return UNKNOWN
    result = shapes[0]
    for shape in shapes[1:]:
        result = result.union(shape)
    return result


def _loose(shape: Shape) -> Shape:
    """A part that holds only under a condition: its names are known, nothing of it is sure."""
    return replace(shape, fields={name: replace(inner, maybe=True) for name, inner in shape.fields.items()}, choices=())


def _both(left: Shape, right: Shape) -> Shape:
    """What is known of a value that is both."""
    if left == UNKNOWN or right == UNKNOWN:
        return left if right == UNKNOWN else right
    names = {**left.fields, **right.fields}
    kinds = left.kinds & right.kinds if left.kinds and right.kinds else left.kinds or right.kinds
    return Shape(
        kinds=kinds or left.kinds,
        fields={name: _field_of_both(left, right, name) for name in names},
        open=_open_of_both(left, right),
        others=left.others or right.others,
        element=_both(left.element, right.element) if left.element and right.element else left.element or right.element,
        least=max(left.least, right.least),
        maybe=left.maybe and right.maybe if left.kinds and right.kinds else left.maybe or right.maybe,
        choices=left.choices or right.choices,
        looks=left.looks or right.looks,
        schema=left.schema or right.schema,
    )


def _field_of_both(left: Shape, right: Shape, name: str) -> Shape:
    a, b = left.fields.get(name), right.fields.get(name)
    if a is None or b is None:
        return a or b or UNKNOWN
    return replace(_both(a.sure(), b.sure()), maybe=a.maybe and b.maybe, defaulted=a.defaulted and b.defaulted)


def _open_of_both(left: Shape, right: Shape) -> bool:
    """A side that lists names says which there are; a side that says nothing of names adds none."""
    sides = [side for side in (left, right) if side.fields or not side.open]
    return any(side.open for side in sides) if sides else True
