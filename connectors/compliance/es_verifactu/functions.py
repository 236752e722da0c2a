"""VeriFactu in expressions."""

from __future__ import annotations

from typing import Literal

from connectors.compliance.es_verifactu.qr import qr_url
from connectors.compliance.es_verifactu.record import fits, huella, read
from engine.sdk import Number, Object, Refused, Text, YesNo, function


@function("verifactu_hash")
def verifactu_hash(record: Object) -> Text:
    """The Huella of a VeriFactu record in AEAT's names: SHA-256 in upper case hexadecimal, amounts with two decimals.

    `HuellaAnterior` (or AEAT's Encadenamiento) holds the hash of the record before, nothing for the first. Pure: it
    moves no chain; the step `verifactu` does.
    """
    try:
        return huella(read(record))
    except ValueError as error:
        raise Refused(f"this is no VeriFactu record: {error}", "invalid-value") from None


@function("verifactu_hash_ok")
def verifactu_hash_ok(record: Object) -> YesNo:
    """Whether a VeriFactu record carries the Huella that belongs to it, its amounts written 123.1 or 123.10."""
    try:
        return fits(read(record))
    except ValueError:
        return False


@function("verifactu_qr")
def verifactu_qr(
    nif: Text, number: Text, day: Text, total: Text | Number, site: Literal["production", "test"] = "production"
) -> Text:
    """The content of the QR code of a Spanish invoice: tax id, number, day of issue (ISO or dd-mm-yyyy), total.

    verifactu_qr('89890001K', '12345678&G33', '2024-01-01', `241.4`, 'test') -> "https://prewww2.aeat.es/wlpl/TIKE-CONT/ValidarQR?nif=89890001K&numserie=12345678%26G33&fecha=01-01-2024&importe=241.40"
    """
    try:
        return qr_url(nif, number, day, total, site)
    except ValueError as error:
        raise Refused(f"there is no QR code for this: {error}", "invalid-value") from None
