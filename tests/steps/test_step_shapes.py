"""What is known of the data after each step: later paths are checked against it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.expr.shape import Shape, check_expression
from tests.steps.support import TestBuild, World

SALE = {
    "type": "object",
    "required": ["no", "store", "lines"],
    "additionalProperties": False,
    "properties": {
        "no": {"type": "string"},
        "store": {"type": "object", "additionalProperties": False, "properties": {"id": {"type": "string"}}},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku"],
                "additionalProperties": False,
                "properties": {"sku": {"type": "string"}, "net": {"type": "number"}},
            },
        },
    },
}
PRODUCT = {"type": "object", "additionalProperties": False, "properties": {"name": {"type": "string"}}}
WORLD = World(
    schemas={"sale@1": SALE, "product@1": PRODUCT, "product.list@1": {"type": "array", "items": PRODUCT}},
    mappings={"to-product": {"output": "product@1", "fields": {"name": "no"}}, "free": {"fields": {"name": "no"}}},
    tables={"products": {"schema": "product@1", "rows": {}}},
    slots={"fiscal": [{"id": "f", "set": {"fiscal.hash": {"const": 1}}}]},
    sinks=("audit",),
    shape=Shape.from_schema(SALE, lambda name: None),
)
CALL = {"use": "core.http", "connection": "crm", "action": "get"}
ENRICH = {"each": {"in": "lines", "as": "line"}, "table": "products", "key": "line.sku", "into": "line.product"}


def after(*steps: dict[str, Any]) -> Shape:
    build = TestBuild(WORLD)
    sequence = build.sequence([{"id": f"s{n}", **step} for n, step in enumerate(steps)], build.shape)
    assert build.findings == []
    return sequence.shape(build.shape)


def wrong(shape: Shape, path: str) -> bool:
    return bool(check_expression(TestBuild(WORLD).expression(path), shape, "optional"))


@pytest.mark.parametrize(
    ("step", "there", "gone"),
    [
        ({"set": {"totals.net": {"const": 1}}}, ["totals.net", "no", "store.id"], ["total.net", "stoer.id"]),
        ({"enrich": ENRICH}, ["lines[].product.name", "lines[].sku", "no"], ["lines[].product.nmae", "lines[].prodct"]),
        ({"enrich": {"table": "products", "key": "no", "into": "p.x"}}, ["p.x.name", "no"], ["p.x.nmae", "p.y"]),
        ({"call": {**CALL, "into": "crm.found"}}, ["crm.found.anything", "no"], ["crm.fuond", "nr"]),
        ({"call": {**CALL, "into": "crm", "reply": "product@1"}}, ["crm.name", "no"], ["crm.nmae"]),
        ({"map": "to-product"}, ["name"], ["no", "nmae"]),
        ({"map": "free"}, ["name"], ["no", "nmae"]),
        ({"validate": "product@1"}, ["name"], ["no"]),
        ({"split": {"in": "lines", "key": "sku"}}, ["sku", "net"], ["no", "lines"]),
        ({"split": {"in": "lines", "as": "line", "key": "line.sku"}}, ["no", "line.net"], ["line.no"]),
        ({"keep": ["no", "lines[].sku"]}, ["no", "lines[].sku"], ["store", "lines[].net"]),
        ({"drop": ["store", "lines[].net"]}, ["no", "lines[].sku"], ["store", "lines[].net"]),
        ({"template": {"text": "x", "into": "mail.body"}}, ["mail.body", "no"], ["mail.bdoy"]),
        ({"slot": "fiscal"}, ["fiscal.hash", "no"], ["fiscal.hahs"]),
        ({"slot": "local"}, ["no"], ["local"]),
        ({"check": [{"that": "present(no)", "otherwise": {"work_item": "x"}}]}, ["no"], ["nr"]),
        ({"filter": {"reason": "x"}, "when": "no == 'x'"}, ["no"], ["nr"]),
        ({"mask": {"paths": ["store"]}}, ["store", "no"], ["nr"]),
        ({"wire_tap": {"sink": "audit"}}, ["no"], ["nr"]),
        ({"throttle": {"rate": "1/s"}}, ["no"], ["nr"]),
        ({"claim_check": {"path": "lines"}}, ["no", "lines"], ["nr"]),
    ],
)
def test_paths_after_a_step(step: dict[str, Any], there: list[str], gone: list[str]) -> None:
    shape = after(step)
    assert [path for path in there if wrong(shape, path)] == []
    assert [path for path in gone if not wrong(shape, path)] == []


def test_after_a_choose_what_any_branch_gives_may_be_read() -> None:
    branch = {"when": "no == 'x'", "steps": [{"id": "a", "set": {"x": {"const": 1}}}]}
    other = {"otherwise": True, "steps": [{"id": "b", "set": {"y": {"const": 1}}}]}
    shape = after({"choose": [branch, other]})
    assert not wrong(shape, "x")
    assert not wrong(shape, "y")
    assert not wrong(shape, "no")
    assert wrong(shape, "z")


def test_after_a_step_with_a_condition_both_may_be() -> None:
    shape = after({"map": "to-product", "when": "no == 'x'"})
    assert not wrong(shape, "name")
    assert not wrong(shape, "no")
    assert wrong(shape, "nmae")


def test_steps_of_a_try_and_its_catch_see_what_they_may() -> None:
    attempt = {
        "try": {
            "steps": [{"id": "a", "set": {"x": {"const": 1}}}],
            "catch": {"steps": [{"id": "b", "set": {"y": "error.reason"}}]},
        }
    }
    shape = after(attempt)
    assert not wrong(shape, "x")
    assert not wrong(shape, "y")
    assert wrong(shape, "error")


@pytest.mark.parametrize(
    ("step", "path"),
    [
        ({"keep": ["no", "lines[].skuu"]}, (1,)),
        ({"drop": ["stoer"]}, (0,)),
        ({"mask": {"paths": ["lines[].note"]}}, ("paths", 0)),
        ({"enrich": {**ENRICH, "key": "line.skuu"}}, ("key",)),
        ({"enrich": {**ENRICH, "each": {"in": "lins", "as": "line"}}}, ("each", "in")),
        ({"enrich": {**ENRICH, "missing": {"work_item": "x", "detail": "line.name"}}}, ("missing", "detail")),
        ({"split": {"in": "lines", "key": "no"}}, ("key",)),
        ({"claim_check": {"path": "imgae"}}, ("path",)),
    ],
)
def test_misspelt_paths_are_findings_where_they_stand(step: dict[str, Any], path: tuple[str | int, ...]) -> None:
    from tests.steps.support import planned_step

    build = TestBuild(WORLD)
    planned_step({"id": "it", **step}, build)
    assert path in [at for _, at in build.findings]
