"""Portuguese documents in expressions."""

from __future__ import annotations

from connectors.compliance.pt_invoices.document import PRINTED, atcud
from engine.sdk import Number, Refused, Text, function


@function("pt_atcud")
def pt_atcud(code: Text, position: Text | Number) -> Text:
    """The ATCUD of a Portuguese document: validation code of its series and its position there, or its whole number.

    Rule: Portaria 195/2020; on every document since 2023-01-01 (Decreto-Lei 28/2019). Mode: the authority gives the
    code, asking for one is not covered.

    pt_atcud('CSDF7T5H', 'FAC 001/35') -> "CSDF7T5H-35"
    """
    try:
        return atcud(code, str(position))
    except ValueError as error:
        raise Refused(f"there is no ATCUD for this: {error}", "invalid-value") from None


@function("pt_hash_characters")
def pt_hash_characters(hash: Text) -> Text:
    """The four characters of a document's signature that are printed: 1, 11, 21 and 31.

    pt_hash_characters('abcdefghijKlmnopqrstUvwxyzabcdE') -> "aKUE"
    """
    if len(hash) <= PRINTED[-1]:
        raise Refused("a signature has 172 characters", "invalid-value")
    return "".join(hash[at] for at in PRINTED)
