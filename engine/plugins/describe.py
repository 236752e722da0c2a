"""What a plugin's Config says of its fields, as plain rows: the source of reference pages and editor schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, RootModel

from engine.plugins.registry import Registry
from engine.plugins.spec import ComponentSpec


@dataclass(frozen=True)
class Field:
    """One field of a Config. `path` is dotted, `[]` for items; `kind` is `expression`, `duration`, `text`, ..."""

    path: str
    kind: str
    required: bool
    description: str
    default: Any = None
    example: Any = None
    choices: tuple[Any, ...] = ()


def config_schema(config: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema of a Config as it is written in YAML."""
    return config.model_json_schema(by_alias=True)


def fields_of(config: type[BaseModel]) -> list[Field]:
    """All fields, nested ones too, in the order they are declared."""
    schema = config_schema(config)
    defs = schema.get("$defs", {})
    if "properties" not in schema and issubclass(config, RootModel):
        return list(_whole(schema, defs))
    return list(_fields(schema, defs, "", ()))


def _whole(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[Field]:
    """Of a Config that is one value or a list: the value itself, under an empty path, then what is inside it."""
    yield _field("", schema, defs, True)
    for prefix, ref in _nested("", schema):
        if ref in defs:
            yield from _fields(defs[ref], defs, prefix, (ref,))


def _fields(
    schema: Mapping[str, Any], defs: Mapping[str, Any], prefix: str, inside: tuple[str, ...]
) -> Iterator[Field]:
    required = set(schema.get("required", ()))
    for name, raw in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield _field(path, raw, defs, name in required)
        for nested_prefix, ref in _nested(path, raw):
            if ref not in inside and ref in defs:
                yield from _fields(defs[ref], defs, nested_prefix, (*inside, ref))


def _field(path: str, raw: Mapping[str, Any], defs: Mapping[str, Any], required: bool) -> Field:
    examples = raw.get("examples") or [None]
    kind, default = kind_of(raw, defs), raw.get("default")
    if isinstance(default, int | float) and kind in _UNITS:
        default = _as_written(default, _UNITS[kind])  # not in the seconds or bytes it is read as
    return Field(
        path=path,
        kind=kind,
        required=required,
        description=str(raw.get("description", "")),
        default=default,
        example=examples[0],
        choices=tuple(raw.get("enum", ())),
    )


_UNITS = {
    "duration": (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)),
    "size": (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)),
}


def _as_written(value: float, units: tuple[tuple[str, int], ...]) -> str:
    """In the largest unit that gives a whole number, the smallest where none does."""
    name, of = next(((name, of) for name, of in units if value and value % of == 0), units[-1])
    return f"{value / of:.12g}{name}"


def _nested(path: str, raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(prefix, definition) of the objects inside a field."""
    if "$ref" in raw:
        yield path, str(raw["$ref"]).rpartition("/")[2]
    for word in ("anyOf", "oneOf", "allOf"):
        for option in raw.get(word, ()):
            yield from _nested(path, option)
    if isinstance(raw.get("items"), Mapping):
        yield from _nested(f"{path}[]", raw["items"])
    if isinstance(raw.get("additionalProperties"), Mapping):
        yield from _nested(f"{path}.<name>", raw["additionalProperties"])


def kind_of(raw: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """What a field holds, in one or two words."""
    if "x-tillflow-kind" in raw:
        return str(raw["x-tillflow-kind"])
    if "$ref" in raw:
        name = str(raw["$ref"]).rpartition("/")[2]
        return kind_of(defs[name], defs) if name in defs else name
    if "enum" in raw or "const" in raw:
        return "one of " + ", ".join(map(str, raw.get("enum", [raw.get("const")])))
    options = [option for word in ("anyOf", "oneOf") for option in raw.get(word, ()) if option.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(kind_of(option, defs) for option in options))
    if raw.get("type") == "array":
        return f"list of {kind_of(raw.get('items', {}), defs)}"
    names = {"string": "text", "object": "block", "boolean": "yes/no", "integer": "whole number"}
    return names.get(str(raw.get("type", "")), str(raw.get("type", "any value")))


def incomplete(registry: Registry) -> list[str]:
    """What is missing before the reference and the editor schema can be built: a sentence per gap."""
    gaps = [f"{spec.kind} {spec.name}: {gap}" for spec in registry.specs() for gap in _gaps(spec)]
    for connector in registry.connectors.values():
        config = getattr(connector.connection, "Config", None)
        if config is not None:
            gaps += [f"connection {connector.name}: {gap}" for gap in _undescribed(config)]
        if not connector.summary:
            gaps.append(f"connector {connector.name}: it has no summary")
    return gaps


def _gaps(spec: ComponentSpec) -> Iterator[str]:
    if spec.config is not None:
        yield from _undescribed(spec.config)
    for name, action in getattr(spec.target, "actions", {}).items():
        if not action.summary:
            yield f"action {name} has no summary"
        yield from (f"action {name}: {gap}" for gap in _undescribed(action.config))


def _undescribed(config: type[BaseModel]) -> Iterator[str]:
    for field in fields_of(config):
        if not field.description and not field.path.endswith("[]"):
            yield f"field {field.path} has no description"
