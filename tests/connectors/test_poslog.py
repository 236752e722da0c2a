"""Both dialects of POSLog become records that say the same in the same words."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.pos.poslog.amounts import spread
from connectors.pos.poslog.format import PosLog
from engine.sdk import BadRecord, Permanent, Record

ARTS = "http://www.nrf-arts.org/IXRetail/namespace/"


def transactions(content: bytes) -> list[Any]:
    return [
        record.data["transaction"]
        for record in PosLog(PosLog.Config()).decode(content, "log.xml")
        if isinstance(record, Record)
    ]


def receipt(lines: str, totals: str = "", attributes: str = "", status: str = "") -> Any:
    """One retail transaction around some line items."""
    log = f"""<POSLog xmlns="{ARTS}"><Transaction {attributes}>
      <RetailStoreID>9</RetailStoreID><WorkstationID>3</WorkstationID><SequenceNumber>7</SequenceNumber>
      <BusinessDayDate>2026-03-14</BusinessDayDate><CurrencyCode>EUR</CurrencyCode>
      <RetailTransaction {status}>{lines}{totals}</RetailTransaction></Transaction></POSLog>"""
    (made,) = transactions(log.encode())
    return made


def sale(
    amount: str, number: int = 1, kind: str = "Sale", inside: str = "", flags: str = "", quantity: str = "1"
) -> str:
    return f"""<LineItem {flags}><SequenceNumber>{number}</SequenceNumber><{kind}><ItemID>SKU-{number}</ItemID>
      <ExtendedAmount>{amount}</ExtendedAmount><Quantity>{quantity}</Quantity>{inside}</{kind}></LineItem>"""


def total(amount: str, tax: str = "") -> str:
    made = f'<Total TotalType="TransactionGrandAmount">{amount}</Total>'
    return made + (f'<Total TotalType="TransactionTaxAmount">{tax}</Total>' if tax else "")


def test_version_6_gives_exactly_the_expected_values(shared: Path) -> None:
    expected = json.loads((shared / "samples/expected.json").read_text())["expected"]["poslog-v6.xml"]
    made = transactions((shared / "samples/pos-poslog/poslog-v6.xml").read_bytes())
    assert len(made) == len(expected)
    for transaction, want in zip(made, expected, strict=True):
        assert transaction["dialect"] == "6.0"
        assert (transaction["store"], transaction["till"], transaction["number"]) == (
            want["store"],
            want["till"],
            str(want["seq"]),
        )
        assert (transaction["kind"], transaction["currency"]) == (want["kind"], want["currency"])
        assert len(transaction["lines"]) == want["lines"]
        assert sum(line["quantity"] for line in transaction["lines"]) == want["qty"]
        assert transaction["totals"]["gross"] == Decimal(want["gross"])
        assert transaction["totals"]["tax"] == Decimal(want["tax"])
        assert {tax["code"]: tax["gross"] for tax in transaction["taxes"]} == {
            k: Decimal(v) for k, v in want["by_vat"].items()
        }
        assert transaction["lines"][0]["gtin"] == want["first_gtin"]
        assert sum(line["net"] for line in transaction["lines"]) == transaction["totals"]["net"]
        assert sum(tender["amount"] for tender in transaction["tenders"]) == transaction["totals"]["gross"]


def test_the_ncr_dialect_a_weighed_item_with_a_reward(shared: Path) -> None:
    control, made = transactions((shared / "samples/pos-poslog/ncr-acs-poslog-small.xml").read_bytes())
    assert (control["kind"], control["dialect"], control["number"]) == ("control", "ncr-2", "160")
    assert (made["kind"], made["store"], made["till"], made["number"]) == ("sale", "9", "34", "161")
    (apple,) = made["lines"]
    assert (apple["quantity"], apple["weighed"], apple["extended"]) == (Decimal("0.42"), True, Decimal("1.26"))
    assert (apple["paid"], apple["discount"], apple["gross"]) == (Decimal("1.07"), Decimal("0.19"), Decimal("1.07"))
    assert made["totals"]["gross"] == Decimal("1.07")
    assert [(t["type"], t["amount"], t["card"]["type"]) for t in made["tenders"]] == [
        ("CreditDebit", Decimal("1.07"), "Debit")
    ]
    assert made["customer"] == {"loyalty_id": "0000000000000040000066677"}
    assert {other["type"] for other in made["others"]} == {"acs:LoyaltyMembership", "acs:CRMCustomVariable"}


def test_voided_lines_stay_and_count_nowhere() -> None:
    made = receipt(sale("5.00") + sale("2.00", 2, flags='VoidFlag="true"'), total("5.00"))
    assert [line["voided"] for line in made["lines"]] == [False, True]
    assert (made["kind"], made["totals"]["gross"]) == ("sale", Decimal("5.00"))


def test_returns_are_negative_in_every_dialect() -> None:
    for kind, amount, quantity in (("Return", "1.80", "2"), ("Return", "-1.80", "-2"), ("Sale", "-1.80", "-2")):
        made = receipt(sale(amount, kind=kind, quantity=quantity), total("1.80"))
        assert (made["kind"], made["lines"][0]["quantity"]) == ("return", Decimal(-2))
        assert (made["lines"][0]["gross"], made["totals"]["gross"]) == (Decimal("-1.80"), Decimal("-1.80"))


def test_a_receipt_with_sale_and_return_is_mixed_and_its_sign_follows_its_lines() -> None:
    made = receipt(sale("5.00") + sale("8.00", 2, "Return"), total("3.00"))
    assert (made["kind"], made["totals"]["gross"]) == ("mixed", Decimal("-3.00"))


def test_what_is_no_finished_sale_says_so() -> None:
    assert receipt(sale("5.00"), attributes='CancelFlag="true"')["kind"] == "cancelled"
    assert receipt(sale("5.00"), status='TransactionStatus="Suspended"')["kind"] == "suspended"
    assert receipt(sale("5.00"), status='TransactionStatus="PostVoided"')["kind"] == "void"
    assert receipt('<TransactionLink ReasonCode="PostVoid"/>' + sale("5.00"))["kind"] == "void"
    assert receipt(sale("5.00", flags='VoidFlag="true"'))["kind"] == "no_sale"
    assert receipt(sale("5.00"), attributes='TrainingModeFlag="true"')["training"] is True


def test_change_is_taken_off_the_tender() -> None:
    tender = '<LineItem><Tender TenderType="Cash"><Amount>20.00</Amount>'
    tender += "<TenderChange><Amount>15.00</Amount></TenderChange></Tender></LineItem>"
    (made,) = receipt(sale("5.00") + tender, total("5.00"))["tenders"]
    assert (made["given"], made["change"], made["amount"]) == (Decimal("20.00"), Decimal("15.00"), Decimal("5.00"))


def test_change_as_a_tender_of_its_own_is_negative() -> None:
    tenders = """<LineItem><Tender TenderType="Cash" TypeCode="Sale"><Amount>20.00</Amount></Tender></LineItem>
      <LineItem><Tender TenderType="Cash" TypeCode="Change"><Amount>15.00</Amount></Tender></LineItem>"""
    made = receipt(sale("5.00") + tenders, total("5.00"))["tenders"]
    assert [tender["amount"] for tender in made] == [Decimal("20.00"), Decimal("-15.00")]


def test_a_tax_on_top_written_on_the_receipt_reaches_the_lines() -> None:
    tax = """<LineItem><Tax TaxType="Sales">
      <TaxableAmount>10.00</TaxableAmount><Amount>0.83</Amount><Percent>8.25</Percent></Tax></LineItem>"""
    made = receipt(sale("6.66") + sale("3.34", 2) + tax, total("10.83", "0.83"))
    assert made["prices_include_tax"] is False
    assert [line["tax"] for line in made["lines"]] == [Decimal("0.55"), Decimal("0.28")]
    assert sum(line["net"] for line in made["lines"]) == made["totals"]["net"] == Decimal("10.00")
    assert [(tax["code"], tax["amount"]) for tax in made["taxes"]] == [("8.25", Decimal("0.83"))]
    assert {line["tax_code"] for line in made["lines"]} == {"8.25"}


def test_a_discount_on_the_receipt_with_the_tax_in_the_price_without_decimals() -> None:
    lines = sale("600") + sale("1120", 2)
    discount = "<LineItem><Discount><Percentage>10</Percentage><Amount>172</Amount></Discount></LineItem>"
    tax = """<LineItem><Tax TaxType="Sales"><Amount>114</Amount><Percent>8</Percent>
      <TaxableAmount TaxIncludedInTaxableAmountFlag="false">1434</TaxableAmount></Tax></LineItem>"""
    made = receipt(lines + discount + tax, total("1548"))
    assert made["prices_include_tax"] is True
    assert [line["paid"] for line in made["lines"]] == [Decimal(540), Decimal(1008)]
    assert sum(line["net"] for line in made["lines"]) == made["totals"]["net"] == Decimal(1434)
    assert sum(line["tax"] for line in made["lines"]) == Decimal(114)


def test_an_unreadable_number_is_a_bad_record_with_its_line() -> None:
    log = f"""<POSLog xmlns="{ARTS}">
