"""What the signature of a Portuguese document is over, in the names of SAF-T (PT), and the signature itself."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from connectors.compliance.support.amounts import two_places

PRINTED = (0, 10, 20, 30)  # characters 1, 11, 21 and 31 of the signature stand on the document
KEY_BITS = 1024
_NUMBER = re.compile(r"([^ ]+ [^/ ]+)/([0-9]{1,15})")
_CODE = re.compile(r"[0-9A-Z]{8,}")


class Document(NamedTuple):
    """One document. `series` and `position` are the two parts of its number; `previous` None where it does not say."""

    day: str
    entered: str
    number: str
    total: str
    series: str
    position: int
    previous: str | None
    own: str


def read(values: Any) -> Document:
    """From InvoiceDate, SystemEntryDate, InvoiceNo, GrossTotal, and PreviousHash and Hash where it has them. Raises ValueError."""
    if not isinstance(values, Mapping):
        raise ValueError("it is not an object with the names of SAF-T")
    day, entered, number = (_text(values, name) for name in ("InvoiceDate", "SystemEntryDate", "InvoiceNo"))
    if date.fromisoformat(day).isoformat() != day:
        raise ValueError("InvoiceDate is not a date such as 2010-05-18")
    if datetime.fromisoformat(entered).isoformat(timespec="seconds") != entered:
        raise ValueError("SystemEntryDate is not a time such as 2010-05-18T11:22:19")
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise ValueError("InvoiceNo is not a number such as FAC 001/14")
    previous = values.get("PreviousHash")
    total = two_places(values.get("GrossTotal"))
    own = str(values.get("Hash") or "").strip()
    return Document(
        day, entered, number, total, match[1], int(match[2]), None if previous is None else str(previous).strip(), own
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    text = str(values.get(name) or "").strip()
    if not text:
        raise ValueError(f"it has no {name}")
    return text


def message(document: Document, previous: str) -> bytes:
    """`2010-05-18;2010-05-18T11:22:19;FAC 001/14;3.12;` and the signature before it, empty for the first of a series."""
    return ";".join((document.day, document.entered, document.number, document.total, previous)).encode()


def sign(document: Document, previous: str, key: Any) -> str:
    """RSA with SHA-1, PKCS#1 v1.5, in base64: 172 characters."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1

    return base64.b64encode(key.sign(message(document, previous), PKCS1v15(), SHA1())).decode()


def verified(document: Document, previous: str, key: Any) -> bool:
    """Whether the document's own signature is the key's over it and this predecessor."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1

    try:
        key.verify(base64.b64decode(document.own, validate=True), message(document, previous), PKCS1v15(), SHA1())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def public_key(text: str) -> Any:
    """An RSA public key from PEM. Raises ValueError."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text.strip().encode())
    except Exception:  # whatever a parser makes of it, it is no key
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("it is no RSA public key in PEM")
    return key


def private_key(text: str) -> Any:
    """An RSA private key of 1,024 bits, as the rule wants, from PEM. Raises ValueError that never quotes it."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.strip().encode(), None)
    except (ValueError, TypeError):
        raise ValueError("the signing key is not PEM, or it has a password") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size != KEY_BITS:
        raise ValueError(f"the signing key is no RSA key of {KEY_BITS} bits")
    return key


def atcud(code: str, position: str) -> str:
    """The unique document code: validation code of the series and position in it. Raises ValueError."""
    code, position = code.strip(), position.strip().rpartition("/")[2]
    if not _CODE.fullmatch(code):
        raise ValueError("a validation code has 8 capital letters and digits at least")
    if not (position.isascii() and position.isdigit() and position.strip("0")):
        raise ValueError("the position in the series is a whole number from 1")
    return f"{code}-{position.lstrip('0')}"
