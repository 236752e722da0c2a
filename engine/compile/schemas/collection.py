"""All schemas of a project by name: checked once, compiled when first used, shared by everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from engine.compile.digests import content_digest
from engine.compile.report import Place, Report
from engine.compile.schemas.check import check_schema
from engine.compile.schemas.validator import NoSchema, SchemaValidator
from engine.config.project import Project
from engine.expr.shape import UNKNOWN, Shape
from engine.plugins.build import Validator


class Schemas:
    """Schemas by `name@n`. A schema with findings has no validator and an unknown shape, so it causes no others."""

    def __init__(self, project: Project, report: Report) -> None:
        self._loaded = project.schemas
        self._report = report
        self._usable: dict[str, bool] = {}
        self._validators: dict[str, Validator] = {}
        self._shapes: dict[str, Shape] = {}
        self._digests: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        return list(self._loaded)

    def check(self) -> None:
        """Findings about the form of every schema."""
        for name, loaded in self._loaded.items():
            place = Place(self._report, loaded.document)
            self._usable[name] = check_schema(place, loaded.document.data, self._loaded)
        for name, loaded in self._loaded.items():
            if self._usable[name]:
                self._check_defaults(Place(self._report, loaded.document), loaded.document.data)

    def raw(self, name: str) -> Mapping[str, Any] | None:
        """The schema as it is written; None when there is none or it has findings."""
        loaded = self._loaded.get(name)
        return loaded.document.data if loaded is not None and self._usable.get(name, True) else None

    def validator(self, name: str) -> Validator:
        """Compiled once. Passes everything when there is no usable schema of that name."""
        if name not in self._validators:
            schema = self.raw(name)
            complete = schema is not None and all(self.raw(other) is not None for other in self._referred(name))
            self._validators[name] = self._compiled(name, schema) if schema and complete else NoSchema(name)
        return self._validators[name]

    def _compiled(self, name: str, schema: Mapping[str, Any]) -> Validator:
        try:
            return SchemaValidator(name, schema, self.raw)
        except ValueError as error:
            said = str(error).partition("\n")[0]
            place = Place(self._report, self._loaded[name].document)
            place.finding("TF3511", f"this schema cannot be compiled: {said}", help="see JSON Schema 2020-12")
            self._usable[name] = False
            return NoSchema(name)

    def shape(self, name: str) -> Shape:
        """What is known of a document that follows the schema."""
        if name not in self._shapes:
            schema = self.raw(name)
            self._shapes[name] = UNKNOWN if schema is None else Shape.from_schema(schema, self.raw)
        return self._shapes[name]

    def digest(self, name: str) -> str:
        """Over the schema and everything it refers to."""
        if name not in self._digests:
            parts = {other: self.raw(other) for other in (name, *self._referred(name))}
            self._digests[name] = content_digest("schema", parts)
        return self._digests[name]

    def _referred(self, name: str) -> list[str]:
        """Names of the schemas a schema leads to."""
        found: list[str] = []
        waiting = [name]
        while waiting:
            schema = self.raw(waiting.pop())
            for ref in _refs(schema):
                if ref not in found and ref != name:
                    found.append(ref)
                    waiting.append(ref)
        return found

    def _check_defaults(self, place: Place, schema: Any) -> None:
        if isinstance(schema, list):
            for index, item in enumerate(schema):
                self._check_defaults(place.at(index), item)
        if not isinstance(schema, Mapping):
            return
        if "default" in schema and "$ref" not in schema:
            self._check_default(place, schema)
        for word, value in schema.items():
            if word not in ("default", "const", "enum", "examples", "x-tillflow"):
                self._check_defaults(place.at(word), value)

    def _check_default(self, place: Place, schema: Mapping[str, Any]) -> None:
        if any(True for _ in _refs(schema)) or isinstance(schema.get("type"), Mapping):
            return  # a property that is called `default`
        wrong = next(jsonschema_rs.Draft202012Validator(dict(schema)).iter_errors(schema["default"]), None)
        if wrong is not None:
            place.at("default").finding(
                "TF3517",
                f"this default is not valid: {wrong.message}",
                help="write a value the schema itself allows, or leave `default` out",
            )


def _refs(schema: Any) -> list[str]:
    if isinstance(schema, Mapping):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [ref for value in schema.values() for ref in _refs(value)]
    if isinstance(schema, list):
        return [ref for item in schema for ref in _refs(item)]
    return []
