"""Receipts as the files tills write: POSLog 6.0 and the two flavours of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from decimal import Decimal
from xml.sax.saxutils import escape

from engine.cli.demo.receipts import DAY, Line, Receipt

_COLUMNS = [
    "Filiale",
    "Kasse",
    "BonNr",
    "Datum",
    "Zeit",
    "EAN",
    "Artikel",
    "Menge",
    "EPreis",
    "Rabatt",
    "MwSt",
    "Summe",
    "Zahlart",
]
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" MajorVersion="6" MinorVersion="0">\n'


def poslog(receipts: Iterable[Receipt]) -> bytes:
    """A POSLog 6.0 document, with the control transaction a till writes when it opens."""
    body = [_transaction(receipt) for receipt in receipts]
    return (_HEAD + "\n".join(body) + "\n</POSLog>\n").encode()


def opening(store: str, till: str) -> str:
    """A control transaction: the till was opened. Nothing is posted for it."""
    return _frame(
        store, till, 1000, "08:55:00", "EUR", "<ControlTransaction><ReasonCode>Open</ReasonCode></ControlTransaction>"
    )


def with_opening(document: bytes, store: str, till: str) -> bytes:
    """The document with a control transaction in front."""
    return document.replace(_HEAD.encode(), (_HEAD + opening(store, till) + "\n").encode(), 1)


def csv_de(receipts: Iterable[Receipt]) -> bytes:
    """Semicolons, decimal commas, CRLF."""
    return _csv(receipts, ";", lambda amount: f"{amount:.2f}".replace(".", ","))


def csv_us(receipts: Iterable[Receipt]) -> bytes:
    """Commas and decimal points."""
    return _csv(receipts, ",", lambda amount: f"{amount:.2f}")


def _csv(receipts: Iterable[Receipt], delimiter: str, number: Callable[[Decimal], str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    year, month, day = DAY.split("-")
    for receipt in receipts:
        for line in receipt.lines:
            where = (receipt.store, receipt.till, receipt.number, f"{day}.{month}.{year}", receipt.time)
            sold = (line.product.gtin, line.product.name, line.quantity, number(line.product.price))
            paid = (number(line.discount), line.rate, number(line.gross), "KARTE" if receipt.card else "BAR")
            writer.writerow((*where, *sold, *paid))
    return text.getvalue().encode()


def _transaction(receipt: Receipt) -> str:
    items = "".join(_item(index, line, receipt.returned) for index, line in enumerate(receipt.lines, 1))
    inner = (
        '<RetailTransaction Version="2.2">'
        + items
        + _tender(len(receipt.lines) + 1, receipt)
        + _loyalty(len(receipt.lines) + 2, receipt.loyalty)
        + f'<Total TotalType="TransactionGrandAmount">{abs(receipt.gross):.2f}</Total>'
        + f'<Total TotalType="TransactionTaxAmount">{abs(receipt.tax):.2f}</Total>'
        + "</RetailTransaction>"
    )
    return _frame(receipt.store, receipt.till, receipt.number, receipt.time, receipt.currency, inner, receipt.training)


def _frame(store: str, till: str, number: int, time: str, currency: str, inner: str, training: bool = False) -> str:
    return (
        f'<Transaction CancelFlag="false" TrainingModeFlag="{str(training).lower()}" OfflineFlag="false">'
        f'<BusinessUnit><UnitID TypeCode="RetailStore">{store}</UnitID></BusinessUnit>'
        f"<WorkstationID>{till}</WorkstationID><SequenceNumber>{number}</SequenceNumber>"
        f"<BusinessDayDate>{DAY}</BusinessDayDate><BeginDateTime>{DAY}T{time}</BeginDateTime>"
        f"<EndDateTime>{DAY}T{time}</EndDateTime><OperatorID>0007</OperatorID>"
        f"<CurrencyCode>{currency}</CurrencyCode>{inner}</Transaction>"
    )


def _item(index: int, line: Line, returned: bool) -> str:
    kind = "Return" if returned else "Sale"
    gross, tax = abs(line.gross), abs(line.tax)
    modifier = (
        f'<RetailPriceModifier MethodCode="PriceOverride"><SequenceNumber>{index}</SequenceNumber>'
        f'<Amount Action="Subtract">{line.discount:.2f}</Amount></RetailPriceModifier>'
        if line.discount
        else ""
    )
    return (
        f'<LineItem VoidFlag="false" EntryMethod="Scanned"><SequenceNumber>{index}</SequenceNumber>'
        f'<{kind} ItemType="Stock"><POSIdentity POSIDType="EAN"><POSItemID>{line.product.gtin}</POSItemID></POSIdentity>'
        f"<ItemID>{line.product.sku}</ItemID><Description>{escape(line.product.name)}</Description>"
        f"<RegularSalesUnitPrice>{line.product.price}</RegularSalesUnitPrice>"
        f"<ActualSalesUnitPrice>{line.product.price}</ActualSalesUnitPrice><ExtendedAmount>{gross:.2f}</ExtendedAmount>"
        f'<Quantity UnitOfMeasureCode="EA" Units="{abs(line.quantity)}">{abs(line.quantity)}</Quantity>{modifier}'
        f'<Tax TaxType="VAT"><TaxableAmount TaxIncludedInTaxableAmountFlag="false">{gross - tax:.2f}</TaxableAmount>'
        f"<Amount>{tax:.2f}</Amount><Percent>{line.rate}</Percent></Tax></{kind}></LineItem>"
    )


def _tender(index: int, receipt: Receipt) -> str:
    kind = "CreditDebit" if receipt.card else "Cash"
    code = "Refund" if receipt.returned else "Sale"
    return (
        f'<LineItem><SequenceNumber>{index}</SequenceNumber><Tender TenderType="{kind}" TypeCode="{code}">'
        f"<Amount>{abs(receipt.gross):.2f}</Amount></Tender></LineItem>"
    )


def _loyalty(index: int, member: str) -> str:
    if not member:
        return ""
    account = f"<LoyaltyAccount><LoyaltyAccountID>{member}</LoyaltyAccountID></LoyaltyAccount>"
    return f"<LineItem><SequenceNumber>{index}</SequenceNumber>{account}</LineItem>"


def total(receipts: Iterable[Receipt]) -> Decimal:
    """Gross of these receipts."""
    return sum((receipt.gross for receipt in receipts), Decimal(0))
