"""Fixtures for the tests of `engine.config`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.config.project import Project, read_project_from
from engine.core.findings import Finding
from tests.config.snippets import file_for, findings_in


@pytest.fixture
def check() -> Callable[[str], list[tuple[str, int, int]]]:
    """(code, line, column) of a snippet's findings; lines count from the snippet's first."""

    def run(text: str) -> list[tuple[str, int, int]]:
        _, whole = file_for(text)
        above = whole[: len(whole) - len(text)].count("\n")
        return [(f.code, f.mark.line - above, f.mark.column) for f in findings_in(text)]

    return run


@pytest.fixture
def read() -> Callable[..., tuple[Project, list[Finding]]]:
    """A project from texts by path; `env` is the environment."""

    def run(files: dict[str, str], env: dict[str, str] | None = None) -> tuple[Project, list[Finding]]:
        return read_project_from({path: text.encode() for path, text in files.items()}, env or {})

    return run
