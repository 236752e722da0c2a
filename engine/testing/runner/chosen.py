"""Which tests there are, and which of them shall run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.config.models.tests import CaseDoc
from engine.config.project import Project
from engine.config.subject import Subject, subject_of
from engine.core.findings import Mark

if TYPE_CHECKING:
    from engine.testing.runner.scoped import Scoped


@dataclass(frozen=True)
class TestCase:
    """One test with its place; `mark` is where its name is written."""

    __test__ = False  # not a test class of pytest

    doc: CaseDoc
    subject: Subject
    mark: Mark
    scope: Scoped | None = None  # where it runs; None: on the base

    @property
    def name(self) -> str:
        return self.doc.name

    @property
    def file(self) -> str:
        return self.mark.file


def all_cases(project: Project) -> list[TestCase]:
    """Every test of the project, in the order of files and lines."""
    return [
        TestCase(doc, subject_of(project, loaded.path, doc), loaded.document.marks.value(("tests", index, "name")))
        for loaded in sorted(project.tests, key=lambda loaded: loaded.path)
        for index, doc in enumerate(loaded.model.tests)
    ]


def chosen_cases(cases: Sequence[TestCase], paths: Sequence[str] = (), text: str = "") -> list[TestCase]:
    """Those in these files and folders (relative to the project) whose name, file, route or mapping holds the text."""
    wanted = text.lower()
    return [case for case in cases if _below(case.file, paths) and wanted in _words(case).lower()]


def _below(file: str, paths: Sequence[str]) -> bool:
    return not paths or any(path in (".", file) or file.startswith(f"{path}/") for path in paths)


def _words(case: TestCase) -> str:
    return " ".join((case.name, case.file, case.subject.mapping, *case.subject.running))
