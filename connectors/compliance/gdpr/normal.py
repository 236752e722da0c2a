"""One spelling for each mail address and phone number, so that one person has one pseudonym."""

from __future__ import annotations

import re
import unicodedata

# Country -> its code, and the digit that stands before national numbers only.
_COUNTRIES = {
    "AT": ("43", "0"), "AU": ("61", "0"), "BE": ("32", "0"), "BG": ("359", "0"), "BR": ("55", "0"), "CA": ("1", "1"),
    "CH": ("41", "0"), "CY": ("357", ""), "CZ": ("420", ""), "DE": ("49", "0"), "DK": ("45", ""), "EE": ("372", ""),
    "ES": ("34", ""), "FI": ("358", "0"), "FR": ("33", "0"), "GB": ("44", "0"), "GR": ("30", ""), "HR": ("385", "0"),
    "HU": ("36", "06"), "IE": ("353", "0"), "IN": ("91", "0"), "IS": ("354", ""), "IT": ("39", ""), "JP": ("81", "0"),
    "LI": ("423", ""), "LT": ("370", "0"), "LU": ("352", ""), "LV": ("371", ""), "MT": ("356", ""), "MX": ("52", ""),
    "NL": ("31", "0"), "NO": ("47", ""), "PL": ("48", ""), "PT": ("351", ""), "RO": ("40", "0"), "SE": ("46", "0"),
    "SI": ("386", "0"), "SK": ("421", "0"), "TR": ("90", "0"), "UA": ("380", "0"), "US": ("1", "1"),
}  # fmt: skip
_FILLING = re.compile(r"[\s().\-/\u2010-\u2015\u00a0]+")
_MARKED_TRUNK = re.compile(r"\(\s*0\s*\)")
_DIGITS = re.compile(r"[0-9]+")
_SHORTEST, _LONGEST = 7, 15  # of a number with its country code (E.164 allows 15)


def email(text: str) -> str:
    """Trimmed, in lower case, NFKC, the domain as DNS has it. Dots and `+tag` before the @ stay. Raises ValueError."""
    folded = unicodedata.normalize("NFKC", text).strip()
    local, at, domain = folded.rpartition("@")
    if not at or not local or any(char.isspace() for char in folded):
        raise ValueError("it is no mail address")
    try:
        named = domain.rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        raise ValueError("it is no mail address: its domain is none") from None
    if not named:
        raise ValueError("it is no mail address: it has no domain")
    return f"{local.lower()}@{named}"


def phone(text: str, country: str) -> str:
    """`+` and digits: `0664/123 45 67` in AT, `+43 (0)664 1234567` and `0043664..` are one. Raises ValueError."""
    plain = unicodedata.normalize("NFKC", text).strip().removeprefix("tel:")
    international = plain.startswith(("+", "00"))
    if international:
        plain = _MARKED_TRUNK.sub("", plain)
    digits = _FILLING.sub("", plain)
    digits = digits[1:] if digits.startswith("+") else digits[2:] if international else _national(digits, country)
    if not _DIGITS.fullmatch(digits) or not _SHORTEST <= len(digits) <= _LONGEST:
        raise ValueError("it is no phone number")
    return f"+{digits}"


def _national(digits: str, country: str) -> str:
    code, trunk = _COUNTRIES.get(country.strip().upper(), ("", ""))
    if not code:
        raise ValueError("a number without its country code needs the country it is in, such as 'AT'")
    return code + (digits.removeprefix(trunk) if trunk else digits)