<Transaction><SequenceNumber>1</SequenceNumber><BusinessDayDate>2026-03-14</BusinessDayDate><RetailTransaction>
<LineItem><Sale><ExtendedAmount>1,00</ExtendedAmount></Sale></LineItem></RetailTransaction></Transaction>
<Transaction><SequenceNumber>2</SequenceNumber></Transaction></POSLog>"""
    bad, good = PosLog(PosLog.Config()).decode(log.encode(), "log.xml")
    assert isinstance(bad, BadRecord)
    assert (bad.line, bad.failure.reason) == (3, "bad-transaction")
    assert "log.xml, line 3" in bad.failure.detail
    assert bad.known == {"transaction": {"number": "1", "receipt_no": "1", "business_date": "2026-03-14"}}
    assert b"<SequenceNumber>2" not in bad.raw
    (mended,) = transactions(bad.raw.replace(b"1,00", b"1.00"))
    assert (mended["number"], mended["totals"]["gross"]) == ("1", Decimal("1.00"))
    assert isinstance(good, Record)


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("BusinessDayDate", "２０２６-03-14"),
        ("BusinessDayDate", "2026-03-١٤"),
        ("BeginDateTime", "2026-03-14T0９:15:00"),
        ("EndDateTime", "2026-03-14T09:१५:00"),
        ("RetailTransaction/Total", "١.00"),
        ("RetailTransaction/Total", "１.00"),
        ("RetailTransaction/TransactionLink/BusinessDayDate", "2026-03-１4"),
    ],
)
def test_digits_of_other_scripts_are_a_bad_record_with_its_line(element: str, value: str) -> None:
    inside = value
    for name in reversed(element.split("/")):
        total = ' TotalType="TransactionGrandAmount"' if name == "Total" else ""
        inside = f"<{name}{total}>{inside}</{name}>"
    log = f'<POSLog xmlns="{ARTS}">\n<Transaction>\n{inside}\n</Transaction></POSLog>'
    (bad,) = PosLog(PosLog.Config()).decode(log.encode(), "log.xml")
    assert isinstance(bad, BadRecord)
    assert bad.line == 3 and "log.xml, line 3" in bad.failure.detail
    assert bad.known == {"transaction": {}}
    assert f"{element.rpartition('/')[2]}" in bad.failure.detail and repr(value) in bad.failure.detail


def test_shares_are_exact() -> None:
    cent = Decimal("0.01")
    assert spread(Decimal("-0.10"), [Decimal(1)] * 3, cent) == [Decimal("-0.04"), Decimal("-0.03"), Decimal("-0.03")]
    for amount in ("0.00", "0.01", "1.00", "-17.37", "0.005"):
        parts = spread(Decimal(amount), [Decimal("3.33"), Decimal("0"), Decimal("9.99")], cent)
        assert sum(parts) == Decimal(amount)


@pytest.mark.parametrize(
    "content", [b"<POSLog/>", b'<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/"><Header/></POSLog>']
)
def test_a_log_without_a_transaction_has_no_records(content: bytes) -> None:
    assert transactions(content) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<Orders/>", "no element at `POSLog/Transaction`; its root is `Orders`"),
        (b"<POSLog><Batch><Transaction/></Batch></POSLog>", "but `Transaction` in another place"),
        (b"<POSLog><RetailTransaction/></POSLog>", "`RetailTransaction` stands where `Transaction` would"),
    ],
)
def test_what_is_no_log_or_hides_its_transactions_is_corrupt(content: bytes, why: str) -> None:
    with pytest.raises(Permanent, match=why) as caught:
        transactions(content)
    assert caught.value.reason == "corrupt-document"
