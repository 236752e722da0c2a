"""The project that ships, compiled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.discover import discover
from engine.settings import Settings
from engine.testing.runner.project import TestProject, load_for_tests


@pytest.fixture(scope="session")
def shipped(project_root: Path) -> TestProject:
    return load_for_tests(Settings.read({}, project_root), {}, discover())
