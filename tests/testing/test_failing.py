"""Tests that must fail, and what they have to say: each case of `failing/` is named after a sentence of its failure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.discover import discover
from engine.settings import Settings
from engine.testing.runner.chosen import all_cases
from engine.testing.runner.project import TestProject, load_for_tests
from engine.testing.runner.session import run_one
from tests.testing.conftest import HERE

FILES = sorted(path.name.removesuffix(".test.yaml") for path in (HERE / "failing").glob("*.test.yaml"))


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> TestProject:
    """The shop with all failing tests in it."""
    shop = Path(shutil.copytree(HERE / "shop", tmp_path_factory.mktemp("failing") / "shop"))
    shutil.copytree(HERE / "failing", shop / "routes", dirs_exist_ok=True)
    return load_for_tests(Settings.read({}, shop), {}, discover())


@pytest.mark.parametrize("name", FILES)
def test_each_says_what_differs(failing: TestProject, name: str) -> None:
    cases = [case for case in all_cases(failing.project) if case.file == f"routes/{name}.test.yaml"]
    told = {case.name: run_one(failing, case).problems for case in cases}
    assert told
    assert not {text: problems for text, problems in told.items() if not any(text in one for one in problems)}
