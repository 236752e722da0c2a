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


@pytest.mark.parametrize(("row", "part"), [(b"lonely", "cells, the header has"), (b"\xe9,x", "not UTF-8")])
def test_a_row_that_cannot_be_read_is_told(row: bytes, part: str) -> None:
    content = fixture_files()[PRODUCTS].rstrip(b"\n")

    finding = told(with_changes({PRODUCTS: content + b"\n" + row + b"\n"}), "TF3524")

    assert part in finding.message and finding.mark.line == content.count(b"\n") + 2


def test_a_mapping_without_input_is_checked_against_what_comes_to_it() -> None:
    path = "mappings/sale-to-journal.yaml"
    text = fixture_files()[path].decode()
    line = next(each for each in text.splitlines() if each.startswith("input:"))
    files = edited(path, line + "\n", "")
    files[path] = str(files[path]).replace("receipt_no", "receipt_nr")

    finding = told(files, "TF2020")

    assert finding.mark.file == path and "receipt_nr" in finding.message
