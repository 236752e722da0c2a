"""The samples written for this project give exactly the expected values, whichever format they come in."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.core.event import Event
from engine.testing.runner.project import TestProject
from tests.samples.support import Ingested, ingest

POSLOG = "samples/pos-poslog/poslog-v6.xml"
NCR = "samples/pos-poslog/ncr-acs-poslog-small.xml"
CSVS = ("samples/pos-csv/till-export-de.csv", "samples/pos-csv/till-export-us.csv")
PAN = b"4111111111111111"


def route_of(name: str) -> str:
    return "pos-ingest" if name.endswith(".xml") else "till-csv-ingest"


def taken_in(project: TestProject, shared: Path, name: str, state: Path) -> Ingested:
    return ingest(project, {Path(name).name: (shared / name).read_bytes()}, route_of(name), state)


def values(event: Event) -> dict[str, Any]:
    """A receipt in the words of expected.json."""
    data = event.data
    return {
        "store": data["store"]["id"],
        "till": data["till"]["id"],
        "seq": int(data["receipt_no"]),
        "kind": event.type.partition(".")[0],
        "lines": len(data["lines"]),
        "qty": sum(line["quantity"] for line in data["lines"]),
        "gross": data["totals"]["gross"],
        "tax": data["totals"]["tax"],
        "by_vat": {str(tax["rate"]): tax["base"] + tax["amount"] for tax in data["tax_totals"]},
        "first_gtin": data["lines"][0]["gtin"],
        "currency": data["currency"],
    }


def wanted(shared: Path) -> list[dict[str, Any]]:
    expected = json.loads((shared / "samples/expected.json").read_text("utf-8"))["expected"]["poslog-v6.xml"]
    for receipt in expected:
        receipt["gross"], receipt["tax"] = Decimal(receipt["gross"]), Decimal(receipt["tax"])
        receipt["by_vat"] = {rate: Decimal(amount) for rate, amount in receipt["by_vat"].items()}
    return expected  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", [POSLOG, *CSVS])
def test_every_value_is_as_expected(shipped: TestProject, shared: Path, tmp_path: Path, name: str) -> None:
    made = taken_in(shipped, shared, name, tmp_path)
    assert [values(event) for event in made.receipts] == wanted(shared)
    assert made.work == []


@pytest.mark.parametrize("name", CSVS)
def test_a_csv_has_the_receipts_and_the_total_it_says(
    shipped: TestProject, shared: Path, tmp_path: Path, name: str
) -> None:
    expected = json.loads((shared / "samples/expected.json").read_text("utf-8"))["expected"]["till-export-*.csv"]
    receipts = taken_in(shipped, shared, name, tmp_path).receipts
    assert len(receipts) == expected["receipts"]
    assert sum(len(event.data["lines"]) for event in receipts) == expected["rows"]
    assert sum(event.data["totals"]["gross"] for event in receipts) == Decimal(expected["gross"])


def test_the_same_receipt_is_the_same_event_in_every_format(shipped: TestProject, shared: Path, tmp_path: Path) -> None:
    identities = [
        {(event.id, event.guard, event.day, event.subject, event.amount) for event in made.receipts}
        for number, name in enumerate((POSLOG, *CSVS))
        for made in [taken_in(shipped, shared, name, tmp_path / str(number))]
    ]
    assert len(identities[0]) == 3 and all(guard for _, guard, *_ in identities[0])
    assert identities[0] == identities[1] == identities[2]


def test_the_file_of_a_real_till_gives_its_sale(shipped: TestProject, shared: Path, tmp_path: Path) -> None:
    """Values as they stand in the file: a weighed apple with a reward, paid by card, no tax."""
    made = taken_in(shipped, shared, NCR, tmp_path)
    (sale,) = made.receipts
    assert sale.type == "sale.completed@2"
    assert values(sale) == {
        "store": "9", "till": "34", "seq": 161, "kind": "sale", "lines": 1, "qty": Decimal("0.42"),
        "gross": Decimal("1.07"), "tax": 0, "by_vat": {}, "first_gtin": "00000000067591", "currency": "USD",
    }  # fmt: skip
    assert any(b'"reference":"9-34-161"' in request for request in made.sent), "it is posted"
    assert [(item.route, item.reason) for item in made.work] == [("loyalty-accrual", "unknown-member")]


@pytest.mark.parametrize("spoiled", [False, True], ids=["good", "spoiled"])
def test_the_card_number_is_in_no_byte_that_is_kept_sent_or_logged(
    shipped: TestProject, shared: Path, tmp_path: Path, spoiled: bool
) -> None:
    raw = (shared / POSLOG).read_bytes()
    assert PAN in raw, "the sample holds one on purpose"
    if spoiled:  # the receipt with the card becomes a work item with its raw text
        before, after = raw.split(b"<SequenceNumber>1002</SequenceNumber>")
        raw = before + b"<SequenceNumber>1002</SequenceNumber>" + after.replace(b"2026-03-14", b"14.03.2026", 1)
    made = ingest(shipped, {"poslog-v6.xml": raw}, "pos-ingest", tmp_path)
    assert len(made.receipts) == (2 if spoiled else 3) and len(made.work) == spoiled
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"0012" in path.read_bytes() for path in kept)
    for path in kept:
        assert PAN not in path.read_bytes(), path.name
    for content in (*made.sent, *(item.body for item in made.work), *(line.encode() for line in made.logged)):
        assert PAN not in content
    if spoiled:
        assert b"411111******1111" in made.work[0].body
