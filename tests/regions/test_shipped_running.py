"""The packs that ship in a running engine: chains go through both routes, and what no pack is for waits."""

from __future__ import annotations

import shutil
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.compliance.at_rksv.chain import Device
from connectors.compliance.at_rksv.chain import issue as issue_rksv
from connectors.compliance.es_verifactu.chain import issue
from engine.core.jsonx import decode, encode
from engine.discover import discover
from engine.settings import Settings
from engine.testing.runner.project import TestProject, load_for_tests
from tests.samples.support import Ingested, ingest

INGEST = """\
tillflow: 1
route: receipts-ingest
version: 1.0.0
summary: Receipts that are canonical already.
owner: store-systems
class: system
criticality: financial
from: {use: core.files, connection: store-files, match: "*.json", format: json}
to:
  - {id: sales, event: sale.completed@2, when: "totals.gross > `0`"}
  - {id: returns, event: return.completed@1, when: "totals.gross < `0`"}
"""
Receipt = dict[str, Any]
BOX = Device("AT1", "5af00d11", ec.generate_private_key(ec.SECP256R1()), bytes(32))


def _public(device: Device) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return b64encode(device.key.public_key().public_bytes(serialization.Encoding.DER, kind)).decode()


@pytest.fixture(scope="module")
def project(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> TestProject:
    root = tmp_path_factory.mktemp("shipped")
    for name in ("routes", "mappings"):
        shutil.copytree(project_root / name, root / name)
    (root / "routes/receipts-ingest.yaml").write_text(INGEST, "utf-8")
    with (root / "mappings/tables/fiscal-keys.csv").open("a", encoding="utf-8") as keys:
        keys.write(f"AT,{BOX.serial},{_public(BOX)},of a test\n")
    return load_for_tests(Settings.read({}, root), {}, discover())


def sold(root: Path, number: str, country: str = "ES", day: str = "2027-03-15", *, back: bool = False) -> Receipt:
    """A receipt of store 0012, as the cases have it."""
    name = "return-fiscal.json" if back else "sale-fiscal.json"
    receipt: Receipt = decode((root / "routes/cases" / name).read_bytes())
    del receipt["extensions"]
    return receipt | {
        "receipt_no": number,
        "business_date": day,
        "occurred_at": f"{day}T11:20:30+01:00",
        "store": {"id": "0012", "country": country},
    }


def signed(*receipts: Receipt) -> list[Receipt]:
    """The same with their records, in one chain."""
    state: Any = None
    made = []
    for receipt in receipts:
        fields = {
            "IDEmisorFactura": "B12345674", "NumSerieFactura": f"A/{receipt['receipt_no']}", "TipoFactura": "F2",
            "FechaExpedicionFactura": receipt["business_date"], "CuotaTotal": receipt["totals"]["tax"],
            "ImporteTotal": receipt["totals"]["gross"], "FechaHoraHusoGenRegistro": receipt["occurred_at"],
        }  # fmt: skip
        entry, state = issue(state, fields, "", "production")
        made.append(receipt | {"extensions": {"fiscal": {"record": entry["record"], "system": "T1"}}})
    return made


def run(project: TestProject, folder: Path, *receipts: Receipt) -> Ingested:
    named = {f"{number}.json": encode(receipt) for number, receipt in enumerate(receipts)}
    return ingest(project, named, "receipts-ingest", folder)


def posted(made: Ingested) -> dict[str, str]:
    """Reference of each entry, and the fiscal id it carries."""
    rows = [row for sent in made.sent if (row := decode(sent).get("row")) and "debit" in str(row)]
    return {row["reference"]: row.get("fiscal_id", "") for row in rows}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_sales_and_returns_of_a_till_are_one_chain_in_whatever_order_they_come(
    project: TestProject, project_root: Path, tmp_path: Path, order: tuple[int, ...]
) -> None:
    chain = signed(sold(project_root, "1"), sold(project_root, "2", back=True), sold(project_root, "3"))
    made = run(project, tmp_path, *(chain[number] for number in order))
    hashes = [receipt["extensions"]["fiscal"]["record"]["Huella"] for receipt in chain]
    assert made.work == []
    assert posted(made) == dict(zip(("0012-03-1", "R-0012-04-2", "0012-03-3"), hashes, strict=True))


def test_a_record_that_somebody_left_out_is_missed(project: TestProject, project_root: Path, tmp_path: Path) -> None:
    chain = signed(*(sold(project_root, number) for number in "123"))
    made = run(project, tmp_path, chain[0], chain[2])
    assert posted(made).keys() == {"0012-03-1"}, "the third waits for the second"
    assert made.work == []


def test_a_sale_that_is_held_back_does_not_hold_the_chain(
    project: TestProject, project_root: Path, tmp_path: Path
) -> None:
    chain = signed(*(sold(project_root, number) for number in "123"))
    chain[1]["lines"][0]["sku"] = "SKU-NONE"
    made = run(project, tmp_path, *chain)
    assert [(item.reason, item.route) for item in made.work] == [("unknown-sku", "sales-posting")]
    assert posted(made).keys() == {"0012-03-1", "0012-03-3"}


def test_from_the_day_of_the_rule_on_a_record_is_asked_for(
    project: TestProject, project_root: Path, tmp_path: Path
) -> None:
    before, after = sold(project_root, "1", day="2026-12-31"), sold(project_root, "2", day="2027-01-01")
    training = sold(project_root, "3", day="2027-01-01") | {"training": True}
    made = run(project, tmp_path, before, after, training)
    assert [(item.reason, item.route) for item in made.work] == [("fiscal-record-missing", "sales-posting")]
    assert posted(made) == {"0012-03-1": ""}


def test_a_country_nobody_laid_a_pack_for_waits(project: TestProject, project_root: Path, tmp_path: Path) -> None:
    made = run(project, tmp_path, sold(project_root, "1", "FR"), sold(project_root, "2", "US"))
    assert {(item.reason, item.route) for item in made.work} == {
        ("unknown-scope", "sales-posting"),
        ("unknown-scope", "loyalty-accrual"),
    }
    assert posted(made).keys() == {"0012-03-2"}


# --- receipts that are no sale ------------------------------------------------------------------------------------------


def till_of_austria(root: Path, *gross: str) -> list[Receipt]:
    """Receipts of one cash box in the order of their chain; one of amount zero is no sale."""
    sale: Receipt = decode((root / "routes/regions/at/cases/sale-fiscal.json").read_bytes())
    zero: Receipt = decode((root / "routes/regions/at/cases/zero-receipt.json").read_bytes())
    state: Any = None
    made = []
    for number, amount in enumerate(gross, 1):
        time = f"2026-03-14T09:{number:02}:00"
        values = {"box": "0301-09", "number": str(number), "time": time, "normal": amount}
        entry, state = issue_rksv(state, values, BOX)
        receipt = dict(sale if decode(amount.encode()) else zero) | {"receipt_no": str(number), "till": {"id": "09"}}
        fiscal = {"jws": entry["jws"], "certificate": BOX.serial, "box": "0301-09"}
        made.append(receipt | {"business_date": "2026-03-14", "extensions": {"fiscal": fiscal}})
    return made


@pytest.mark.parametrize("brought", [True, False], ids=["brought", "left out"])
def test_a_zero_receipt_between_two_sales_is_a_link_of_their_chain(
    project: TestProject, project_root: Path, tmp_path: Path, brought: bool
) -> None:
    start, first, zero, second = till_of_austria(project_root, "0", "12.00", "0", "12.00")
    zeros = {f"{number}.rksv.json": encode(one) for number, one in enumerate((start, zero) if brought else (start,))}
    named = {"a.json": encode(first), "b.json": encode(second)}
    made = ingest(project, named, "receipts-ingest", tmp_path, also={"at-zero-receipts": zeros})
    assert made.work == []
    assert posted(made).keys() == ({"0301-09-2", "0301-09-4"} if brought else {"0301-09-2"})
    kept = {row["reference"] for sent in made.sent if "code" in (row := decode(sent).get("row") or {})}
    assert kept == ({"0301-09-1", "0301-09-3"} if brought else {"0301-09-1"})
