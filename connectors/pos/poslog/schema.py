"""JSON Schema of one record of `pos.poslog`.

It is what mappings are checked against. `required` names what a till writes for every sale: a mapping counts on it,
and where a file lacks it all the same, that one record becomes a work item that names the field.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
YES_NO = {"type": "boolean"}
WHOLE = {"type": "integer"}
FREE: dict[str, Any] = {"type": "object"}  # the normal form of XML: children are lists, `@name` attributes, `#` text


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _named(names: str, kind: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(names.split(), kind)


_TAX = _object(**_named("type code", TEXT), **_named("rate base amount", NUMBER), base_includes_tax=YES_NO)
_TAX_TOTAL = _object("code base amount gross", **_named("type code", TEXT), **_named("rate base amount gross", NUMBER))
_ORIGINAL = _object(**_named("reason store till number business_date", TEXT), line_no=WHOLE)
_MODIFIER = _object(**_named("method promotion reason", TEXT), **_named("amount percent", NUMBER))
_LINE = _object(
    "line_no kind voided quantity extended discount paid net tax gross tax_code modifiers taxes",
    line_no=WHOLE,
    kind={"enum": ["sale", "return"]},
    **_named(
        "type entry item_type sku gtin code code_type description department unit serial reference tax_code", TEXT
    ),
    **_named("voided weighed", YES_NO),
    **_named("quantity list_price unit_price extended discount paid net tax gross", NUMBER),
    modifiers=_list(_MODIFIER),
    taxes=_list(_TAX),
    original=_ORIGINAL,
    extensions=FREE,
)
_TENDER = _object(
    "line_no voided direction type given change amount",
    line_no=WHOLE,
    voided=YES_NO,
    direction={"enum": ["in", "out"]},
    **_named("type id description reference", TEXT),
    **_named("given change amount", NUMBER),
    foreign=_object(currency=TEXT, **_named("amount rate", NUMBER)),
    card=_object(**_named("type number issuer", TEXT)),
)
_ADJUSTMENT = _object(
    line_no=WHOLE,
    kind={"enum": ["discount", "reward", "rounding"]},
    amount=NUMBER,
    **_named("voided monetary summary", YES_NO),
    **_named("category level promotion reason reference", TEXT),
)
KINDS = [
    "sale", "return", "mixed", "no_sale", "cancelled", "suspended", "void", "control", "tender_control",
    "inventory_control", "other",
]  # fmt: skip
RECORD = _object(
    "transaction",
    transaction=_object(
        "kind store till number receipt_no business_date occurred_at training lines tenders taxes totals",
        kind={"enum": KINDS},
        **_named("dialect type status store till number receipt_no business_date began_at ended_at occurred_at", TEXT),
        **_named("operator currency", TEXT),
        **_named("training cancelled offline prices_include_tax", YES_NO),
        lines=_list(_LINE),
        tenders=_list(_TENDER),
        adjustments=_list(_ADJUSTMENT),
        taxes=_list(_TAX_TOTAL),
        totals=_object("gross tax net rounding", **_named("gross tax net rounding", NUMBER)),
        stated={"type": "object", "additionalProperties": NUMBER},
        original=_ORIGINAL,
        customer=_object(**_named("id loyalty_id", TEXT)),
        others=_list(_object(line_no=WHOLE, type=TEXT, voided=YES_NO, body=FREE)),
        body=FREE,
        extensions=FREE,
    ),
)
