"""The QR code of a receipt (DSFinV-K annex I), and the message its TSE signed, built again from it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from connectors.compliance.de_kassensichv import der

PARTS = 12
OPERATION = b"FinishTransaction"
_LOG = der.integer(2) + der.oid("0.4.0.127.0.7.3.7.1.1")
_PLAIN = "0.4.0.127.0.7.1.1.4.1."
_HASHES = {"SHA224": "2", "SHA256": "3", "SHA384": "4", "SHA512": "5", "SHA3224": "8", "SHA3256": "9", "SHA3384": "10", "SHA3512": "11"}  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,18}")
_AMOUNTS = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,5})?")
TIMES = ("unixTime", "utcTime", "utcTimeWithSeconds", "generalizedTime", "generalizedTimeWithMilliseconds")


class Tse(NamedTuple):
    """What the QR code says.

    algorithm  `ecdsa-plain-SHA256`, ..
    times      how the log time is written in the signed message
    signature  r and s in a row, or DER
    key        the point, or a SubjectPublicKeyInfo
    """

    client: str
    process_type: str
    process_data: str
    transaction: int
    counter: int
    start: str
    finish: str
    algorithm: str
    times: str
    signature: bytes
    key: bytes

    @property
    def hash(self) -> str:
        """`SHA256`, `SHA3256`, .."""
        return self.algorithm.upper().replace("-", "").removeprefix("ECDSAPLAIN")

    @property
    def total(self) -> Decimal | None:
        """What was paid, all tenders together; None where the process data is no receipt, or another currency is in it."""
        kind, _, rest = self.process_data.partition("^")
        payments = rest.partition("^")[2]
        if self.process_type != "Kassenbeleg-V1" or not kind or not payments:
            return None
        tenders = [part.split(":") for part in payments.split("_")]
        if any(len(tender) > 2 and tender[2] != "EUR" for tender in tenders):
            return None
        paid = [tender[0] for tender in tenders]
        return sum(map(Decimal, paid), Decimal(0)) if all(map(_AMOUNTS.fullmatch, paid)) else None


def parse(text: str) -> Tse:
    """The parts of a QR code. Raises ValueError that says which part is wrong."""
    parts = text.strip().split(";")
    if parts[0] != "V0":
        raise ValueError("it does not begin with V0")
    if len(parts) < PARTS:
        raise ValueError(f"it has {len(parts)} parts, not {PARTS}")
    client, process_type, *data = parts[1:-8]
    transaction, counter, start, finish, algorithm, times, signature, key = parts[-8:]
    tse = Tse(
        client, process_type, ";".join(data), _whole(transaction, "transaction number"), _whole(counter, "signature counter"),
        start, finish, algorithm, times, _raw(signature, "signature"), _raw(key, "public key"),
    )  # fmt: skip
    if tse.hash not in _HASHES or not algorithm.lower().startswith("ecdsa-plain-"):
        raise ValueError(f"{algorithm[:40]!r} is no signature algorithm that is known")
    if times not in TIMES:
        raise ValueError(f"{times[:40]!r} is no format of the log time; known are {', '.join(TIMES)}")
    moment(start)
    moment(finish)
    return tse


def _whole(text: str, what: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"its {what} is no number")
    return int(text)


def _raw(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raw = b""
    if not raw:
        raise ValueError(f"its {what} is not base64")
    return raw


def moment(text: str) -> datetime:
    """`2019-11-22T11:29:48.000Z`, with or without the fraction. Raises ValueError."""
    try:
        made = datetime.fromisoformat(text)
        if made.tzinfo is not None:
            return made.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # refused below, with an example
    raise ValueError(f"{text[:40]!r} is not a moment such as 2019-11-22T11:29:48.000Z")


def messages(tse: Tse, point: bytes) -> list[bytes]:
    """What the TSE may have signed: one message for each way its log time can be written. `point` is its public key."""
    before = (
        _LOG
        + der.context(0, OPERATION)
        + der.context(1, tse.client.encode())
        + der.context(2, tse.process_data.encode())
        + der.context(3, tse.process_type.encode())
        + der.context(5, der.integer_content(tse.transaction))
        + der.element(0x04, hashlib.sha256(point).digest())
        + der.element(0x30, der.oid(_PLAIN + _HASHES[tse.hash]))
        + der.integer(tse.counter)
    )
    return [before + written for written in _log_times(tse)]


def _log_times(tse: Tse) -> list[bytes]:
    at = moment(tse.finish)
    if tse.times == "unixTime":
        return [der.integer(int(at.timestamp()))]
    if tse.times.startswith("utcTime"):
        return [der.element(0x17, at.strftime(form).encode()) for form in ("%y%m%d%H%M%SZ", "%y%m%d%H%MZ")]
    whole, thousandths = at.strftime("%Y%m%d%H%M%S"), at.microsecond // 1000
    fractions = {f".{thousandths:03}", f".{thousandths:03}".rstrip("0").rstrip("."), ""}
    return [der.element(0x18, f"{whole}{fraction}Z".encode()) for fraction in sorted(fractions)]
