"""One POSLog transaction in the words of this format."""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

from connectors.core.formats.xml_format import normal_form
from connectors.core.formats.xml_tree import Node
from connectors.pos.poslog.amounts import settle
from connectors.pos.poslog.elements import (
    NAMES,
    Malformed,
    attribute,
    children,
    decimal_of,
    find,
    flag,
    moment_text,
    present,
    text,
)
from connectors.pos.poslog.lines import ADJUSTMENTS, GOODS, adjustment, goods, original, other, tax, tender

Fact = dict[str, Any]

_HEADER = {
    "RetailStoreID", "BusinessUnit", "WorkstationID", "TillID", "SequenceNumber", "BusinessDayDate", "BeginDateTime",
    "EndDateTime", "OperatorID", "CurrencyCode", "RetailTransaction", "ControlTransaction", "TenderControlTransaction",
    "InventoryControlTransaction",
}  # fmt: skip
_KINDS = {
    "ControlTransaction": "control",
    "TenderControlTransaction": "tender_control",
    "InventoryControlTransaction": "inventory_control",
}
_ENDED = {
    "suspended": "suspended", "cancelled": "cancelled", "canceled": "cancelled",
    "void": "void", "voided": "void", "postvoid": "void", "postvoided": "void",
}  # fmt: skip
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})([T+Z-].*)?")


def read_transaction(node: Node, dialect: str) -> Fact:
    """The `transaction` of a record. Raises Malformed."""
    body = next((child for child in node.children if child.local.endswith("Transaction")), None)
    facts: Fact = {"kind": "other", "dialect": dialect, **_header(node)}
    if body is None:
        return facts
    facts["type"] = body.local
    facts["status"] = attribute(body, "TransactionStatus") or ""
    if body.local != "RetailTransaction":
        facts["kind"] = _KINDS.get(body.local, "other")
        facts["body"] = normal_form(body, NAMES)
        return facts
    _retail(facts, body)
    return facts


def read_key(node: Node) -> Fact:
    """What a transaction is called, of one that cannot be read whole; without its date where that is what is wrong."""
    facts = _named(node)
    with suppress(Malformed):
        facts |= present(business_date=_date(node))
    return facts


def _named(node: Node) -> Fact:
    number = text(node, "SequenceNumber")
    return present(
        store=text(node, "RetailStoreID", "BusinessUnit/UnitID"),
        till=text(node, "WorkstationID", "TillID"),
        number=number,
        receipt_no=text(node, "RetailTransaction/ReceiptNumber") or number,
    )


def _header(node: Node) -> Fact:
    return _named(node) | present(
        business_date=_date(node),
        began_at=moment_text(node, "BeginDateTime"),
        ended_at=moment_text(node, "EndDateTime"),
        occurred_at=moment_text(node, "EndDateTime", "BeginDateTime"),
        operator=text(node, "OperatorID"),
        currency=text(node, "CurrencyCode"),
        training=flag(node, "TrainingModeFlag"),
        cancelled=flag(node, "CancelFlag"),
        offline=flag(node, "OfflineFlag"),
        extensions=_beyond(node),
    )


def _date(node: Node) -> str | None:
    value = moment_text(node, "BusinessDayDate")
    if value is None:
        return None
    match = _DATE.fullmatch(value)
    if match is None:
        found = find(node, "BusinessDayDate")
        raise Malformed(found.line if found else node.line, f"BusinessDayDate is {value!r}; it is written YYYY-MM-DD")
    return match[1]


def _beyond(node: Node) -> Fact | None:
    """Children of the transaction that have no place here, in the normal form of XML."""
    rest = [child for child in node.children if child.local not in _HEADER]
    return dict(normal_form(Node(node.tag, {}, node.line, 0, children=rest), NAMES)) if rest else None


def _retail(facts: Fact, body: Node) -> None:
    facts.update(lines=[], tenders=[], adjustments=[], receipt_taxes=[], others=[])
    for item in children(body, "LineItem"):
        _line(facts, item)
    link = original(body)
    if link is not None:
        facts["original"] = link
    facts["kind"] = _kind(facts, link)
    if customer := _customer(body):
        facts["customer"] = customer
    stated = _stated(body)
    sign = -1 if facts["kind"] == "return" else 1
    facts["receipt_taxes"] = [_turned(found, sign) for found in facts["receipt_taxes"]]
    settle(facts, stated)
    facts["stated"] = stated


def _line(facts: Fact, item: Node) -> None:
    for body in item.children:
        if body.local in GOODS:
            facts["lines"].append(goods(item, body))
        elif body.local == "Tender":
            facts["tenders"].append(tender(item, body))
        elif body.local in ADJUSTMENTS:
            facts["adjustments"].append(adjustment(item, body))
        elif body.local == "Tax":
            if not flag(item, "VoidFlag"):
                facts["receipt_taxes"].append(tax(body, lambda value: value))
        elif body.children or attribute(body, "Type"):
            facts["others"].append(other(item, body))


def _kind(facts: Fact, link: Fact | None) -> str:
    ended = _ENDED.get(facts["status"].lower().replace("-", "").replace(" ", ""))
    if facts["cancelled"]:
        return "cancelled"
    if ended:
        return ended
    if link is not None and link.get("reason", "").lower() in {"postvoid", "void"}:
        return "void"
    kinds = {line["kind"] for line in facts["lines"] if not line["voided"]}
    if not kinds:
        return "no_sale"
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _turned(found: Fact, sign: int) -> Fact:
    if sign > 0:
        return found
    return found | {name: -abs(found[name]) for name in ("base", "amount") if name in found}


def _stated(body: Node) -> dict[str, Decimal]:
    """Totals as the till wrote them, by their name."""
    totals: dict[str, Decimal] = {}
    for node in children(body, "Total"):
        name = attribute(node, "TotalType")
        if name and node.text.strip():
            totals[name] = decimal_of(node)
    return totals


def _customer(body: Node) -> Fact:
    loyalty = text(body, "LoyaltyAccount/LoyaltyAccountID", "LoyaltyAccount/LoyaltyID")
    for item in children(body, "LineItem"):
        loyalty = loyalty or text(item, "LoyaltyMembership/LoyaltyID", "LoyaltyAccount/LoyaltyAccountID")
    return present(id=text(body, "Customer/CustomerID", "Customer/AlternateKey"), loyalty_id=loyalty)
