"""Both flavours of till exports become the same records."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.pos.till_csv.flavour import Flavour, clock_time
from connectors.pos.till_csv.format import TillCsv
from engine.sdk import BadRecord, Permanent, Record

HEADER = "Filiale;Kasse;BonNr;Datum;Zeit;EAN;Artikel;Menge;EPreis;Rabatt;MwSt;Summe;Zahlart\n"


def receipts(content: bytes, **options: Any) -> list[Any]:
    reader = TillCsv(TillCsv.Config(**options))
    return [record.data["receipt"] for record in reader.decode(content, "till.csv") if isinstance(record, Record)]


def row(bon: int, amount: str, quantity: str = "1", rate: str = "21", tender: str = "BAR") -> str:
    return f"0012;03;{bon};14.03.2026;09:15:42;843;A;{quantity};1,00;0;{rate};{amount};{tender}\n"


def without_raw(made: list[Any]) -> list[Any]:
    return [{**one, "lines": [{k: v for k, v in line.items() if k != "raw"} for line in one["lines"]]} for one in made]


def test_both_flavours_say_the_same(shared: Path) -> None:
    folder = shared / "samples/pos-csv"
    german = receipts((folder / "till-export-de.csv").read_bytes())
    american = receipts((folder / "till-export-us.csv").read_bytes())
    assert without_raw(german) == without_raw(american)
    assert german[0]["lines"][0]["raw"]["EPreis"] == "21,95"


def test_the_samples_give_exactly_the_expected_values(shared: Path) -> None:
    expected = json.loads((shared / "samples/expected.json").read_text())["expected"]
    made = receipts((shared / "samples/pos-csv/till-export-de.csv").read_bytes())
    whole = expected["till-export-*.csv"]
    assert len(made) == whole["receipts"]
    assert sum(len(receipt["lines"]) for receipt in made) == whole["rows"]
    assert sum(receipt["totals"]["gross"] for receipt in made) == Decimal(whole["gross"])
    for receipt, want in zip(made, expected["poslog-v6.xml"], strict=True):
        assert (receipt["store"], receipt["till"], receipt["receipt_no"]) == (
            want["store"],
            want["till"],
            str(want["seq"]),
        )
        assert receipt["kind"] == want["kind"]
        assert receipt["totals"]["tax"] == Decimal(want["tax"])
        assert {tax["code"]: tax["gross"] for tax in receipt["taxes"]} == {
            k: Decimal(v) for k, v in want["by_vat"].items()
        }
        assert sum(line["net"] for line in receipt["lines"]) == receipt["totals"]["net"]


def test_tenders_add_up_per_kind() -> None:
    (made,) = receipts((HEADER + row(1, "2,00") + row(1, "3,00", tender="EC") + row(1, "1,00")).encode())
    assert made["tenders"] == [{"type": "BAR", "amount": Decimal("3.00")}, {"type": "EC", "amount": Decimal("3.00")}]


def test_net_prices_get_their_tax_on_top() -> None:
    (made,) = receipts((HEADER + row(1, "100,00")).encode(), prices="net")
    assert made["totals"] == {"gross": Decimal("121.00"), "net": Decimal("100.00"), "tax": Decimal("21.00")}


def test_thousands_separators_and_mixed_receipts() -> None:
    (made,) = receipts((HEADER + row(1, "1.234,50") + row(1, "-34,50", "-1")).encode())
    assert (made["kind"], made["totals"]["gross"]) == ("mixed", Decimal("1200.00"))


def test_columns_may_have_other_names() -> None:
    content = "Shop,Till,Receipt,Date,Qty,Total\n7,1,99,2026-03-14,2,10.00\n"
    names = {
        "store": "Shop",
        "till": "Till",
        "receipt_no": "Receipt",
        "business_date": "Date",
        "quantity": "Qty",
        "amount": "Total",
    }
    (made,) = receipts(content.encode(), columns=names)
    assert (made["store"], made["occurred_at"], made["totals"]["gross"]) == (
        "7",
        "2026-03-14T00:00:00",
        Decimal("10.00"),
    )


@pytest.mark.parametrize(
    "bad, line, said",
    [
        (row(2, "x"), 3, "column Summe: 'x' is not a number"),
        (row(2, "1,00").replace("14.03", "31.02"), 3, "column Datum"),
        (row(2, "1,00").replace("09:15:42", "25:00"), 3, "column Zeit"),
        (row(2, "1.00"), 3, "column Summe"),
        (row(2, "١,00"), 3, "column Summe: '١,00' is not a number"),
        (row(2, "1,00", quantity="１"), 3, "column Menge: '１' is not a number"),
        (row(2, "1,00").replace("14.03", "１４.03"), 3, "column Datum: '１４.03.2026' is not a date"),
        (row(2, "1,00").replace("14.03.2026", "14/03/٢٠٢٦"), 3, "column Datum: '14/03/٢٠٢٦' is not a date"),
        (row(2, "1,00").replace("09:15:42", "09:१५:42"), 3, "column Zeit: '09:१५:42' is not a time of day"),
    ],
)
def test_a_bad_cell_holds_its_receipt_with_line_and_column(bad: str, line: int, said: str) -> None:
    records = list(
        TillCsv(TillCsv.Config()).decode((HEADER + row(1, "1,00") + bad + row(3, "1,00")).encode(), "till.csv")
    )
    assert [type(record).__name__ for record in records] == ["Record", "BadRecord", "Record"]
    assert isinstance(records[1], BadRecord)
    assert (records[1].line, records[1].failure.data["file"]) == (line, "till.csv")
    assert said in records[1].failure.detail
    named = {"store": "0012", "till": "03", "receipt_no": "2", "business_date": "2026-03-14"}
    wrong = "business_date" if "column Datum" in said else ""
    assert records[1].known == {"receipt": {name: text for name, text in named.items() if name != wrong}}


@pytest.mark.parametrize(
    "torn, made",
    [
        ("0012;03;2;14.0\n", ["1", "3", "4"]),  # of a receipt none of whose other rows is there
        ("0012;03;1;14.0\n", ["3", "4"]),  # not beside its receipt
    ],
)
def test_a_torn_line_holds_the_receipt_it_tells_of(torn: str, made: list[str]) -> None:
    content = HEADER + row(1, "1,00") + row(3, "1,00") + torn + row(4, "1,00")
    records = list(TillCsv(TillCsv.Config()).decode(content.encode(), "till.csv"))
    assert [record.data["receipt"]["receipt_no"] for record in records if isinstance(record, Record)] == made
    (bad,) = [record for record in records if isinstance(record, BadRecord)]
    assert (bad.line, torn.encode() in bad.raw) == (4, True)
    told = bad.known["receipt"]
    assert (told["store"], told["till"], told["receipt_no"]) == ("0012", "03", torn.split(";")[2])


def test_a_mended_record_can_be_read_by_itself() -> None:
    content = HEADER + row(1, "1,00") + row(2, "x") + row(3, "1,00")
    (bad,) = [r for r in TillCsv(TillCsv.Config()).decode(content.encode(), "till.csv") if isinstance(r, BadRecord)]
    (made,) = receipts(bad.raw.replace(b";x;", b";5,00;"))
    assert (made["receipt_no"], made["totals"]["gross"]) == ("2", Decimal("5.00"))


def test_a_file_without_the_columns_is_refused_with_what_it_has() -> None:
    with pytest.raises(Permanent, match="no column `Kasse`; there are Filiale, Menge"):
        receipts(b"Filiale;Menge\n1;2\n")


@pytest.mark.parametrize(
    "flavour, text, day",
    [
        ("de", "14.03.2026", "2026-03-14"),
        ("us", "03/14/2026", "2026-03-14"),
        ("de", "14/03/2026", "2026-03-14"),
        ("us", "2026-03-14", "2026-03-14"),
    ],
)
def test_dates(flavour: Any, text: str, day: str) -> None:
    assert Flavour(flavour).day(text) == day


@pytest.mark.parametrize(
    "text, time", [("9:05", "09:05:00"), ("12:00 AM", "00:00:00"), ("12:30 pm", "12:30:00"), ("1:02:03 PM", "13:02:03")]
)
def test_times(text: str, time: str) -> None:
    assert clock_time(text) == time
