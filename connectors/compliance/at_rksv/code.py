"""The machine code of a receipt: `_R1-AT1_box_receipt_time_5 amounts_turnover_certificate_previous`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import datetime
from typing import NamedTuple

SUITE = re.compile(r"R1-AT[0-9]{1,4}")
TRAINING = base64.b64encode(b"TRA").decode()
CANCELLATION = base64.b64encode(b"STO").decode()
CHAIN_BYTES = 8
_AMOUNT = re.compile(r"-?[0-9]{1,15},[0-9]{2}")
_FIELDS = 12
_PREVIOUS_IN_BASE32 = 16  # characters of 8 bytes; in base64 they are 12


class Receipt(NamedTuple):
    """What a machine code says.

    amounts    cents by tax set: normal 20 %, reduced 10 %, reduced 13 %, zero, special 19 %
    turnover   base64: the encrypted counter, or the marker of a training or a cancellation
    serial     of the certificate, or the id of the key in a closed system
    previous   base64: what the chain says of the receipt before
    """

    suite: str
    box: str
    number: str
    time: str
    amounts: tuple[int, ...]
    turnover: str
    serial: str
    previous: str

    @property
    def training(self) -> bool:
        """A training receipt: outside the counter."""
        return self.turnover == TRAINING

    @property
    def cancellation(self) -> bool:
        """A cancellation: inside the counter, which it does not print."""
        return self.turnover == CANCELLATION

    @property
    def total(self) -> int:
        """All amounts in cents."""
        return sum(self.amounts)

    def code(self) -> str:
        """The machine code without a signature: what is signed."""
        amounts = map(amount_text, self.amounts)
        parts = (self.suite, self.box, self.number, self.time, *amounts, self.turnover, self.serial, self.previous)
        return "_" + "_".join(parts)


def amount_text(cents: int) -> str:
    """`-29,81`."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100},{abs(cents) % 100:02}"


def parse(code: str) -> tuple[Receipt, bytes | None]:
    """A machine code and the signature it ends in, if it does; as it stands in a QR code or in OCR. Raises ValueError."""
    head, *parts = code.strip().split("_")
    if head or len(parts) not in (_FIELDS, _FIELDS + 1):
        raise ValueError("it has not the 12 parts of a machine code, or one of its ids holds a `_`")
    suite, box, number, time, *amounts, turnover, serial, previous = parts[:_FIELDS]
    if not SUITE.fullmatch(suite):
        raise ValueError(f"{suite[:12]!r} is no algorithm suite that is known; known is R1")
    if not (box and number and serial):
        raise ValueError("its cash box, receipt number or certificate is empty")
    ocr = len(previous) == _PREVIOUS_IN_BASE32
    receipt = Receipt(
        suite,
        box,
        number,
        _time(time),
        tuple(map(_cents, amounts)),
        _base64(turnover, ocr),
        serial,
        _base64(previous, ocr),
    )
    if len(unbase64(receipt.previous)) != CHAIN_BYTES:
        raise ValueError("its chain value has not 8 bytes")
    return receipt, _bytes(parts[_FIELDS], ocr) if len(parts) > _FIELDS else None


def _time(text: str) -> str:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the rule wants local time without a zone
    except ValueError:
        raise ValueError(f"{text[:30]!r} is not a time such as 2026-03-11T03:57:08") from None
    return text


def _cents(text: str) -> int:
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is not an amount such as 120,34")
    return int(text.replace(",", ""))


def _base64(text: str, ocr: bool) -> str:
    return base64.b64encode(_bytes(text, ocr)).decode()


def _bytes(text: str, ocr: bool) -> bytes:
    if not ocr:
        return unbase64(text)
    try:
        return base64.b32decode(text)
    except binascii.Error:
        raise ValueError("a part of it is not base32") from None


def unbase64(text: str) -> bytes:
    """Standard base64, exactly as it is written. Raises ValueError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("a part of it is not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise ValueError("a part of it is base64 that can be written in two ways")
    return raw


def printed(receipt: Receipt, signature: bytes) -> str:
    """The content of the QR code."""
    return f"{receipt.code()}_{base64.b64encode(signature).decode()}"


def printed_ocr(receipt: Receipt, signature: bytes) -> str:
    """The same for character recognition: base32 where the QR code has base64."""
    turnover, previous = (base64.b32encode(unbase64(part)).decode() for part in (receipt.turnover, receipt.previous))
    code = receipt._replace(turnover=turnover, previous=previous).code()
    return f"{code}_{base64.b32encode(signature).decode()}"


def chain_value(text: str) -> str:
    """What a receipt quotes of the one before (its compact JWS), the first one of its cash box's id."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:CHAIN_BYTES]).decode()
