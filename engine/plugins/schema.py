"""JSON Schema 2020-12 of the project's files, from the installed plugins, so that an editor completes and checks them.

The skeleton of a file says which keys stand where; the bodies that belong to a plugin come from the plugin's Config.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from engine.plugins.describe import config_schema
from engine.plugins.registry import Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VALUE = {
    "description": "an expression, or {expr | template | const} with optional, default, values",
    "anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1}],
}


def file_schemas(registry: Registry, skeletons: Mapping[str, type[BaseModel]]) -> dict[str, dict[str, Any]]:
    """Kind of file (`route`, `connections`, ...) -> schema. `skeletons` are the models of those files.

    Definitions named StepDoc, FromDoc, SinkDoc and ConnectionDoc are replaced by what the plugins say.
    """
    return {kind: _Assembly(registry).file(kind, model) for kind, model in skeletons.items()}


class _Assembly:
    """One schema being put together; definitions of plugins are shared inside it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._defs: dict[str, Any] = {}

    def file(self, kind: str, model: type[BaseModel]) -> dict[str, Any]:
        schema = config_schema(model)
        made: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "StepDoc": self._step,
            "FromDoc": self._source,
            "SinkDoc": self._sink,
            "ConnectionDoc": self._connection,
        }
        own = schema.pop("$defs", {})
        for name, definition in own.items():
            self._defs[name] = made[name](definition) if name in made else definition
        _point_steps(self._defs)
        return {"$schema": DIALECT, **schema, "title": f"tillflow {kind} file", "$defs": self._defs}

    def _step(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        properties = {name: s for name, s in skeleton["properties"].items() if name not in ("type", "body")}
        types = sorted(self._registry.steps)
        for name in types:
            spec = self._registry.steps[name]
            body = self._embedded(f"step.{name}", spec.config) if spec.config else {}
            properties[name] = {"description": spec.summary, **body}
        return {
            "type": "object",
            "description": skeleton.get("description", ""),
            "properties": properties,
            "additionalProperties": False,
            "oneOf": [{"required": [name]} for name in types],
            "if": {"not": {"required": ["slot"]}},
            "then": {"required": ["id"]},
        }

    def _source(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        sources = {name: spec.config for name, spec in self._registry.sources.items() if spec.config}
        return self._by_key(skeleton, "use", self._registry.sources, sources, "source")

    def _connection(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        configs = {
            name: config
            for name, connector in self._registry.connectors.items()
            if (config := getattr(connector.connection, "Config", None))
        }
        return self._by_key(skeleton, "connector", configs, configs, "connection")

    def _by_key(
        self,
        skeleton: dict[str, Any],
        key: str,
        names: Mapping[str, Any],
        configs: Mapping[str, type[BaseModel]],
        prefix: str,
    ) -> dict[str, Any]:
        """The skeleton, in which the value of `key` decides which further fields there are."""
        branches = []
        for name, config in sorted(configs.items()):
            body = self._inline(f"{prefix}.{name}", config)
            fields = {word: body[word] for word in ("properties", "required") if word in body}
            branches.append({"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": fields})
        made = {word: value for word, value in skeleton.items() if word != "additionalProperties"}
        made["properties"] = {**skeleton["properties"], key: {"enum": sorted(names)}}
        return {**made, "allOf": branches, "unevaluatedProperties": False}

    def _sink(self, skeleton: dict[str, Any]) -> dict[str, Any]:
        branches: list[dict[str, Any]] = []
        for name, spec in sorted(self._registry.sinks.items()):
            actions = getattr(spec.target, "actions", {})
            chosen = {"properties": {"use": {"const": name}}, "required": ["use"]}
            branches.append({"if": chosen, "then": {"properties": {"action": {"enum": sorted(actions)}}}})
            branches += [self._action(name, action, spec_.config) for action, spec_ in sorted(actions.items())]
        made = dict(skeleton)
        made["properties"] = {**skeleton["properties"], "use": {"enum": sorted(self._registry.sinks)}}
        return {**made, "allOf": branches}

    def _action(self, use: str, action: str, config: type[BaseModel]) -> dict[str, Any]:
        properties = {
            name: {**VALUE, **_described(s)} for name, s in config_schema(config).get("properties", {}).items()
        }
        chosen = {"properties": {"use": {"const": use}, "action": {"const": action}}, "required": ["use", "action"]}
        values = {"type": "object", "properties": properties, "additionalProperties": False}
        return {"if": chosen, "then": {"properties": {"with": values}}}

    def _embedded(self, name: str, config: type[BaseModel]) -> dict[str, Any]:
        self._defs[name] = self._inline(name, config)
        return {"$ref": f"#/$defs/{name}"}

    def _inline(self, name: str, config: type[BaseModel]) -> dict[str, Any]:
        """The Config's schema; its own definitions are moved here under names of their own."""
        schema = config_schema(config)
        for inner, definition in schema.pop("$defs", {}).items():
            self._defs[f"{name}.{inner}"] = _moved(definition, name)
        moved: dict[str, Any] = _moved(schema, name)
        return moved


def _described(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": schema["description"]} if "description" in schema else {}


def _moved(schema: Any, prefix: str) -> Any:
    if isinstance(schema, Mapping):
        return {
            word: value.replace("#/$defs/", f"#/$defs/{prefix}.")
            if word == "$ref" and isinstance(value, str)
            else _moved(value, prefix)
            for word, value in schema.items()
        }
    if isinstance(schema, list):
        return [_moved(item, prefix) for item in schema]
    return schema


def _point_steps(schema: Any) -> None:
    """Nested steps are steps."""
    if isinstance(schema, dict):
        if schema.get("x-tillflow-kind") == "steps":
            schema["items"] = {"$ref": "#/$defs/StepDoc"}
        for value in schema.values():
            _point_steps(value)
    elif isinstance(schema, list):
        for item in schema:
            _point_steps(item)
