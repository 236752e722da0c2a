"""Is a schema file written right? JSON Schema itself passes over a misspelt word in silence; this does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from engine.compile.report import Place
from engine.compile.schemas import keywords
from engine.config.nearest import suggestion

_META = jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"})


def check_schema(place: Place, schema: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Report what is wrong with the form of a schema; `names` are those a `$ref` may name. True when usable."""
    checker = _Checker(names)
    checker.schema(place, schema, top=True)
    for error in _META.iter_errors(dict(schema)):
        at = place.at(*error.instance_path)
        if at.path in checker.reported:
            continue
        checker.usable = False
        at.finding("TF3511", f"this is not valid JSON Schema: {error.message}")
    return checker.usable


class _Checker:
    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self.usable = True
        self.reported: set[tuple[str | int, ...]] = set()

    def schema(self, place: Place, schema: Any, top: bool = False) -> None:
        if not isinstance(schema, Mapping):
            return
        known = keywords.KEYWORDS | keywords.TOP if top else keywords.KEYWORDS
        for word in schema:
            if word not in known:
                self._wrong(place.at(word))
                place.at(word).unknown("TF3510", "word of a schema called", str(word), known, key=True)
        self._values(place, schema)
        self._required(place, schema)
        for at, inner in _inside(place, schema):
            self.schema(at, inner)

    def _values(self, place: Place, schema: Mapping[str, Any]) -> None:
        kinds = schema.get("type")
        for at, kind in _one_or_list(place.at("type"), kinds):
            if isinstance(kind, str) and kind not in keywords.TYPES:
                self._wrong(at, place.at("type"))
                at.unknown("TF3511", "type", kind, keywords.TYPES)
        format_ = schema.get("format")
        if isinstance(format_, str) and format_ not in keywords.FORMATS:
            self._wrong(place.at("format"))
            place.at("format").unknown("TF3511", "text format", format_, keywords.FORMATS)
        self._pattern(place.at("pattern"), schema.get("pattern"))
        for name in schema["patternProperties"] if isinstance(schema.get("patternProperties"), Mapping) else ():
            self._pattern(place.at("patternProperties", name), name)
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref not in self._names:
            self._wrong(place.at("$ref"))
            place.at("$ref").unknown("TF3003", "schema", ref, self._names)

    def _pattern(self, place: Place, pattern: Any) -> None:
        """Regular expressions run in linear time, so some forms of other engines are not known."""
        if not isinstance(pattern, str):
            return
        try:
            jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
        except ValueError:
            self._wrong(place)
            advice = "write it without look-around and back references, and close every bracket"
            place.finding("TF3511", f"`{pattern}` is not a regular expression that runs in linear time", help=advice)

    def _required(self, place: Place, schema: Mapping[str, Any]) -> None:
        properties, required = schema.get("properties"), schema.get("required")
        if not isinstance(properties, Mapping) or not isinstance(required, list):
            return
        for index, name in enumerate(required):
            if not isinstance(name, str) or name in properties:
                continue
            at = place.at("required", index)
            at.unknown(
                "TF3513", "property", name, properties, why="it is required here and not described under `properties`"
            )
            near = suggestion(name, [p for p in properties if p not in required])
            if near:
                advice = f"`required` says `{name}`"
                place.at("properties", near).finding(
                    "TF3513",
                    f"property `{near}` looks like the required `{name}`",
                    key=True,
                    help=advice,
                    suggestion=name,
                )

    def _wrong(self, *places: Place) -> None:
        self.usable = False
        self.reported.update(place.path for place in places)


def _one_or_list(place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, list):
        yield from ((place.at(index), item) for index, item in enumerate(value))
    else:
        yield place, value


def _inside(place: Place, schema: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    for word, value in schema.items():
        if word in keywords.SCHEMA:
            yield place.at(word), value
        elif word in keywords.SCHEMA_LIST and isinstance(value, list):
            yield from ((place.at(word, index), item) for index, item in enumerate(value))
        elif word in keywords.SCHEMA_BY_NAME and isinstance(value, Mapping):
            yield from ((place.at(word, name), item) for name, item in value.items())
