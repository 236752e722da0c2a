"""All schemas of a project by name: checked once, compiled when first used, shared by everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from engine.compile.digests import content_digest
from engine.compile.report import Place, Report
from engine.compile.schemas.check import check_schema
from engine.compile.schemas.validator import NoSchema, SchemaValidator
from engine.config.models.schema import SchemaHead
from engine.config.project import Loaded, Project
from engine.expr.shape import UNKNOWN, Shape
from engine.plugins.build import Validator

Stamp = tuple[tuple[str, str | None], ...]


class Schemas:
    """Schemas by `name@n`. A schema with findings has no validator and an unknown shape, so it causes no others.

    before    those of the compilation before: what was made of one that stayed as it was is taken from them
    asked     names of those that something was made of
    refused   some schema was found to be unusable only when it was compiled
    """

    def __init__(self, project: Project, report: Report, before: Schemas | None = None) -> None:
        self._loaded = project.schemas
        self._report = report
        self._before = before
        self._usable: dict[str, bool] = {}
        self._flawless: set[str] = set()
        self._validators: dict[str, Validator] = {}
        self._shapes: dict[str, Shape] = {}
        self._digests: dict[str, str] = {}
        self._refs: dict[str, list[str]] = {}
        self._stamps: dict[str, Stamp] = {}
        self.asked: set[str] = set()
        self.refused = False
        if before is not None:
            before._before = None

    @property
    def names(self) -> list[str]:
        return list(self._loaded)

    def check(self) -> None:
        """Findings about the form of every schema."""
        for name, loaded in self._loaded.items():
            if self._was_flawless(name):
                self._usable[name] = True
                self._flawless.add(name)
            else:
                self._check(name, loaded)

    def _check(self, name: str, loaded: Loaded[SchemaHead]) -> None:
        place, said = Place(self._report, loaded.document), self._report.count
        self._usable[name] = check_schema(place, loaded.document.data, self._loaded)
        if self._usable[name]:
            self._check_defaults(place, loaded.document.data)
        if self._report.count == said:
            self._flawless.add(name)

    def _was_flawless(self, name: str) -> bool:
        """Nothing is to be said about what is written here, nor about the names it refers to."""
        before = self._before
        if before is None or name not in before._flawless or before._loaded[name] is not self._loaded[name]:
            return False
        return all(ref in self._loaded for ref in self._refs_in(name))

    def raw(self, name: str) -> Mapping[str, Any] | None:
        """The schema as it is written; None when there is none or it has findings."""
        self.asked.add(name)
        loaded = self._loaded.get(name)
        return loaded.document.data if loaded is not None and self._usable.get(name, True) else None

    def validator(self, name: str) -> Validator:
        """Compiled once. Passes everything when there is no usable schema of that name."""
        self.asked.add(name)
        if name not in self._validators:
            known = self._before._validators.get(name) if self._unchanged(name) and self._before is not None else None
            self._validators[name] = known or self._new_validator(name)
        return self._validators[name]

    def _new_validator(self, name: str) -> Validator:
        schema = self.raw(name)
        complete = schema is not None and all(self.raw(other) is not None for other in self._referred(name))
        return self._compiled(name, schema) if schema and complete else NoSchema(name)

    def _compiled(self, name: str, schema: Mapping[str, Any]) -> Validator:
        try:
            return SchemaValidator(name, schema, self.raw)
        except ValueError as error:
            said = str(error).partition("\n")[0]
            place = Place(self._report, self._loaded[name].document)
            place.finding("TF3511", f"this schema cannot be compiled: {said}", help="see JSON Schema 2020-12")
            self._usable[name] = False
            self.refused = True
            return NoSchema(name)

    def shape(self, name: str) -> Shape:
        """What is known of a document that follows the schema."""
        self.asked.add(name)
        if name not in self._shapes:
            known = self._before._shapes.get(name) if self._unchanged(name) and self._before is not None else None
            self._shapes[name] = known or self._new_shape(name)
        return self._shapes[name]

    def _new_shape(self, name: str) -> Shape:
        schema = self.raw(name)
        return UNKNOWN if schema is None else Shape.from_schema(schema, self.raw)

    def digest(self, name: str) -> str:
        """Over the schema and everything it refers to."""
        self.asked.add(name)
        if name not in self._digests:
            known = self._before._digests.get(name) if self._unchanged(name) and self._before is not None else None
            self._digests[name] = known or self._new_digest(name)
        return self._digests[name]

    def _new_digest(self, name: str) -> str:
        return content_digest("schema", {other: self.raw(other) for other in (name, *self._referred(name))})

    def stamp(self, name: str) -> Stamp:
        """Another one as soon as the schema, or one it refers to, is written otherwise or has findings."""
        if name not in self._stamps:
            self._stamps[name] = tuple((other, self._text(other)) for other in (name, *self._referred(name)))
        return self._stamps[name]

    def _unchanged(self, name: str) -> bool:
        return self._before is not None and self._before.stamp(name) == self.stamp(name)

    def _text(self, name: str) -> str | None:
        return self._loaded[name].document.text if self.raw(name) is not None else None

    def _referred(self, name: str) -> list[str]:
        """Names of the schemas a schema leads to."""
        found: list[str] = []
        waiting = [name]
        while waiting:
            for ref in self._refs_in(waiting.pop()):
                if ref not in found and ref != name:
                    found.append(ref)
                    waiting.append(ref)
        return found

    def _refs_in(self, name: str) -> list[str]:
        """Names that stand in a schema itself; none where it cannot be used."""
        schema = self.raw(name)
        if schema is None:
            return []
        if name not in self._refs:
            before = self._before
            same = before is not None and before._loaded.get(name) is self._loaded[name]
            known = before._refs.get(name) if before is not None and same else None
            self._refs[name] = _refs(schema) if known is None else known
        return self._refs[name]

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
