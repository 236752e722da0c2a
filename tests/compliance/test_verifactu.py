"""VeriFactu: AEAT's examples exactly, the rule beyond them, and the chain over a restart and two workers."""

from __future__ import annotations

import copy
import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.compliance.es_verifactu.chain import issue, verify
from connectors.compliance.es_verifactu.qr import qr_url
from connectors.compliance.es_verifactu.record import canonical, digest, fits, huella, read
from connectors.compliance.es_verifactu.step import Verifactu
from connectors.compliance.support.links import Rules
from engine.core.errors import Rejected, Transient
from tests.compliance.support import go, step_of, vectors, worker

STRICT = Rules("first", "refuse")
MOMENT = "2027-01-01T10:00:00+01:00"
FLAT = {
    "alta": {"nif": "IDEmisorFactura", "num": "NumSerieFactura", "f": "FechaExpedicionFactura", "t": "TipoFactura",
             "c": "CuotaTotal", "i": "ImporteTotal", "h": "HuellaAnterior", "ts": "FechaHoraHusoGenRegistro"},
    "anulacion": {"nif": "IDEmisorFacturaAnulada", "num": "NumSerieFacturaAnulada", "f": "FechaExpedicionFacturaAnulada",
                  "h": "HuellaAnterior", "ts": "FechaHoraHusoGenRegistro"},
}  # fmt: skip


def published(shared: Path) -> list[dict[str, Any]]:
    found = vectors(shared, "compliance-es-verifactu", "huella-aeat.json")["records"]
    return [
        {**{FLAT[one["kind"]][name]: value for name, value in one["fields"].items()}, "Huella": one["huella"]}
        for one in found
    ]


def test_every_published_hash_is_reproduced(shared: Path) -> None:
    for raw, document in zip(
        vectors(shared, "compliance-es-verifactu", "huella-aeat.json")["records"], published(shared), strict=True
    ):
        record = read(document)
        amounts = {name: raw["fields"][short] for name, short in (("CuotaTotal", "c"), ("ImporteTotal", "i"))} if raw["kind"] == "alta" else {}  # fmt: skip
        assert canonical(record, amounts) == raw["input"]
        assert huella(record) == raw["huella"] and fits(record)


def test_the_published_records_are_one_chain(shared: Path) -> None:
    state: dict[str, Any] | None = None
    for document in published(shared):
        entry, state = verify(state, document, STRICT, "test")
        assert entry["hash"] == document["Huella"]


def test_any_changed_value_is_refused(shared: Path) -> None:
    for document in published(shared):
        for name, value in document.items():
            changed = {**document, name: f"{value}1" if name != "CuotaTotal" else "12.36"}
            with pytest.raises(Rejected, match="fiscal-hash-mismatch"):
                verify(None, changed, Rules(), "test")


def record(**changes: Any) -> dict[str, Any]:
    return {
        "IDEmisorFactura": "89890001K", "NumSerieFactura": "A/1", "FechaExpedicionFactura": "2027-01-31", "TipoFactura": "F2",
        "CuotaTotal": Decimal("2.1"), "ImporteTotal": Decimal("12.1"), **changes,
    }  # fmt: skip


amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=20), amounts, amounts),
        min_size=1, max_size=5, unique_by=lambda one: one[0],
    )
)  # fmt: skip
def test_what_is_issued_is_verified_in_one_chain(sales: list[tuple[str, Decimal, Decimal]]) -> None:
    issued: dict[str, Any] | None = None
    checked: dict[str, Any] | None = None
    for number, tax, total in sales:
        entry, issued = issue(
            issued, record(NumSerieFactura=number, CuotaTotal=tax, ImporteTotal=total), MOMENT, "test"
        )
        made = entry["record"]
        assert all(made[name][-3] == "." for name in ("CuotaTotal", "ImporteTotal"))
        assert entry["hash"] == made["Huella"] and made["TipoHuella"] == "01"
        seen, checked = verify(checked, made, STRICT, "test")
        assert seen == {name: value for name, value in entry.items() if name != "record"}
        assert checked["head"] == issued["head"]


@given(amounts, st.sampled_from(["two", "short", "as it is"]))
def test_either_form_of_an_amount_is_accepted(total: Decimal, hashed: str) -> None:
    """Whoever made the record may have hashed 123.1 and written 123.10, or the other way round."""
    text = {"two": f"{total:.2f}", "short": f"{total:f}".rstrip("0").rstrip("."), "as it is": f"{total:f}"}[hashed]
    base = {**record(), "FechaExpedicionFactura": "31-01-2027", "FechaHoraHusoGenRegistro": MOMENT}
    own = digest(canonical(read(base), {"CuotaTotal": "2.10", "ImporteTotal": text}))
    for written in {f"{total:.2f}", text, f"{total:f}"}:
        assert fits(read({**base, "ImporteTotal": written, "Huella": own}))
        assert not fits(read({**base, "ImporteTotal": Decimal(written) + Decimal("0.01"), "Huella": own}))


def test_a_third_decimal_is_refused_and_not_rounded() -> None:
    with pytest.raises(Rejected, match="more than two decimals"):
        issue(None, record(ImporteTotal=Decimal("12.105")), MOMENT, "test")


def test_a_record_is_read_nested_and_out_of_xml() -> None:
    entry, state = issue(None, record(), MOMENT, "test")
    following, _ = issue(state, record(NumSerieFactura="A/2"), MOMENT, "test")
    made = following["record"]
    xml = {"sum1:RegistroAlta": [{f"sum1:{name}": [value] for name, value in made.items()}]}
    assert read(xml) == read(made) and fits(read(xml))
    assert made["Encadenamiento"]["RegistroAnterior"]["Huella"] == entry["hash"]
    assert made["Encadenamiento"]["RegistroAnterior"]["NumSerieFactura"] == "A/1"


