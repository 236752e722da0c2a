"""What a newcomer gets wrong first: each is told before anything runs, at its line."""

from __future__ import annotations

import pytest

from engine.core.findings import Finding
from tests.compile.support import compiled, edited, fixture_files, with_changes

PRODUCTS = "mappings/tables/products.csv"


def told(files: dict[str, bytes | str], code: str) -> Finding:
    _, findings = compiled(files)
    found = [finding for finding in findings if finding.code == code]
    assert found, findings
    return found[0]


def test_a_key_that_is_in_a_table_twice_is_told_at_its_line() -> None:
    content = fixture_files()[PRODUCTS].rstrip(b"\n")
    first = content.split(b"\n")[1]

    finding = told(with_changes({PRODUCTS: content + b"\n" + first + b"\n"}), "TF3524")

    assert (finding.mark.file, finding.mark.line) == (PRODUCTS, content.count(b"\n") + 2)
    assert "twice" in finding.message


@pytest.mark.parametrize(("row", "part"), [(b"lonely", "1 cell, the header has"), (b"\xe9,x", "not UTF-8")])
def test_a_row_that_cannot_be_read_is_told(row: bytes, part: str) -> None:
    content = fixture_files()[PRODUCTS].rstrip(b"\n")

    finding = told(with_changes({PRODUCTS: content + b"\n" + row + b"\n"}), "TF3524")

    assert part in finding.message and finding.mark.line == content.count(b"\n") + 2


def test_every_wrong_line_of_a_table_is_told_in_one_run() -> None:
    lines = fixture_files()[PRODUCTS].rstrip(b"\n").split(b"\n")
    content = b"\n".join([*lines, b"lonely", lines[1], b'"open'])

    _, findings = compiled(with_changes({PRODUCTS: content}))

    assert [f.mark.line for f in findings if f.code == "TF3524"] == [len(lines) + 1, len(lines) + 2, len(lines) + 3]


def test_a_mapping_without_input_is_checked_against_what_comes_to_it() -> None:
    path = "mappings/sale-to-journal.yaml"
    text = fixture_files()[path].decode()
    line = next(each for each in text.splitlines() if each.startswith("input:"))
    files = edited(path, line + "\n", "")
    files[path] = str(files[path]).replace("receipt_no", "receipt_nr")

    finding = told(files, "TF2020")

    assert finding.mark.file == path and "receipt_nr" in finding.message


def test_what_a_step_adds_is_told_to_stand_under_adds() -> None:
    path = "mappings/sale-to-journal.yaml"
    text = fixture_files()[path].decode()
    start = text.index("adds:")
    end = text.index("output:")

    finding = told(with_changes({path: text[:start] + text[end:]}), "TF2020")

    assert finding.mark.file == path and "list it under `adds:`" in finding.help


def test_accepts_inside_from_is_told_once_where_it_belongs() -> None:
    path = "routes/pos-ingest.yaml"
    _, findings = compiled(edited(path, "  use: core.files\n", "  use: core.files\n  accepts: sale.completed@2\n"))

    assert [(f.code, f.help) for f in findings] == [("TF1106", "it belongs one level up: indent it less by two spaces")]


def test_a_value_that_must_be_a_secret_is_told_once_with_the_way_to_write_it() -> None:
    _, findings = compiled(edited("routes/connections.yaml", "${secret.klaviyo_key}", "${KLAVIYO_SECRET}"))

    assert [(f.code, "${secret.klaviyo}" in f.help) for f in findings] == [("TF1129", True)]


def test_a_format_by_another_name_is_told_by_ours() -> None:
    assert (
        told(edited("routes/pos-ingest.yaml", "format: pos.poslog", "format: jsonl"), "TF3009").suggestion == "ndjson"
    )


def test_an_aggregate_that_makes_no_required_field_is_told() -> None:
    finding = told(
        edited("routes/sales-summary.yaml", "sum: {gross: totals.gross}", "sum: {}"),
        "TF3502",
    )

    assert (finding.mark.file, finding.mark.line) == ("routes/sales-summary.yaml", 14) and "gross" in finding.message


def test_what_a_broken_step_names_is_not_called_unused() -> None:
    path = "routes/sales-posting.yaml"
    _, findings = compiled(edited(path, "missing: {work_item: unknown-sku", "missing: {work_itm: unknown-sku"))

    assert "TF3023" not in [f.code for f in findings]


def test_a_table_file_in_the_wrong_folder_is_found_by_its_name() -> None:
    path = "../mappings/tables/stores.csv"

    assert told(edited("routes/tables.yaml", path, "stores.csv"), "TF9011").suggestion == path


def test_a_number_with_a_zero_in_front_is_told_as_text() -> None:
    files = edited(
        "routes/stock.yaml", "to:\n", "steps:\n  - {id: early, when: location == 0042, filter: {reason: x}}\nto:\n"
    )

    assert told(files, "TF2001").suggestion == "'0042'"


def test_a_misspelt_type_of_records_is_told_once_and_not_at_its_mapping() -> None:
    files = dict(fixture_files()) | {
        "routes/copies.yaml": "tillflow: 1\nroute: copies\nversion: 1.0.0\nowner: store-ops\ncriticality: operational\n"
        "accepts: sale.complete@2\n"
        "from: {use: core.files, connection: store-files, format: json}\n"
        "to:\n  - {id: kept, use: core.files, connection: store-files, action: append, map: sale-to-journal, "
        "with: {name: {const: a}}}\n"
    }

    found = compiled(files)[1]

    assert [(one.code, one.suggestion) for one in found if one.mark.file == "routes/copies.yaml"] == [
        ("TF3007", "sale.completed@2")
    ]
