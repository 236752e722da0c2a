"""The words of JSON Schema 2020-12 and of its tillflow additions, by what stands under them."""

from __future__ import annotations

SCHEMA_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
SCHEMA_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"}
    | {"unevaluatedItems", "unevaluatedProperties"}
)
VALUE = frozenset(
    {"$id", "$schema", "$ref", "$anchor", "$comment", "title", "description", "default", "examples", "deprecated"}
    | {"type", "enum", "const", "format", "pattern", "minLength", "maxLength", "multipleOf", "minimum", "maximum"}
    | {"exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains"}
    | {"required", "minProperties", "maxProperties", "dependentRequired", "readOnly", "writeOnly", "contentEncoding"}
)
TOP = frozenset({"x-tillflow", "compatible_with"})
KEYWORDS = SCHEMA_BY_NAME | SCHEMA_LIST | SCHEMA | VALUE

TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
FORMATS = frozenset(
    {
        "date",
        "time",
        "date-time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "uuid",
        "regex",
    }
    | {"json-pointer"}
)
