"""A misspelt `TILLFLOW_*` variable is said when the engine is started, never ignored in silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.core.jsonx import decode
from engine.settings.environment import unknown
from tests.cli.conftest import Tillflow

ENGINE = Path(__file__).resolve().parents[2] / "engine"


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("TILLFLOW_WORKER_S", "did you mean `TILLFLOW_WORKERS`?"),
        ("TILLFLOW_TRANPSORT", "did you mean `TILLFLOW_TRANSPORT`?"),
        ("TILLFLOW_store", "did you mean `TILLFLOW_STORE`?"),
        ("TILLFLOW_LOGGING", "there are TILLFLOW_ACTOR, TILLFLOW_CELL, "),
    ],
)
def test_an_unknown_one_is_told_with_the_nearest(name: str, help: str) -> None:
    ((found, told),) = unknown(["PATH", "TILLFLOW_STORE", name])
    assert found == name and told.startswith(help)


def test_what_is_known_is_not_told() -> None:
    """All that the engine reads or tells its children, and what belongs to secrets and tests."""
    used = {
        name for path in ENGINE.rglob("*.py") for name in re.findall(r'"(TILLFLOW_[A-Z]\w*)"', path.read_text("utf-8"))
    }
    assert {"TILLFLOW_MARKS", "TILLFLOW_CRASH_AT", "TILLFLOW_CHILD", "TILLFLOW_ACTOR"} <= used
    assert not list(unknown([*used, "TILLFLOW_SECRET_ERP", "TILLFLOW_TEST_POSTGRES", "TILLFLOW_SHARED", "HOME"]))


def test_run_says_it_before_anything_else(tillflow: Tillflow, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILLFLOW_WORKER_S", "4")
    monkeypatch.setenv("TILLFLOW_SECRET_ERP", "x")
    (project / "routes" / "broken.yaml").write_text("tillflow: 1\nroute: broken\n", "utf-8")
    said = tillflow("run", "--project", project)
    (line,) = [decode(line) for line in said.err.splitlines() if "environment variable" in line]
    assert (line["variable"], line["help"]) == ("TILLFLOW_WORKER_S", "did you mean `TILLFLOW_WORKERS`?")
