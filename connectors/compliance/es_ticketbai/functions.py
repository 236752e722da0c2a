"""TicketBAI in expressions."""

from __future__ import annotations

from connectors.compliance.es_ticketbai.identifier import id_ok, identifier, qr_ok, qr_url
from connectors.compliance.support.amounts import two_places
from engine.sdk import Number, Refused, Text, YesNo, function


@function("ticketbai_id")
def ticketbai_id(nif: Text, day: Text, signature: Text) -> Text:
    """The TicketBAI identifier of an invoice: tax id, day of issue, the SignatureValue of its XML (13 characters are taken).

    Rule: TicketBAI technical specification of the three territories (Bizkaia: Orden Foral 1482/2020). In force in
    Gipuzkoa and Araba since 2022, in Bizkaia (Batuz) voluntary since 2022-01-01 and for all from 2026-01-01. Mode
    `verify`: nothing is signed here; the XAdES signature and the chain of its XML are not covered.

    ticketbai_id('00000006Y', '2019-10-25', 'btFpwP8dcLGAF') -> "TBAI-00000006Y-251019-btFpwP8dcLGAF-237"
    """
    try:
        return identifier(nif, day, signature)
    except ValueError as error:
        raise Refused(f"there is no identifier for this: {error}", "invalid-value") from None


@function("ticketbai_qr")
def ticketbai_qr(base: Text, identity: Text, series: Text, number: Text, total: Text | Number) -> Text:
    """The content of the QR code: address of the territory, identifier, series (may be empty), number, total.

    Values are percent-encoded, and the total is written with two decimals. Source and dates as `ticketbai_id`.

    ticketbai_qr('https://batuz.eus/QRTBAI/', 'TBAI-00000006Y-251019-btFpwP8dcLGAF-237', 'T', '27174', `4.7`) -> "https://batuz.eus/QRTBAI/?id=TBAI-00000006Y-251019-btFpwP8dcLGAF-237&s=T&nf=27174&i=4.70&cr=007"
    """
    try:
        return qr_url(base, identity, series, number, two_places(total))
    except ValueError as error:
        raise Refused(f"there is no QR code for this: {error}", "invalid-value") from None


@function("ticketbai_ok")
def ticketbai_ok(text: Text) -> YesNo:
    """Whether the check digits of a TicketBAI identifier or QR code are right; of a QR code both.

    ticketbai_ok('TBAI-00000006Y-251019-btFpwP8dcLGAF-237') -> true
    ticketbai_ok('TBAI-00000006Y-251019-btFpwP8dcLGAF-238') -> false
    """
    return id_ok(text) if text.startswith("TBAI-") else qr_ok(text)
