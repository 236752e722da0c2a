"""The corpus of broken files: each gives its code at its exact place.

tests/broken/<CODE>/ holds files that take the place of those of tests/fixtures/project, and `expected.yaml` with the
place, the suggestion where there is one, and the codes that follow from the same mistake.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.config.yaml import read_text
from engine.core.codes import catalogue
from tests.compile.support import compiled, with_changes

CORPUS = Path(__file__).parents[1] / "broken"
CASES = sorted(path for path in CORPUS.iterdir() if path.is_dir())


def expected_of(case: Path) -> dict[str, Any]:
    document, findings = read_text("expected.yaml", (case / "expected.yaml").read_text(encoding="utf-8"))
    assert document is not None and findings == []
    data: dict[str, Any] = document.data
    return data


def files_of(case: Path) -> dict[str, bytes | str | None]:
    found = (path for path in case.rglob("*") if path.is_file() and path.name != "expected.yaml")
    return {path.relative_to(case).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_file_gives_its_code_at_its_place(case: Path) -> None:
    expected = expected_of(case)
    _, findings = compiled(with_changes(files_of(case)))
    places = [(f.mark.file, f.mark.line, f.mark.column) for f in findings if f.code == case.name]
    assert (expected["file"], expected["line"], expected["column"]) in places
    assert sorted({f.code for f in findings} - {case.name}) == expected.get("also", [])
    if "suggestion" in expected:
        assert expected["suggestion"] in [f.suggestion for f in findings if f.code == case.name]


def test_the_files_without_the_mistake_have_no_finding() -> None:
    assert compiled(with_changes({}))[1] == []


def test_the_corpus_is_large_and_every_code_has_a_page() -> None:
    names = {case.name for case in CASES}
    assert len(names) >= 60
    assert names <= set(catalogue())