def test_a_cancellation_follows_in_the_same_chain() -> None:
    _, state = issue(None, record(), MOMENT, "test")
    gone = {
        "IDEmisorFacturaAnulada": "89890001K",
        "NumSerieFacturaAnulada": "A/1",
        "FechaExpedicionFacturaAnulada": "31-01-2027",
    }
    entry, _ = issue(state, gone, MOMENT, "test")
    text = (
        "IDEmisorFacturaAnulada=89890001K&NumSerieFacturaAnulada=A/1&FechaExpedicionFacturaAnulada=31-01-2027"
        f"&Huella={state['head']}&FechaHoraHusoGenRegistro={MOMENT}"
    )
    assert entry["hash"] == hashlib.sha256(text.encode()).hexdigest().upper()
    assert "qr" not in entry


def test_a_record_that_was_made_is_not_made_again() -> None:
    entry, _ = issue(None, record(), MOMENT, "test")
    with pytest.raises(Rejected, match="never made twice"):
        issue(None, entry["record"], MOMENT, "test")


@pytest.mark.parametrize("document", ["x", {}, {**record(), "NumSerieFactura": " "}, [1]])
def test_what_is_no_record_is_told(document: Any) -> None:
    with pytest.raises(Rejected, match="fiscal-record-invalid"):
        verify(None, document, Rules(), "test")


def test_the_qr_code_is_encoded_and_has_two_decimals(shared: Path) -> None:
    published = vectors(shared, "compliance-es-verifactu", "huella-aeat.json")["qr"]
    wanted = f"{published['base_prod']}?nif=89890001K&numserie=12345678%2FG33&fecha=01-01-2024&importe=123.40"
    assert qr_url("89890001K", "12345678/G33", "2024-01-01", "123.4") == wanted
    assert qr_url("89890001K", "1", "01-01-2024", 5, "test").startswith(f"{published['base_test']}?nif=")


ISSUE = step_of(Verifactu, mode="issue", record="sale", chain=["till"])
VERIFY = step_of(Verifactu, mode="verify", record="extensions.fiscal.record", chain=["till"])


def test_the_chain_survives_a_restart_and_a_repeated_event(tmp_path: Path) -> None:
    async def story() -> None:
        async with worker(tmp_path) as one:
            first = await one.run(ISSUE, "e1", {"till": "1", "sale": record()})
        async with worker(tmp_path) as one:
            again = await one.run(ISSUE, "e1", {"till": "1", "sale": record()})
            second = await one.run(ISSUE, "e2", {"till": "1", "sale": record(NumSerieFactura="A/2")})
            other = await one.run(ISSUE, "e3", {"till": "2", "sale": record(NumSerieFactura="B/1")})
        assert again == first
        assert second["extensions"]["fiscal"]["previous"] == first["extensions"]["fiscal"]["hash"]
        assert other["extensions"]["fiscal"]["previous"] == ""

    go(story())


def test_records_of_a_till_arrive_in_any_order(tmp_path: Path) -> None:
    async def story() -> None:
        state: dict[str, Any] | None = None
        made: list[dict[str, Any]] = []
        for number in range(3):
            entry, state = issue(state, record(NumSerieFactura=f"A/{number}"), MOMENT, "test")
            made.append({"till": "1", "extensions": {"fiscal": {"record": entry["record"], "system": "S"}}})
        async with worker(tmp_path) as one:
            await one.run(VERIFY, "e0", made[0])
            with pytest.raises(Transient, match="fiscal-chain-gap"):
                await one.run(VERIFY, "e2", made[2])
            await one.run(VERIFY, "e1", made[1])
            after = await one.run(VERIFY, "e2", made[2])
            fiscal = after["extensions"]["fiscal"]
            assert fiscal["system"] == "S" and fiscal["hash"] == made[2]["extensions"]["fiscal"]["record"]["Huella"]
            with pytest.raises(Rejected, match="fiscal-record-repeated"):
                await one.run(VERIFY, "another event", made[2])
            changed = copy.deepcopy(made[2])
            changed["extensions"]["fiscal"]["record"]["ImporteTotal"] = "99.00"
            with pytest.raises(Rejected, match="fiscal-record-changed"):
                await one.run(VERIFY, "e2", changed)

    go(story())


def test_an_event_without_a_record_is_a_work_item(tmp_path: Path) -> None:
    async def story() -> None:
        async with worker(tmp_path) as one:
            for data in ({"till": "1"}, {"till": "1", "extensions": {"fiscal": {"record": {}}}}):
                with pytest.raises(Rejected, match="fiscal-record-missing"):
                    await one.run(VERIFY, "e1", data)

    go(story())


def test_a_zone_that_is_none_is_a_finding() -> None:
    with pytest.raises(ValidationError, match="is not a time zone"):
        step_of(Verifactu, mode="issue", record="sale", chain=["till"], zone="Europe/Nowhere")


def test_the_moment_of_a_record_is_local_time_with_its_offset(tmp_path: Path) -> None:
    async def story() -> None:
        canary = step_of(Verifactu, mode="issue", record="sale", chain=["till"], zone="Atlantic/Canary")
        async with worker(tmp_path) as one:
            made = await one.run(canary, "e1", {"till": "1", "sale": record()})
        assert made["extensions"]["fiscal"]["record"]["FechaHoraHusoGenRegistro"].endswith(("+00:00", "+01:00"))

    go(story())
