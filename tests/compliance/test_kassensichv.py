"""The TSE's QR code: published receipts verify, and so does every curve, time and spelling the rule allows."""

from __future__ import annotations

import base64
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.compliance.de_kassensichv import der
from connectors.compliance.de_kassensichv.functions import tse_ok, tse_parts
from connectors.compliance.de_kassensichv.qr import TIMES, messages, parse
from connectors.compliance.de_kassensichv.step import KassenSichV
from connectors.compliance.de_kassensichv.verify import serial_of, signed_by
from engine.core.errors import Rejected
from engine.expr.values import Refused
from tests.compliance.support import go, step_of, vectors, worker

CURVES: list[Any] = [ec.SECP256R1(), ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1()]
KEYS = {curve.name: ec.generate_private_key(curve) for curve in CURVES}


def published(shared: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = vectors(shared, "compliance-de-kassensichv", "tse-qr.json")["vectors"]
    return found


def test_published_receipts_verify_and_tampered_ones_do_not(shared: Path) -> None:
    for vector in published(shared):
        assert tse_ok(vector["qr"]) == vector["valid"], vector["name"]


def test_every_signed_part_is_protected(shared: Path) -> None:
    for vector in (one for one in published(shared) if one["valid"]):
        parts = vector["qr"].split(";")
        for at, other in {1: "x", 2: "Kassenbeleg-V2", 3: "Beleg^0.01_0.00_0.00_0.00_0.00^0.01:Bar", 4: "99", 5: "99", 7: "2021-01-01T00:00:00.000Z"}.items():  # fmt: skip
            assert not tse_ok(";".join([*parts[:at], other, *parts[at + 1 :]])), (vector["name"], at)


def qr_of(
    key: Any, *, data: str, times: str, raw: bool, spki: bool, hash: str = "SHA256", client: str = "till 1"
) -> str:
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shown = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if spki else point
    parts = [
        "V0", client, "Kassenbeleg-V1", data, "7", "300", "2027-01-02T03:04:05.000Z", "2027-01-02T03:04:06.500Z",
        f"ecdsa-plain-{hash}", times, "AAAA", base64.b64encode(shown).decode(),
    ]  # fmt: skip
    signature = key.sign(messages(parse(";".join(parts)), point)[0], ec.ECDSA(getattr(hashes, hash)()))
    if raw:
        size = (key.curve.key_size + 7) // 8
        signature = b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(signature))
    parts[10] = base64.b64encode(signature).decode()
    return ";".join(parts)


DATA = "Beleg^1.19_0.00_0.00_0.00_0.00^1.19:Bar"


@pytest.mark.parametrize("curve", KEYS)
@pytest.mark.parametrize("times", TIMES)
def test_every_curve_time_and_spelling_verifies(curve: str, times: str) -> None:
    key = KEYS[curve]
    for raw, spki, hash in itertools.product((True, False), (True, False), ("SHA256", "SHA384", "SHA512")):
        text = qr_of(key, data=DATA, times=times, raw=raw, spki=spki, hash=hash)
        assert signed_by(parse(text)) == serial_of(
            key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )
        assert not tse_ok(text.replace("1.19:Bar", "1.18:Bar"))


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters=";"), max_size=300),
    st.text(st.characters(codec="utf-8"), max_size=300),
)
def test_any_process_data_is_carried_into_the_message(client: str, data: str) -> None:
    text = qr_of(KEYS["secp256r1"], data=data, times="unixTime", raw=True, spki=False, client=client)
    assert tse_ok(text)
    assert parse(text).process_data == data


def test_the_total_is_that_of_all_tenders() -> None:
    tse = {one: parse(qr_of(KEYS["secp256r1"], data=one, times="unixTime", raw=True, spki=False)).total for one in (
        "Beleg^5.00_0.00_0.00_0.00_0.00^3.00:Bar_2.00:Unbar", "Beleg^-5.00_0.00_0.00_0.00_0.00^-5.00:Bar",
        "Beleg^5.00_0.00_0.00_0.00_0.00^5.00:Bar:USD", "Beleg^5.00_0.00_0.00_0.00_0.00^", "free text",
    )}  # fmt: skip
    assert list(tse.values()) == [Decimal("5.00"), Decimal("-5.00"), None, None, None]


@settings(deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(st.text(max_size=8), min_size=11, max_size=13).map(lambda parts: "V0;" + ";".join(parts))
)
def test_what_is_no_qr_code_is_told(text: str) -> None:
    assert tse_ok(text) is False
    with pytest.raises(Refused):
        tse_parts(text)


def test_bytes_that_are_no_key_verify_nothing(shared: Path) -> None:
    text = published(shared)[0]["qr"].rpartition(";")[0]
    for raw in (b"\x04" + b"\xff" * 96, b"\x04", b"0\x00", b"garbage"):
        assert not tse_ok(f"{text};{base64.b64encode(raw).decode()}")


def test_der_of_long_and_large_values() -> None:
    assert der.element(4, b"x" * 200)[:3] == b"\x04\x81\xc8"
    assert der.integer(128) == b"\x02\x02\x00\x80" and der.integer(0) == b"\x02\x01\x00"
    assert der.oid("0.4.0.127.0.7.3.7.1.1").hex() == "060904007f000703070101"


def test_a_posting_without_a_valid_signature_is_refused(shared: Path, tmp_path: Path) -> None:
    good, tampered = (next(one["qr"] for one in published(shared) if one["valid"] is valid) for valid in (True, False))
    serial = str(signed_by(parse(good)))
    step = step_of(KassenSichV, qr="extensions.fiscal.qr", total="total", serials="tses")

    def sale(qr: Any, total: str = "7.05", tses: Any = serial) -> dict[str, Any]:
        return {"total": Decimal(total), "tses": tses, "extensions": {"fiscal": {"qr": qr, "other": 1}}}

    async def story() -> None:
        async with worker(tmp_path) as office:
            after = await office.run(step, "e1", sale(good, tses=[serial.upper()]))
            fiscal = after["extensions"]["fiscal"]
            assert fiscal["other"] == 1 and fiscal["qr"] == good and fiscal["tse"]["serial"] == serial
            for reason, data in {
                "fiscal-signature-invalid": sale(tampered),
                "fiscal-key-unknown": sale(good, tses="00"),
                "fiscal-total-mismatch": sale(good, "7.06"),
                "fiscal-record-missing": {"total": 1, "tses": serial},
                "fiscal-record-invalid": sale("V0;x"),
            }.items():
                with pytest.raises(Rejected, match=reason):
                    await office.run(step, "e1", data)

    go(story())
