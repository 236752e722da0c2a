"""The project `shop` beside these tests, with other test files in it, and `tillflow test` on it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.core.jsonx import decode
from engine.discover import discover
from engine.plugins.registry import Registry
from engine.settings import Settings
from engine.testing.runner.chosen import all_cases
from engine.testing.runner.project import load_for_tests
from engine.testing.runner.session import CaseResult, run_one

HERE = Path(__file__).parent
Results = Callable[..., list[CaseResult]]


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return decode(self.out)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the project `shop`."""
    return shutil.copytree(HERE / "shop", tmp_path / "shop")


@pytest.fixture
def tillflow_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shop: Path
) -> Callable[..., Said]:
    """`tillflow test ARGUMENTS` on the shop."""
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["tillflow", "test", "--project", str(shop), *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return Said(int(end.value.code or 0), told.out, told.err)

    return run


@pytest.fixture
def results(shop: Path) -> Results:
    """The results of tests, given as the text of `tests:`, instead of those the shop has."""

    def run(text: str, registry: Registry | None = None, **routes: str) -> list[CaseResult]:
        for old in (shop / "routes").glob("*.test.yaml"):
            old.unlink()
        (shop / "routes" / "posting.test.yaml").write_text(f"tillflow: 1\ntests:\n{text}", encoding="utf-8")
        for name, content in routes.items():
            (shop / "routes" / f"{name}.yaml").write_text(content, encoding="utf-8")
        project = load_for_tests(Settings.read({}, shop), {}, registry or discover())
        return [run_one(project, case) for case in all_cases(project.project)]

    return run
