"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared samples; tests that need it are skipped where it is absent, unless it was named."""
    named = os.environ.get("TILLFLOW_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not folder.is_dir():
        if named:
            pytest.fail(f"TILLFLOW_SHARED names {folder}, which is not a folder")
        pytest.skip(f"shared samples are not at {folder}; name them with TILLFLOW_SHARED")
    return folder
