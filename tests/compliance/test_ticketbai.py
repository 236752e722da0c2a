"""TicketBAI: the published identifier and QR code, and the check digits of any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connectors.compliance.es_ticketbai.functions import ticketbai_id, ticketbai_ok, ticketbai_qr
from connectors.compliance.es_ticketbai.identifier import crc8
from engine.expr.values import Refused
from tests.compliance.support import vectors

BASE = "https://batuz.eus/QRTBAI/"


def test_the_published_example(shared: Path) -> None:
    for one in vectors(shared, "compliance-es-ticketbai", "id-qr.json")["vectors"]:
        made = ticketbai_id(one["nif"], one["fecha_ddmmaa"], one["signature_value_first13"])
        assert made == one["id"] == ticketbai_id(one["nif"], "2019-10-25", one["signature_value_first13"] + "+/more==")
        assert ticketbai_qr(BASE, made, "T", "27174", "4.7") == one["qr"]
        assert ticketbai_ok(one["id"]) and ticketbai_ok(one["qr"])


def test_the_check_value_of_the_polynomial() -> None:
    assert crc8("123456789") == "244"  # CRC-8/SMBUS, 0xF4


@given(st.text("ABCDEFGHXYZ0123456789", min_size=9, max_size=9), st.dates(), st.binary(min_size=40, max_size=60), st.text(max_size=10), st.integers(0, 10**9))  # fmt: skip
def test_what_is_made_is_right_and_any_changed_character_is_told(
    nif: str, day: object, raw: bytes, series: str, number: int
) -> None:
    import base64

    assume("�" not in series and series.isprintable())
    made = ticketbai_id(nif, str(day), base64.b64encode(raw).decode())
    assert len(made) == 39 and ticketbai_ok(made)
    qr = ticketbai_qr(BASE, made, series, str(number), "10")
    assert ticketbai_ok(qr)
    for text in (made, qr):
        at = number % (len(text) - 1)
        assert not ticketbai_ok(text[:at] + ("y" if text[at] == "x" else "x") + text[at + 1 :])


@pytest.mark.parametrize(
    ("nif", "day", "signature"),
    [("123", "251019", "btFpwP8dcLGAF"), ("00000006Y", "321019", "btFpwP8dcLGAF"), ("00000006Y", "251019", "short")],
)
def test_what_makes_no_identifier_is_told(nif: str, day: str, signature: str) -> None:
    with pytest.raises(Refused):
        ticketbai_id(nif, day, signature)


def test_a_code_around_a_wrong_identifier_is_refused() -> None:
    begun = f"{BASE}?id=TBAI-00000006Y-251019-btFpwP8dcLGAF-238&s=T&nf=27174&i=4.70"
    assert not ticketbai_ok(f"{begun}&cr={crc8(begun)}")
    with pytest.raises(Refused, match="check digits"):
        ticketbai_qr(BASE, "TBAI-00000006Y-251019-btFpwP8dcLGAF-238", "T", "1", "1")
