"""What several tests of expressions share: surroundings, a schema, and short ways to run and check."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.core.errors import Permanent
from engine.expr.errors import ExpressionError
from engine.expr.jmes import compile_expression
from engine.expr.shape import NOTHING_KNOWN, UNKNOWN, Known, Place, Shape, check_expression

STORE = {"id": "0012", "name": "Calle Mayor", "company": "Iberia SL"}
NOW = 1_773_480_000_000_000


class Surroundings:
    """An Env with one table, one parameter and one secret."""

    def meta(self, name: str) -> Any:
        return {"schema": "sale.completed@2", "day": "2026-03-14", "header.file": "sales.xml"}.get(name)

    def param(self, name: str) -> Any:
        return {"posting": "line"}[name]

    def secret(self, name: str, key: str = "") -> Any:
        return {"crm_key": "***"}[name]

    def lookup(self, table: str, key: Any, on: str = "") -> dict[str, Any]:
        row = self.find(table, key, on)
        if row is None:
            raise Permanent("reference-missing", f"table {table} has no row with this key")
        return row

    def find(self, table: str, key: Any, on: str = "") -> dict[str, Any] | None:
        return STORE if (table, key) == ("stores", "0012") else None

    def now(self) -> int:
        return NOW


ENV = Surroundings()

SALE_SCHEMA: dict[str, Any] = {
    "$id": "sale@1",
    "type": "object",
    "required": ["receipt_no", "business_date", "currency", "store", "lines", "totals"],
    "additionalProperties": False,
    "properties": {
        "receipt_no": {"type": "string"},
        "business_date": {"type": "string", "format": "date"},
        "occurred_at": {"type": "string", "format": "date-time"},
        "currency": {"type": "string"},
        "training": {"type": "boolean", "default": False},
        "voided": {"type": "boolean"},
        "status": {"enum": ["open", "shipped"]},
        "store": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
        },
        "customer": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "consent": {"type": "boolean"}},
        },
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["line_no", "sku", "net"],
                "properties": {
                    "line_no": {"type": "integer"},
                    "sku": {"type": "string"},
                    "gtin": {"type": "string"},
                    "net": {"type": "number"},
                    "discount": {"type": "number"},
                },
            },
        },
        "totals": {
            "type": "object",
            "required": ["net", "gross"],
            "properties": {"net": {"type": "number"}, "gross": {"type": "number"}, "rounding": {"type": "number"}},
        },
        "extensions": {"type": "object"},
    },
}

SALE = Shape.from_schema(SALE_SCHEMA)


def run(expression: str, data: Any = None, *, strict: bool = True) -> Any:
    """The value of an expression over a document, an empty one when none is given."""
    return compile_expression(expression, strict=strict)({} if data is None else data, ENV)


def exact(value: Any) -> Any:
    """The value with every number as its own digits, so that 1.50 and 1.5 differ."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | Decimal):
        return ("number", str(value))
    if isinstance(value, dict):
        return {name: exact(inner) for name, inner in value.items()}
    return [exact(inner) for inner in value]


def problems(
    expression: str, shape: Shape = UNKNOWN, place: Place = "value", known: Known = NOTHING_KNOWN
) -> list[ExpressionError]:
    """Everything wrong with an expression, whether compiling or checking finds it."""
    try:
        compiled = compile_expression(expression)
    except ExpressionError as error:
        return [error]
    return check_expression(compiled, shape, place, known)
