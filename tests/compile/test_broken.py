"""The corpus of broken files: each gives its code at its exact place.

tests/broken/<CODE>/ holds files that take the place of those of tests/fixtures/project, and `expected.yaml` with the
place, the suggestion where there is one, the codes that follow from the same mistake (`also`), and files that are left
out (`without`). Every code has its case, but for those that no file of a project can show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.config.yaml import read_text
from engine.core.codes import catalogue
from tests.compile.support import compiled, edited_and_compiled, with_changes

CORPUS = Path(__file__).parents[1] / "broken"
CASES = sorted(path for path in CORPUS.iterdir() if path.is_dir())


# No file can show these; other tests do.
NOT_A_FILE = {
    "TF1003": "a file of more than 1 MiB",
    "TF2502": "a template of more than 64 KiB",
    "TF3019": "a plugin of another API",
    "TF3020": "a plugin that cannot be imported",
    "TF5050": "a library that is not installed",
    "TF6021": "judged against the day it is",
    "TF9001": "a folder without a project",
    "TF9004": "a link of the file system",
    "TF9005": "a file that cannot be read",
    "TF9009": "a project without routes",
}


def expected_of(case: Path) -> dict[str, Any]:
    document, findings = read_text("expected.yaml", (case / "expected.yaml").read_text(encoding="utf-8"))
    assert document is not None and findings == []
    data: dict[str, Any] = document.data
    return data


def files_of(case: Path) -> dict[str, bytes | str | None]:
    found = (path for path in case.rglob("*") if path.is_file() and path.name != "expected.yaml")
    without: dict[str, bytes | str | None] = dict.fromkeys(expected_of(case).get("without", []))
    return without | {path.relative_to(case).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_file_gives_its_code_at_its_place(case: Path) -> None:
    expected = expected_of(case)
    _, findings = edited_and_compiled(with_changes(files_of(case)))
    places = [(f.mark.file, f.mark.line, f.mark.column) for f in findings if f.code == case.name]
    assert (expected["file"], expected["line"], expected["column"]) in places
    assert sorted({f.code for f in findings} - {case.name}) == expected.get("also", [])
    if "suggestion" in expected:
        assert expected["suggestion"] in [f.suggestion for f in findings if f.code == case.name]


def test_the_files_without_the_mistake_have_no_finding() -> None:
    assert compiled(with_changes({}))[1] == []


def test_every_code_has_a_case_and_every_case_a_page() -> None:
    names = {case.name for case in CASES}
    assert names <= set(catalogue())
    assert set(catalogue()) - names == set(NOT_A_FILE)
