"""The 44 characters of an access key, and the hash of a QR code of version 2."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

_KEY = re.compile(r"[0-9]{6}[0-9A-Z]{12}[0-9]{26}")
_LAST_WEIGHT = 9
VERSION = "2"


def check_digit(first: str) -> str:
    """Modulus 11 over 43 characters, weights 2 to 9 from the right; a letter counts its code less 48."""
    total = sum((ord(char) - 48) * (2 + place % (_LAST_WEIGHT - 1)) for place, char in enumerate(reversed(first)))
    rest = total % 11
    return "0" if rest < 2 else str(11 - rest)


def key_ok(key: str) -> bool:
    """Whether a key has its form and its check digit."""
    return _KEY.fullmatch(key) is not None and check_digit(key[:-1]) == key[-1]


_PARTS = {"uf": 2, "month": 4, "cnpj": 14, "model": 2, "series": 3, "number": 9, "emission": 1, "code": 8}


def key_of(parts: Mapping[str, Any]) -> str:
    """The key of an invoice from `uf date cnpj series number emission code` and `model` (65). Raises ValueError."""
    unknown = sorted(set(parts) - {*_PARTS, "date"})
    if unknown:
        raise ValueError(f"`{unknown[0]}` is no part of a key")
    day = date.fromisoformat(str(parts.get("date", ""))[:10])
    given = {"model": "65", "emission": "1", **parts, "month": f"{day.year % 100:02}{day.month:02}"}
    first = "".join(_padded(name, given.get(name), width) for name, width in _PARTS.items())
    made = first + check_digit(first)
    if not _KEY.fullmatch(made):
        raise ValueError("a CNPJ has 12 digits or capital letters and 2 digits, every other part digits only")
    return made


def _padded(name: str, value: Any, width: int) -> str:
    text = "" if value is None else str(value).strip()
    if name == "cnpj":
        text = re.sub(r"[./-]", "", text)
    if not text or len(text) > width:
        raise ValueError(f"`{name}` has 1 to {width} characters")
    return text.zfill(width)


def online(key: str, environment: str, csc_id: str, csc: str) -> str:
    """`p` of a QR code of an invoice authorised before it was printed. The key's own check digit is not looked at."""
    return _hashed([key, VERSION, environment, csc_id.lstrip("0")], csc)


def offline(key: str, environment: str, day: str, total: str, digest: str, csc_id: str, csc: str) -> str:
    """`p` of one that is authorised later; `digest` is the DigestValue of its signature in base64."""
    return _hashed([key, VERSION, environment, day, total, digest.encode().hex(), csc_id.lstrip("0")], csc)


def _hashed(parts: list[str], csc: str) -> str:
    text = "|".join(parts)
    return f"{text}|{hashlib.sha1(f'{text}{csc}'.encode()).hexdigest().upper()}"
