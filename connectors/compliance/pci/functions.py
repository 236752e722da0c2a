"""Card numbers in expressions."""

from __future__ import annotations

from typing import Any

from connectors.compliance.pci.cards import cards, shortened
from engine.sdk import Number, Refused, Text, YesNo, function


@function("pan_shown")
def pan_shown(text: Text, first: Number = 6) -> Text:
    """A text with the card numbers in it as they may be shown: the first six digits (or the eight of a BIN) and the last four.

    Rule: PCI DSS 4.0.1, requirement 3.4.1, in force since 2025-01-01 (4.0 since 2024-03-31). A card of 15 digits or fewer
    always keeps six. Order numbers, GTINs and SSCCs stay. Whatever enters tillflow is masked at the first write already,
    and `mask: {pan: everywhere}` does whole documents; this is for texts that expressions make.

    pan_shown('4111111111111111') -> "411111******1111"
    pan_shown('4111111111111111', `8`) -> "41111111****1111"
    pan_shown('GTIN 4006381333931') -> "GTIN 4006381333931"
    """
    return shortened(text, _digits(first))


@function("pan_truncated")
def pan_truncated(text: Text, first: Number = 6) -> Text:
    """A text with the card numbers in it cut for storage: hidden digits are gone for good, first six (or eight) and last four stay.

    Rule: PCI DSS 4.0.1, requirement 3.5.1, and FAQ 1091: of 16 digits the first eight and any other four may be kept, six
    where the network has BINs of six; of 15 (American Express) the first six and last four. Never keep a hash of the same
    card beside it: the two together give the number away. Not covered: numbers inside base64, or glued to other digits.

    pan_truncated('card 3782 822463 10005') -> "card 3782 82**** *0005"
    """
    return shortened(text, _digits(first))


@function("pan_found")
def pan_found(text: Text) -> YesNo:
    """Whether a card number stands in a text.

    pan_found('card 4111 1111 1111 1111 ok') -> true
    pan_found('order 1234567890123456 shipped') -> false
    """
    return bool(cards(text))


def _digits(first: Any) -> int:
    if first not in (6, 8):
        raise Refused("the first six digits may be kept, or the eight of a BIN", "invalid-value")
    return int(first)
