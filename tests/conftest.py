"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import rabbitmq_broker

ROOT = Path(__file__).resolve().parents[1]

# Whole engines, started by the command: each test takes seconds, so that they are a part of their own.
STORIES = (
    "proof",
    "faults",
    "docs/test_readme.py",
    *(f"cli/test_{name}.py" for name in ("changing", "demo", "dev", "packages", "replaying", "restarts", "running")),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = tuple(str(ROOT / "tests" / name) for name in STORIES)
    for item in items:
        if str(item.path).startswith(places):
            item.add_marker("stories")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def broker_turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests marked `alone` have the broker to themselves; other `services` tests share it."""
    if request.node.get_closest_marker("services") is None:
        yield
        return
    with rabbitmq_broker.turn(alone=request.node.get_closest_marker("alone") is not None):
        yield
        rabbitmq_broker.tidy()


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
