"""GS1 keys in expressions. `gs1_check_digit_ok` comes with the engine."""

from __future__ import annotations

from engine.sdk import Refused, Text, function

LENGTHS = (8, 12, 13, 14, 17, 18)
GTINS = (8, 12, 13, 14)


def digit(body: str) -> str:
    """Modulus 10, weights 3 and 1 from the right."""
    total = sum(int(char) * (1 if place % 2 else 3) for place, char in enumerate(reversed(body)))
    return str(-total % 10)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


@function("gs1_check_digit")
def gs1_check_digit(body: Text) -> Text:
    """The check digit that belongs behind 7, 11, 12, 13, 16 or 17 digits: a GTIN, GLN or SSCC without its last digit.

    Rule: GS1 General Specifications, section 7.9. `gs1_check_digit_ok`, which comes with the engine, checks a whole number.
    Not covered: company prefixes, other application identifiers.

    gs1_check_digit('400638133393') -> "1"
    """
    if not _digits(body) or len(body) + 1 not in LENGTHS:
        raise Refused("a GTIN, GLN or SSCC without its check digit has 7, 11, 12, 13, 16 or 17 digits", "invalid-value")
    return digit(body)


@function("gs1_gtin14")
def gs1_gtin14(gtin: Text) -> Text:
    """A GTIN-8, 12, 13 or 14 in 14 digits, the form in which equal GTINs are equal texts. A wrong check digit is refused.

    gs1_gtin14('4006381333931') -> "04006381333931"
    """
    if not _digits(gtin) or len(gtin) not in GTINS or digit(gtin[:-1]) != gtin[-1]:
        raise Refused("a GTIN has 8, 12, 13 or 14 digits, the last one its check digit", "invalid-value")
    return gtin.zfill(14)
