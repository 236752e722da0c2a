"""Shapes: out of JSON Schema, extended by steps, and inferred from expressions."""

from __future__ import annotations

from typing import Any

import pytest

from engine.expr.jmes import compile_expression
from engine.expr.shape import UNKNOWN, Known, Shape, infer
from tests.expr.support import SALE, problems


def shape(schema: dict[str, Any], others: dict[str, Any] | None = None) -> Shape:
    return Shape.from_schema(schema, (others or {}).get)


def test_declared_names_are_what_is_known() -> None:
    listed = shape({"type": "object", "properties": {"a": {"type": "string"}}})
    assert listed.has("a") and not listed.has("b")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "number"}},
        {"type": "object", "properties": {"a": {}}, "patternProperties": {"^x": {}}},
        {},
    ],
)
def test_an_open_object_may_have_any_name(schema: dict[str, Any]) -> None:
    assert shape(schema).has("b")


def test_an_object_closed_without_names_has_none() -> None:
    assert not shape({"type": "object", "additionalProperties": False}).has("a")


def test_additional_properties_have_their_shape_and_may_be_missing() -> None:
    found = shape({"type": "object", "additionalProperties": {"type": "number"}}).at("x")
    assert found.kinds == {"number"} and found.maybe


def test_required_optional_and_defaulted() -> None:
    found = shape(
        {
            "type": "object",
            "required": ["a"],
            "properties": {
                "a": {"type": "string"},
                "b": {"type": "string"},
                "c": {"type": "boolean", "default": False},
            },
        }
    )
    assert (found.at("a").maybe, found.at("b").maybe, found.at("c").maybe) == (False, True, False)
    assert found.at("c").defaulted


def test_null_is_missing() -> None:
    assert shape({"type": ["string", "null"]}).maybe
    assert shape({"oneOf": [{"type": "string"}, {"type": "null"}]}).maybe
    assert shape({"enum": ["a", None]}).maybe


def test_references_inside_and_to_other_schemas() -> None:
    product = {
        "$id": "product@1",
        "type": "object",
        "properties": {"sku": {"$ref": "#/$defs/code"}},
        "$defs": {"code": {"type": "string"}},
    }
    found = shape(
        {
            "type": "object",
            "properties": {"p": {"$ref": "product@1"}, "q": {"$ref": "product@1#/$defs/code"}, "r": {"$ref": "gone@1"}},
        },
        {"product@1": product},
    )
    assert found.along(["p", "sku"]).kinds == {"text"}
    assert found.at("q").kinds == {"text"}
    assert not found.at("r").known


def test_a_circle_of_references_ends() -> None:
    tree = {
        "$id": "t@1",
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    }
    found = shape(tree, {"t@1": tree})
    assert found.along(["children", "[]", "name"]).kinds == {"text"}
    assert found.along(["children", "[]", "children", "[]", "children", "[]", "x"]) == UNKNOWN


def test_unions_know_the_names_of_both_and_are_sure_of_what_both_have() -> None:
    text = {"type": "string"}
    one = {"type": "object", "required": ["a", "b"], "properties": {"a": text, "b": text}}
    other = {"type": "object", "required": ["a", "c"], "properties": {"a": {"type": "number"}, "c": text}}
    found = shape({"oneOf": [one, other]})
    assert found.at("a").kinds == {"text", "number"} and not found.at("a").maybe
    assert found.at("b").maybe and found.at("c").maybe and not found.has("d")


def test_all_of_is_both() -> None:
    found = shape(
        {"allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}},
        ]}
    )  # fmt: skip
    assert not found.at("a").maybe and found.at("b").kinds == {"number"} and not found.has("c")


def test_a_condition_in_a_schema_adds_names_that_may_be_missing() -> None:
    found = shape(
        {
            "type": "object",
            "properties": {"k": {"const": "x"}},
            "then": {"properties": {"b": {"type": "string"}}, "required": ["b"]},
        }
    )
    assert found.at("b").maybe and found.at("k").choices == ("x",)


