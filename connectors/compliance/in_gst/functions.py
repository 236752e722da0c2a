"""The invoice reference number (IRN) in expressions."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import Literal

from engine.sdk import Refused, Text, YesNo, function

_GSTIN = re.compile(r"[0-9]{2}[0-9A-Za-z]{13}")
_NUMBER = re.compile(r"[A-Za-z0-9/-]{1,16}")
_INDIAN_DAY = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", re.ASCII)
FIRST_MONTH = 4


def financial_year(text: str) -> str:
    """`2020-08-08` or `08/08/2020` -> `2020-21`: it begins on 1 April. Raises ValueError."""
    match = _INDIAN_DAY.fullmatch(text)
    day = date(int(match[3]), int(match[2]), int(match[1])) if match else date.fromisoformat(text)
    first = day.year if day.month >= FIRST_MONTH else day.year - 1
    return f"{first}-{(first + 1) % 100:02}"


def reference(gstin: str, kind: str, number: str, day: str) -> str:
    """The IRN: SHA-256 over supplier, financial year, kind and number, lower case hexadecimal. Raises ValueError."""
    gstin, number = gstin.strip(), number.strip()
    if not _GSTIN.fullmatch(gstin):
        raise ValueError("a GSTIN has 15 letters and digits")
    if not _NUMBER.fullmatch(number) or number[0] in "0/-":
        raise ValueError(
            "a document number has 1 to 16 letters, digits, `/` and `-`, and does not begin with 0, `/` or `-`"
        )
    return hashlib.sha256(f"{gstin}{financial_year(day)}{kind}{number}".encode()).hexdigest()


@function("irn")
def irn(gstin: Text, kind: Literal["INV", "CRN", "DBN"], number: Text, day: Text) -> Text:
    """The invoice reference number of an Indian e-invoice: GSTIN of the supplier, kind, document number, date (ISO or dd/mm/yyyy).

    The case of the number is kept as it is sent: NIC has signed lower case, though its page refuses it. Rule: rule
    48(4) CGST Rules, formula published by NIC (einv-apisandbox.nic.in/irn.html); e-invoices since 2020-10-01 above a
    turnover of 500 crore, step by step down to 5 crore since 2023-08-01. Mode `verify` and carry: the IRN counts when
    the portal has signed it, which is not covered; neither is the check digit of the GSTIN (see `tax_id_ok`).

    irn('24AAFCD5862R005', 'INV', 'DOC/007', '08/08/2020') -> "58f1669d31c5725ddcc39eeecd465e69543c639daeb1d582546aa3d28d66c3f8"
    """
    try:
        return reference(gstin, kind, number, day)
    except ValueError as error:
        raise Refused(f"there is no invoice reference number for this: {error}", "invalid-value") from None


@function("irn_ok")
def irn_ok(number: Text, gstin: Text, kind: Literal["INV", "CRN", "DBN"], document: Text, day: Text) -> YesNo:
    """Whether an invoice reference number is that of this document.

    irn_ok('58f1669d31c5725ddcc39eeecd465e69543c639daeb1d582546aa3d28d66c3f9', '24AAFCD5862R005', 'INV', 'DOC/007', '2020-08-08') -> false
    """
    try:
        return reference(gstin, kind, document, day) == number.strip()
    except ValueError:
        return False
