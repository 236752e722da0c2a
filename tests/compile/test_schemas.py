"""Schemas: validators that tell everything, exact numbers, and defaults filled in without changing the data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.compile.schemas.fill import compile_fill
from engine.compile.schemas.validator import SchemaValidator

STORE = {
    "$id": "store@1",
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "open": {"default": True}},
}
SALE = {
    "$id": "sale@2",
    "type": "object",
    "required": ["no", "lines"],
    "additionalProperties": False,
    "properties": {
        "no": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "training": {"type": "boolean", "default": False},
        "store": {"$ref": "store@1"},
        "total": {"type": "number", "multipleOf": Decimal("0.01")},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "properties": {"net": {"type": "number"}, "discount": {"default": 0}}},
        },
        "parts": {"type": "array", "items": {"$ref": "sale@2"}},
    },
}
KNOWN = {"store@1": STORE, "sale@2": SALE}


def validator() -> SchemaValidator:
    return SchemaValidator("sale@2", SALE, KNOWN.get)


def test_all_violations_with_their_pointers() -> None:
    found = validator().violations({"date": "14.03.2026", "store": {}, "lines": [], "a/b": 1})
    assert sorted(pointer for pointer, _ in found) == ["", "", "/date", "/lines", "/store"]


def test_the_data_is_not_quoted_in_violations() -> None:
    ((_, text),) = validator().violations({"no": "1", "lines": [{"net": "4111111111111111"}]})
    assert "4111" not in text and "number" in text


def test_at_most_so_many_violations() -> None:
    assert len(validator().violations({"no": "1", "lines": [{"net": "x"}] * 50}, limit=7)) == 7


@pytest.mark.parametrize("total", [Decimal("12.30"), 12, Decimal("1E+3"), Decimal("90071992547409931.01")])
def test_numbers_are_exact(total: Any) -> None:
    assert validator().violations({"no": "1", "lines": [{}], "total": total}) == []
    assert validator().violations({"no": "1", "lines": [{}], "total": total + Decimal("0.001")}) != []


def test_defaults_are_filled_where_a_property_is_missing() -> None:
    data = {"no": "1", "store": {"id": "0012"}, "lines": [{"discount": 5}, {}], "parts": [{"no": "2", "lines": []}]}
    filled = validator().filled(data)
    assert filled == {
        "no": "1",
        "training": False,
        "store": {"id": "0012", "open": True},
        "lines": [{"discount": 5}, {"discount": 0}],
        "parts": [{"no": "2", "training": False, "lines": []}],
    }
    assert data == {
        "no": "1",
        "store": {"id": "0012"},
        "lines": [{"discount": 5}, {}],
        "parts": [{"no": "2", "lines": []}],
    }


def test_what_needs_nothing_is_the_same_object() -> None:
    data = {"no": "1", "training": True, "lines": [{"discount": 1}]}
    assert validator().filled(data) is data
    assert validator().filled("not an object") == "not an object"


def test_defaults_of_all_parts_and_none_of_alternatives() -> None:
    schema = {"allOf": [{"properties": {"a": {"default": 1}}}], "anyOf": [{"properties": {"b": {"default": 2}}}]}
    fill = compile_fill(schema, KNOWN.get)
    assert fill is not None and fill({}) == {"a": 1}
    assert compile_fill({"type": "object"}, KNOWN.get) is None


def test_patterns_run_in_linear_time() -> None:
    evil = SchemaValidator("x@1", {"type": "string", "pattern": "^(a+)+$"}, KNOWN.get)
    assert evil.violations("a" * 50_000 + "!") != []
