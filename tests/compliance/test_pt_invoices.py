"""Portugal: signed and verified, in one chain per series. There is no published signature to compare with."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.compliance.pt_invoices.chain import issue, verify
from connectors.compliance.pt_invoices.document import message, private_key, read
from connectors.compliance.pt_invoices.functions import pt_atcud, pt_hash_characters
from connectors.compliance.pt_invoices.step import PtInvoice
from connectors.compliance.support.links import Rules
from engine.core.errors import Rejected, Transient
from engine.expr.values import Refused
from tests.compliance.support import go, step_of, worker

KEY = rsa.generate_private_key(65537, 1024)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
STRICT = Rules("first", "refuse")


def document(number: int = 1, total: Any = "3.12", **more: Any) -> dict[str, Any]:
    return {
        "InvoiceDate": "2010-05-18", "SystemEntryDate": "2010-05-18T11:22:19", "InvoiceNo": f"FAC 001/{number}",
        "GrossTotal": total, **more,
    }  # fmt: skip


def test_the_published_message() -> None:
    assert message(read(document(14, Decimal("3.12"))), "") == b"2010-05-18;2010-05-18T11:22:19;FAC 001/14;3.12;"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=4))
def test_what_is_signed_verifies_and_what_is_changed_does_not(totals: list[Decimal]) -> None:
    issued: dict[str, Any] | None = None
    checked: dict[str, Any] | None = None
    for number, total in enumerate(totals, 1):
        entry, issued = issue(issued, document(number, total), KEY)
        assert len(entry["hash"]) == 172 and entry["printed"] == pt_hash_characters(entry["hash"])
        with pytest.raises(Rejected, match="fiscal-signature-invalid"):
            verify(checked, document(number, total + Decimal("0.01"), Hash=entry["hash"]), KEY.public_key(), STRICT)
        seen, checked = verify(checked, document(number, total, Hash=entry["hash"]), KEY.public_key(), STRICT)
        assert seen == entry


def test_documents_follow_one_another_in_one_series() -> None:
    first, state = issue(None, document(1), KEY)
    for wrong in (document(3), document(1), {**document(2), "InvoiceNo": "FAC 002/2"}):
        with pytest.raises(Rejected, match="fiscal-chain-broken"):
            issue(state, wrong, KEY)
    with pytest.raises(Rejected, match="never signed twice"):
        issue(state, document(2, Hash="x"), KEY)
    second, _ = issue(state, document(2), KEY)
    _, checked = verify(None, document(1, Hash=first["hash"]), KEY.public_key(), Rules())
    with pytest.raises(Transient, match="fiscal-chain-gap"):
        verify(checked, document(3, Hash=second["hash"]), KEY.public_key(), Rules())
    with pytest.raises(Rejected, match="fiscal-chain-forked"):
        verify(checked, document(1, Hash=first["hash"]), KEY.public_key(), Rules())


def test_a_chain_is_joined_in_the_middle_by_what_the_document_says() -> None:
    first, state = issue(None, document(7), KEY)
    second, _ = issue(state, document(8), KEY)
    with pytest.raises(Rejected, match="needs its PreviousHash"):
        verify(None, document(8, Hash=second["hash"]), KEY.public_key(), Rules())
    _, checked = verify(None, document(8, Hash=second["hash"], PreviousHash=first["hash"]), KEY.public_key(), Rules())
    _, checked = verify(checked, document(7, Hash=first["hash"], PreviousHash=""), KEY.public_key(), Rules())
    assert (checked["head"], checked["position"]) == (second["hash"], 8)


@pytest.mark.parametrize("wrong", [{"InvoiceNo": "14"}, {"InvoiceDate": "18/05/2010"}, {"GrossTotal": "1.234"}, {"SystemEntryDate": "2010-05-18"}, {"GrossTotal": None}])  # fmt: skip
def test_what_is_no_document_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="fiscal-record-invalid"):
        issue(None, {**document(), **wrong}, KEY)


def test_a_key_of_another_size_is_refused() -> None:
    other = (
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    )
    for text in (other, "no key"):
        with pytest.raises(ValueError, match="signing key"):
            private_key(text)


def test_the_atcud() -> None:
    assert pt_atcud("CSDF7T5H", "FAC 001/0035") == pt_atcud("CSDF7T5H", 35) == "CSDF7T5H-35"
    for code, position in (("short", "1"), ("CSDF7T5H", "0"), ("CSDF7T5H", "x"), ("CSDF7T5H", "")):
        with pytest.raises(Refused):
            pt_atcud(code, position)


def test_a_step_signs_once_and_another_checks(tmp_path: Path) -> None:
    sign = step_of(PtInvoice, mode="issue", record="document", chain=["series"], signing_secret="pt_key", into="fiscal")
    look = step_of(PtInvoice, mode="verify", record="document", chain=["series"], key="key")

    async def story() -> None:
        async with worker(tmp_path, {"pt_key": PRIVATE}) as one:
            for number in (1, 2):
                event = {"series": "FAC 001", "document": document(number), "key": PUBLIC}
                made = await one.run(sign, f"e{number}", event)
                assert await one.run(sign, f"e{number}", event) == made
                signed = {**event, "series": "seen", "document": document(number, Hash=made["fiscal"]["hash"])}
                after = await one.run(look, f"e{number}", signed)
                assert after["extensions"]["fiscal"]["printed"] == made["fiscal"]["printed"]

    go(story())
