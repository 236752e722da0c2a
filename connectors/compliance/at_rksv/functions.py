"""RKSV in expressions."""

from __future__ import annotations

from connectors.compliance.at_rksv import jws
from connectors.compliance.at_rksv.code import printed, printed_ocr
from connectors.compliance.at_rksv.dep import export
from engine.sdk import Object, Refused, Text, Texts, function


@function("rksv_dep")
def rksv_dep(receipts: Texts, certificate: Text = "", authorities: Texts | None = None) -> Object:
    """The DEP export (RKSV, BMF's JSON layout) of receipts given as compact JWS, in the order of their chain.

    `certificate` is the signature certificate in base64, `authorities` those above it; a closed system has none.
    Only the shape of each receipt is looked at; the step `rksv_export` checks signatures, chain and counter.
    """
    try:
        return export(receipts, certificate, authorities or [])
    except ValueError as error:
        raise Refused(f"there is no export of this: {error}", "invalid-value") from None


@function("rksv_qr")
def rksv_qr(receipt: Text) -> Text:
    """The content of the QR code of a signed Austrian receipt, from its compact JWS or its OCR text."""
    signed = _read(receipt)
    return printed(signed.receipt, signed.signature)


@function("rksv_ocr")
def rksv_ocr(receipt: Text) -> Text:
    """The OCR text of a signed Austrian receipt, from its compact JWS or its QR code."""
    signed = _read(receipt)
    return printed_ocr(signed.receipt, signed.signature)


def _read(receipt: str) -> jws.Signed:
    try:
        return jws.read(receipt)
    except ValueError as error:
        raise Refused(f"this is no RKSV receipt: {error}", "invalid-value") from None
