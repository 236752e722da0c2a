"""Whatever an event holds, a rule refuses it in its own words: never another exception, never acceptance by accident."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.compliance.at_rksv import chain as rksv
from connectors.compliance.at_rksv import dep, jws
from connectors.compliance.br_nfce.functions import nfce_key, nfce_key_ok
from connectors.compliance.es_ticketbai.functions import ticketbai_ok, ticketbai_qr
from connectors.compliance.es_verifactu import chain as verifactu
from connectors.compliance.es_verifactu.record import ALTA, ANULACION, canonical, digest, read
from connectors.compliance.in_gst.functions import irn
from connectors.compliance.pci.functions import pan_shown
from connectors.compliance.pt_invoices import chain as pt
from connectors.compliance.support.links import Rules
from connectors.compliance.vat_ids.functions import tax_id, tax_id_ok, vat_id_ok
from engine.core.errors import Failure
from engine.expr.values import Refused

KEY = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 1024)
DEVICE = rksv.Device("AT0", "U:ATU12345678-K1", KEY, bytes(32))
MOMENT = "2027-01-01T10:00:00+01:00"
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)  # fmt: skip


def filled(names: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Objects with the names a rule looks for, and anything in them."""
    likely = st.sampled_from(["2027-01-01", "31-01-2027", "FAC 001/1", "1", "-0", "1e3", Decimal("1E+90"), Decimal("1E-90"), MOMENT, "0001-01-01T00:00:00+23:59"])  # fmt: skip
    return st.dictionaries(st.sampled_from(names), values | likely, max_size=len(names)) | values


# What is taken right after anything else was refused: a rule that refuses everything would pass these tests too.
GOOD_ES = {
    "IDEmisorFactura": "89890001K", "NumSerieFactura": "A/1", "FechaExpedicionFactura": "2027-01-31", "TipoFactura": "F2",
    "CuotaTotal": Decimal("2.1"), "ImporteTotal": Decimal("12.1"),
}  # fmt: skip
GOOD_AT = {"box": "B1", "number": "1", "time": MOMENT, "kind": "standard", "normal": 0, "zero": 0}
GOOD_PT = {
    "InvoiceDate": "2027-01-01", "SystemEntryDate": "2027-01-01T10:00:00", "InvoiceNo": "FAC 001/1",
    "GrossTotal": Decimal("3.12"),
}  # fmt: skip

ES = (*ALTA, *ANULACION, "IDFactura", "Encadenamiento", "HuellaAnterior")
AT = ("box", "number", "time", "kind", "normal", "zero")
PT = ("InvoiceDate", "SystemEntryDate", "InvoiceNo", "GrossTotal", "Hash", "PreviousHash")


@settings(max_examples=150, deadline=None)
@given(filled(ES))
def test_verifactu(document: Any) -> None:
    _only_failures(lambda: verifactu.verify(None, document, Rules(), "test"))
    _only_failures(lambda: verifactu.issue(None, document, MOMENT, "test"))
    issued, _ = verifactu.issue(None, GOOD_ES, MOMENT, "test")
    assert verifactu.verify(None, issued["record"], Rules(), "test")[0]["hash"] == issued["hash"]


@settings(max_examples=100, deadline=None)
@given(filled(AT))
def test_rksv(document: Any) -> None:
    keys = {DEVICE.serial: KEY.public_key()}
    _only_failures(lambda: rksv.verify(None, document, keys, None, Rules()))
    if isinstance(document, dict):
        _only_failures(lambda: rksv.issue({"head": "x", "counter": 1}, document, DEVICE))
    issued, _ = rksv.issue(None, GOOD_AT, DEVICE)
    assert rksv.verify(None, issued["jws"], keys, DEVICE.aes, Rules())[1]["counter"] == 0


@settings(max_examples=100, deadline=None)
@given(filled(PT))
def test_pt(document: Any) -> None:
    _only_failures(lambda: pt.issue(None, document, RSA))
    _only_failures(lambda: pt.verify(None, document, RSA.public_key(), Rules()))
    issued, _ = pt.issue(None, GOOD_PT, RSA)
    assert pt.verify(None, {**GOOD_PT, "Hash": issued["hash"]}, RSA.public_key(), Rules())[0] == issued


@settings(max_examples=100, deadline=None)
@given(filled(("Belege-Gruppe", "Belege-kompakt")), values)
def test_exports_and_keys(document: Any, material: Any) -> None:
    for tried in (
        lambda: dep.check(document, {}, None),
        lambda: jws.public_keys({"certificateOrPublicKeyMap": material}),
    ):
        with contextlib.suppress(ValueError):
            tried()


def _only_failures(tried: Callable[[], Any]) -> None:
    try:
        tried()
    except Failure as failure:
        assert failure.reason.startswith("fiscal-")


texts = st.text(max_size=60) | st.text("0123456789-./ TBAI", max_size=60)


@settings(max_examples=150, deadline=None)
@given(texts, texts, filled(("uf", "date", "cnpj", "series", "number", "code")))
def test_functions(first: str, second: str, parts: Any) -> None:
    assert ticketbai_ok(first) is False and nfce_key_ok(first) is False
    pan_shown(first)
    vat_id_ok(first)
    for tried in (
        lambda: ticketbai_qr(first, second, first, second, first),
        lambda: irn(first, "INV", second, first),
        lambda: nfce_key(parts if isinstance(parts, dict) else {}),
        lambda: tax_id(first, second),
        lambda: tax_id_ok(first, second),
    ):
        with contextlib.suppress(Refused):
            tried()


def test_a_record_whose_hash_is_right_and_whose_values_are_not() -> None:
    fields = {"IDEmisorFactura": "1", "NumSerieFactura": "1", "FechaExpedicionFactura": "2027/01/01", "TipoFactura": "F1",
              "CuotaTotal": "one", "ImporteTotal": "two", "FechaHoraHusoGenRegistro": MOMENT}  # fmt: skip
    own = digest(canonical(read(fields), {}))
    with pytest.raises(Failure, match="fiscal-record-invalid"):
        verifactu.verify(None, {**fields, "Huella": own}, Rules(), "test")


def test_long_texts_of_digits_are_read_in_linear_time() -> None:
    text = "1 " * 50_000 + "4111 1111 1111 1111"
    assert pan_shown(text).endswith("1111")
