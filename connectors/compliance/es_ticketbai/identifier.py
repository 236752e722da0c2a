"""TicketBAI's identifier and QR code; both end in a CRC-8 over every character before it."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import parse_qs, quote, urlsplit

SIGNATURE = 13
_ID = re.compile(r"TBAI-([0-9A-Z]{9})-([0-9]{6})-([A-Za-z0-9+/=]{13})-([0-9]{3})")
_SHORT_DAY = re.compile(r"(\d{2})(\d{2})(\d{2})", re.ASCII)
_LONG_DAY = re.compile(r"(\d{2})[-/](\d{2})[-/](\d{4})", re.ASCII)


def _byte(value: int) -> int:
    for _ in range(8):
        value = (value << 1) ^ 0x07 if value & 0x80 else value << 1
    return value & 0xFF


_TABLE = tuple(_byte(value) for value in range(256))


def crc8(text: str) -> str:
    """CRC-8, polynomial 0x07, start 0, over UTF-8, as three digits."""
    crc = 0
    for byte in text.encode():
        crc = _TABLE[crc ^ byte]
    return f"{crc:03}"


def identifier(nif: str, day: str, signature: str) -> str:
    """The identifier of an invoice with this SignatureValue. Raises ValueError."""
    begun = f"TBAI-{nif.strip().upper()}-{short_day(day)}-{''.join(signature.split())[:SIGNATURE]}-"
    made = begun + crc8(begun)
    if not _ID.fullmatch(made):
        raise ValueError("a tax id has 9 letters and digits, a SignatureValue is base64 of 13 characters at least")
    return made


def short_day(text: str) -> str:
    """`2019-10-25`, `25-10-2019` or `251019` as `251019`. Raises ValueError."""
    if match := _SHORT_DAY.fullmatch(text):
        day, month, year = match[1], match[2], f"20{match[3]}"
    elif match := _LONG_DAY.fullmatch(text):
        day, month, year = match.groups()
    else:
        year, month, day = date.fromisoformat(text).isoformat().split("-")
    date(int(year), int(month), int(day))
    return f"{day}{month}{year[2:]}"


def qr_url(base: str, identity: str, series: str, number: str, total: str) -> str:
    """The content of the QR code: the address of the territory with the invoice's values. Raises ValueError."""
    if not id_ok(identity):
        raise ValueError("the identifier's check digits are not right")
    values = {"id": identity, "s": series, "nf": number, "i": total}
    begun = f"{base}?" + "&".join(f"{name}={quote(value.strip(), safe='')}" for name, value in values.items())
    return f"{begun}&cr={crc8(begun)}"


def id_ok(identity: str) -> bool:
    """Whether an identifier has its form and its check digits."""
    match = _ID.fullmatch(identity)
    return match is not None and crc8(identity[:-3]) == match[4]


def qr_ok(url: str) -> bool:
    """Whether a QR code's check digits are right, and those of the identifier in it."""
    begun, mark, crc = url.rpartition("&cr=")
    if not mark or crc8(begun) != crc:
        return False
    query = parse_qs(urlsplit(begun).query.replace("+", "%2B"), keep_blank_values=True)
    return len(query.get("id", ())) == 1 and id_ok(query["id"][0]) and {"s", "nf", "i"} <= set(query)