def test_an_element_of_a_fixed_list_is_any_of_its_parts() -> None:
    found = shape({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": False})
    assert found.item().kinds == {"text", "number"}


def test_what_a_step_adds_is_there() -> None:
    product = Shape.of_object({"revenue_account": Shape.of("text")})
    added = SALE.with_path(("lines", "[]", "product"), product).with_path(("customer", "score"), Shape.of("number"))
    assert problems("lines[].product.revenue_account", added) == []
    assert problems("customer.score", added) == []
    assert [e.suggestion for e in problems("lines[].product.revenu_account", added)] == ["revenue_account"]
    assert not SALE.along(["lines", "[]"]).has("product")


def test_a_name_put_into_an_unknown_document_is_known_and_leaves_the_rest_open() -> None:
    added = UNKNOWN.with_path(("row",), Shape.of_object({"id": Shape.of("text")}))
    assert problems("row.id", added) == [] and problems("anything", added) == []
    assert [e.code for e in problems("row.idd", added)] == ["TF2020"]


@pytest.mark.parametrize(
    ("expression", "kinds", "maybe"),
    [
        ("totals.net", {"number"}, False),
        ("customer.id", {"text"}, True),
        ("lines[0].sku", {"text"}, False),
        ("lines[5].sku", {"text"}, True),
        ("lines[].sku", {"list"}, False),
        ("lines[?net > `0`] | [0].sku", {"text"}, True),
        ("length(lines)", {"number"}, False),
        ("to_number(receipt_no)", {"number"}, True),
        ("date(business_date)", {"date"}, False),
        ("receipt_no == 'x'", {"yes/no"}, False),
        ("customer.id || 'none'", {"text"}, False),
        ("coalesce(customer.id, totals.net)", {"text", "number"}, False),
        ("if(is_true(training), 'a', totals.net)", {"text", "number"}, False),
        ("[receipt_no, totals.net]", {"list"}, False),
        ("{a: receipt_no}", {"object"}, False),
        ("`null`", set(), True),
        ("extensions.x.y", set(), True),
        ("first(lines).net", {"number"}, False),
        ("max_by(lines, &net).sku", {"text"}, False),
        ("merge(store, {extra: totals.net}).extra", {"number"}, False),
        ("index_by(lines, 'sku').x.net", {"number"}, True),
        ("sum_by(lines, 'sku', 'net').x", {"number"}, True),
        ("map(&sku, lines)[0]", {"text"}, True),
        ("values({a: `1`, b: 'x'})[0]", {"number", "text"}, True),
        ("@", {"object"}, False),
        ("store.*", {"list"}, False),
        ("lines[0:2].net | [0]", {"number"}, True),
        ("lines[*].[sku, net][] | [0]", {"text", "number"}, False),
    ],
)
def test_what_is_known_of_a_result(expression: str, kinds: set[str], maybe: bool) -> None:
    found = infer(compile_expression(expression), SALE)
    assert (set(found.kinds), found.maybe) == (kinds, maybe)


def test_inferred_objects_are_closed() -> None:
    found = infer(compile_expression("lines[].{no: line_no, article: sku}"), SALE)
    assert set(found.item().fields) == {"no", "article"} and not found.item().open


def test_rows_of_tables_and_parameters_have_shapes() -> None:
    known = Known(
        tables={"stores": Shape.of_object({"company": Shape.of("text")})},
        params={"posting": shape({"enum": ["line", "summary"]})},
    )
    assert problems("lookup('stores', store.id).company", SALE, "value", known) == []
    assert [e.suggestion for e in problems("lookup('stores', store.id).compny", SALE, "value", known)] == ["company"]
    assert [e.suggestion for e in problems("param('posting') == 'lin'", SALE, "condition", known)] == ["'line'"]
