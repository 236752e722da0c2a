"""Line items of a retail transaction: goods sold or returned, tenders, and what changes the receipt as a whole."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.core.formats.xml_format import normal_form
from connectors.core.formats.xml_tree import Node
from connectors.pos.poslog.elements import (
    ARTS,
    NAMES,
    attribute,
    children,
    decimal,
    decimal_of,
    find,
    flag,
    moment_text,
    present,
    text,
    whole,
)

GOODS = (
    "Sale", "Return", "SaleForDelivery", "SaleForPickup", "CustomerOrderForDelivery", "CustomerOrderForPickup",
    "PreviousLayaway",
)  # fmt: skip
ADJUSTMENTS = {"Discount": "discount", "LoyaltyReward": "reward", "Rounding": "rounding"}
GTIN_KINDS = {"GTIN", "EAN", "UPC", "EAN13", "EAN8", "UPCA", "ISBN"}
ZERO = Decimal(0)
Fact = dict[str, Any]


def goods(item: Node, body: Node) -> Fact:
    """A line of goods. Returned goods count negative, whichever sign the dialect writes."""
    quantity = decimal(body, "Quantity")
    returned = body.local == "Return" or (quantity or ZERO) < 0
    sign = _sign(returned)
    code, code_type = text(body, "POSIdentity/POSItemID"), _code_type(body)
    return present(
        line_no=whole(item, "SequenceNumber"),
        kind="return" if returned else "sale",
        type=body.local,
        voided=flag(item, "VoidFlag") or flag(body, "VoidFlag"),
        entry=attribute(item, "EntryMethod"),
        item_type=attribute(body, "ItemType"),
        sku=text(body, "ItemID") or code,
        gtin=code if code_type in GTIN_KINDS else None,
        code=code,
        code_type=code_type,
        description=text(body, "Description"),
        department=_department(body),
        weighed=flag(item, "weightItem") or flag(item, "WeightItemFlag"),
        unit=_unit(body),
        quantity=sign(quantity) if quantity is not None else None,
        list_price=decimal(body, "RegularSalesUnitPrice", "UnitListPrice"),
        unit_price=decimal(body, "ActualSalesUnitPrice", "RegularSalesUnitPrice"),
        extended=sign(decimal(body, "ExtendedAmount", "ExtendedPrice")),
        modifiers=[_modifier(node) for node in children(body, "RetailPriceModifier")],
        taxes=[tax(node, sign) for node in children(body, "Tax")],
        original=original(body),
        serial=text(body, "SerialNumber"),
        reference=text(body, "OperatorSequence"),
        extensions=_extensions(body),
    )


def tax(node: Node, sign: Any) -> Fact:
    """A tax of a line or of the receipt."""
    base = find(node, "TaxableAmount")
    included = attribute(base, "TaxIncludedInTaxableAmountFlag") if base is not None else None
    rate = decimal(node, "Percent")
    kind = attribute(node, "TaxType")
    return present(
        type=kind,
        code=text(node, "TaxRuleID", "TaxGroupID", "TaxAuthority") or attribute(node, "TaxSubType") or _rate_code(rate),
        rate=rate,
        base=sign(decimal_of(base)) if base is not None else None,
        base_includes_tax=(included or "").lower() in {"true", "1"} if included else None,
        amount=sign(decimal(node, "Amount") or ZERO),
    )


def tender(item: Node, body: Node) -> Fact:
    """A means of payment. Money that goes back to the customer is negative."""
    given = decimal(body, "Amount") or ZERO
    direction = (attribute(body, "TypeCode") or "Sale").lower()
    back = given < 0 or direction in {"refund", "return", "change", "cashback"}
    change = sum((abs(decimal(node, "Amount") or ZERO) for node in children(body, "TenderChange")), ZERO)
    card = find(body, "CreditDebit")
    return present(
        line_no=whole(item, "SequenceNumber"),
        voided=flag(item, "VoidFlag") or flag(body, "VoidFlag"),
        type=attribute(body, "TenderType"),
        direction="out" if back else "in",
        id=text(body, "TenderID"),
        description=attribute(body, "TenderDescription"),
        given=_sign(back)(given),
        change=change,
        foreign=_foreign(body),
        card=_card(card) if card is not None else None,
        reference=text(
            body, "Authorization/ReferenceNumber", "Authorization/AuthorizationCode", "Voucher/SerialNumber"
        ),
    )


def adjustment(item: Node, body: Node) -> Fact:
    """A discount, reward or rounding that is not part of one line of goods; negative lowers what is paid."""
    kind = ADJUSTMENTS[body.local]
    amount = decimal(body, "Amount", "ExtendedRewardAmount", "DiscountAmount") or ZERO
    category = text(body, "RewardCategory")
    return present(
        line_no=whole(item, "SequenceNumber"),
        kind=kind,
        voided=flag(item, "VoidFlag"),
        amount=-abs(amount) if kind == "discount" else amount,
        monetary=kind != "reward" or category == "Monetary",
        category=category,
        level=text(body, "RewardLevel"),
        promotion=text(body, "PromotionID", "PriceDerivationRule/PriceDerivationRuleID"),
        reason=text(body, "ReasonCode", "PriceDerivationRule/ReasonCode"),
        reference=_reference(body),
        summary=flag(body, "summarizedActivity") and not flag(body, "detailedData"),
    )


def other(item: Node, body: Node) -> Fact:
    """A line this format has no words for, in the normal form of XML."""
    return present(
        line_no=whole(item, "SequenceNumber"),
        type=NAMES(body.tag),
        voided=flag(item, "VoidFlag"),
        body=normal_form(body, NAMES),
    )


def original(node: Node) -> Fact | None:
    """The transaction a return or void refers to."""
    link = find(node, "TransactionLink")
    if link is None:
        return None
    return present(
        reason=attribute(link, "ReasonCode"),
        store=text(link, "BusinessUnit/UnitID", "RetailStoreID"),
        till=text(link, "WorkstationID"),
        number=text(link, "SequenceNumber"),
        business_date=moment_text(link, "BusinessDayDate"),
        line_no=whole(link, "LineItemSequenceNumber"),
    )


def _sign(negative: bool) -> Any:
    def apply(value: Decimal | None) -> Decimal | None:
        if value is None or not negative:
            return value
        return -abs(value)

    return apply


def _code_type(body: Node) -> str | None:
    identity = find(body, "POSIdentity")
    return attribute(identity, "POSIDType") if identity is not None else None


def _department(body: Node) -> str | None:
    for node in children(body, "MerchandiseHierarchy"):
        if (attribute(node, "Level") or "").lower() == "department":
            return node.text.strip() or None
    return text(body, "MerchandiseHierarchy")


def _unit(body: Node) -> str | None:
    quantity = find(body, "Quantity")
    return attribute(quantity, "UnitOfMeasureCode") if quantity is not None else None


def _modifier(node: Node) -> Fact:
    amount = find(node, "Amount")
    value = decimal_of(amount) if amount is not None else None
    action = (attribute(amount, "Action") or "Subtract") if amount is not None else None
    return present(
        method=attribute(node, "MethodCode"),
        amount=(abs(value) if action == "Add" else -abs(value)) if value is not None else None,
        percent=decimal(node, "Percent"),
        promotion=text(node, "PromotionID", "PriceDerivationRule/PriceDerivationRuleID"),
        reason=text(node, "ReasonCode", "PriceDerivationRule/ReasonCode"),
    )


def _foreign(body: Node) -> Fact | None:
    node = find(body, "ForeignCurrency")
    if node is None:
        return None
    return present(
        currency=text(node, "CurrencyCode"),
        amount=decimal(node, "OriginalFaceAmount", "Amount"),
        rate=decimal(node, "ExchangeRate"),
    )


def _card(card: Node) -> Fact:
    return present(
        type=attribute(card, "CardType"),
        number=text(card, "PrimaryAccountNumber"),
        issuer=text(card, "IssuerIdentificationNumber"),
    )


def _reference(body: Node) -> str | None:
    value = text(body, "OperatorSequenceReference")
    return None if value == "0" else value


def _rate_code(rate: Decimal | None) -> str | None:
    return None if rate is None else f"{rate.normalize():f}"


def _extensions(body: Node) -> Fact | None:
    foreign = [node for node in body.children if node.tag.startswith("{") and not node.tag.startswith(f"{{{ARTS}}}")]
    if not foreign:
        return None
    return dict(normal_form(Node(body.tag, {}, body.line, 0, children=foreign), NAMES))
