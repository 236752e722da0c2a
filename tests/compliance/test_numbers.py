"""India's IRN, Brazil's keys and QR codes, GS1 and tax numbers: published values exactly, the rule beyond them."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.compliance.br_nfce import keys
from connectors.compliance.br_nfce.functions import nfce_key, nfce_key_ok, nfce_qr, nfce_qr_offline
from connectors.compliance.gs1.functions import gs1_check_digit, gs1_gtin14
from connectors.compliance.in_gst.functions import financial_year, irn, irn_ok
from connectors.compliance.vat_ids.functions import tax_id, tax_id_ok, vat_id_ok
from engine.expr.functions.checks import gs1_check_digit_ok
from engine.expr.values import Refused
from engine.ports.secrets import Secret
from tests.compliance.support import vectors


def test_published_reference_numbers(shared: Path) -> None:
    told = vectors(shared, "compliance-in-gst", "irn.json")
    for one in told["vectors"]:
        assert irn(one["gstin"], one["doc_type"], one["doc_no"], one["doc_date"]) == one["irn"]
        assert irn_ok(one["irn"], one["gstin"], one["doc_type"], one["doc_no"], one["doc_date"])
        assert not irn_ok(one["irn"], one["gstin"], "CRN", one["doc_no"], one["doc_date"])
        assert financial_year(one["doc_date"]) == one["fy"]
    assert irn("01AAAAA9999A19N", "INV", "ABC01234", "2019-05-01") == told["unpublished_hash_for_nic_example"]


@given(st.dates(date(1999, 1, 1), date(2099, 12, 31)), st.text("abcXYZ123/-", min_size=1, max_size=15))
def test_the_rule_of_a_reference_number(day: date, number: str) -> None:
    first = day.year if (day.month, day.day) >= (4, 1) else day.year - 1
    text = f"29AAFCD5862R000{first}-{str(first + 1)[2:]}INVA{number}"
    assert irn("29AAFCD5862R000", "INV", f"A{number}", day.isoformat()) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("wrong", [("29AAFCD5862R00", "1", "2020-01-01"), ("29AAFCD5862R000", "0A", "2020-01-01"), ("29AAFCD5862R000", "A" * 17, "2020-01-01"), ("29AAFCD5862R000", "A", "31/02/2020")])  # fmt: skip
def test_what_has_no_reference_number_is_told(wrong: tuple[str, str, str]) -> None:
    with pytest.raises(Refused):
        irn(wrong[0], "INV", wrong[1], wrong[2])
    assert not irn_ok("0" * 64, wrong[0], "INV", wrong[1], wrong[2])


def test_published_access_keys(shared: Path) -> None:
    for one in vectors(shared, "compliance-br-nfce", "nfce.json")["keys"]:
        assert nfce_key_ok(one["key"]) == one["valid"]


def test_published_hashes_of_qr_codes(shared: Path) -> None:
    online, offline = vectors(shared, "compliance-br-nfce", "nfce.json")["qr"]
    csc = Secret("csc", online["csc"], "1")
    made = nfce_qr("http://state.example/qr", online["key"], online["tpAmb"], "000001", csc)
    assert made == f"http://state.example/qr?p={online['key']}|2|1|1|{online['hash']}"
    digest = offline["digVal"]
    made = nfce_qr_offline("http://state.example/qr?", offline["key"], offline["tpAmb"], offline["dia"], offline["vNF"], digest, offline["idCSC"], csc)  # fmt: skip
    assert made.startswith("http://state.example/qr?p=") and made.endswith(
        f"|02|60.90|{digest.encode().hex()}|1|{offline['hash']}"
    )


def test_the_code_of_a_taxpayer_is_a_secret_and_nothing_else() -> None:
    for code in ("text", None, 1):
        with pytest.raises(Refused, match=r"secret\('<name>'\)"):
            nfce_qr("http://state.example", "1" * 44, "1", "1", code)


@given(st.text("0123456789ABCXYZ", min_size=12, max_size=12), st.integers(0, 99), st.integers(1, 999), st.integers(1, 10**9 - 1), st.dates(date(2000, 1, 1), date(2099, 1, 1)))  # fmt: skip
def test_a_key_that_is_made_has_its_check_digit(cnpj: str, tail: int, series: int, number: int, day: date) -> None:
    made = nfce_key({"uf": "35", "date": day.isoformat(), "cnpj": f"{cnpj}{tail:02}", "series": series, "number": number, "code": "12345678"})  # fmt: skip
    assert len(made) == 44 and nfce_key_ok(made)
    weights = [4, 3, 2, 9, 8, 7, 6, 5] * 6
    total = sum((ord(char) - 48) * weight for char, weight in zip(made[:-1], weights, strict=False))
    assert made[-1] == str(0 if total % 11 < 2 else 11 - total % 11)
    assert not nfce_key_ok(made[:-1] + str((int(made[-1]) + 1) % 10))


def test_what_makes_no_key_is_told() -> None:
    for parts in (
        {},
        {"uf": "35", "state": "SP"},
        {"uf": "35", "date": "2026-01-01", "cnpj": "x" * 14, "series": 1, "number": 1, "code": 1},
    ):
        with pytest.raises(Refused):
            nfce_key(parts)
    assert not keys.key_ok("5206043300991100250655012000000780026730161５")


def test_published_check_digits(shared: Path) -> None:
    for one in vectors(shared, "compliance-gs1-pci", "checks.json")["gs1_mod10"]:
        assert (gs1_check_digit(one["full"][:-1]) == one["full"][-1]) == one["valid"] == gs1_check_digit_ok(one["full"])


@given(
    st.sampled_from([7, 11, 12, 13, 16, 17]).flatmap(lambda size: st.text("0123456789", min_size=size, max_size=size))
)
def test_a_check_digit_is_the_one_the_engine_accepts(body: str) -> None:
    assert gs1_check_digit_ok(body + gs1_check_digit(body))


def test_a_gtin_in_fourteen_digits() -> None:
    assert gs1_gtin14("73513537") == "00000073513537"
    for wrong in ("73513538", "376104250021234569", "7351353x", ""):
        with pytest.raises(Refused):
            gs1_gtin14(wrong)


def test_published_tax_numbers(shared: Path) -> None:
    told = vectors(shared, "compliance-vat-ids", "vat.json")
    for number in told["valid"]:
        assert vat_id_ok(number) and tax_id_ok(number, number[:2]), number
        changed = f"{number[:5]}{(int(number[5]) + 1) % 10}{number[6:]}"
        assert not vat_id_ok(number[:-1]) and not vat_id_ok(changed), number
    for country, name in (("IN", "in_gstin"), ("BR", "br_cnpj"), ("MX", "mx_rfc")):
        assert tax_id_ok(told["other"][name], country)
        assert not tax_id_ok(told["other"][name][:-1], country)
    for country, name in (("IN", "in_gstin"), ("BR", "br_cnpj")):
        number = told["other"][name]
        assert not tax_id_ok(number[:-1] + ("W" if number[-1] == "V" else "1"), country)
    assert tax_id("ES B-58378431", "es") == "B58378431"


def test_a_country_without_rules_is_told_and_a_wrong_number_refused() -> None:
    with pytest.raises(Refused, match="not known"):
        tax_id_ok("1", "XX")
    with pytest.raises(Refused, match="no tax number"):
        tax_id("1", "ES")
