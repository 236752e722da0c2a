"""The contract of `make check` that keeps connectors behind one door holds for whatever the engine is made of."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ("sdk", "settings", "cells", "added_tomorrow", "plugins/contracts", "testing/contracts")


def contract() -> str:
    """The project's own contract, as a file of its own."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (found,) = [one for one in contracts if one["name"] == "A connector imports engine.sdk only"]
    lines = ["[importlinter]", "root_packages =", "  engine", "  connectors", "[importlinter:contract:only]"]
    for name, value in found.items():
        many = isinstance(value, list)
        lines += [f"{name} =", *(f"  {one}" for one in value)] if many else [f"{name} = {value}"]
    return "\n".join(lines) + "\n"


def lint(folder: Path, planted: str) -> subprocess.CompletedProcess[str]:
    """A small engine with one connector that keeps the contract, and one that holds the planted line."""
    sources = {f"engine/{name}.py": "" for name in ENGINE}
    sources |= {"connectors/erp/good.py": "from engine.sdk import Sink\n", "connectors/erp/planted.py": planted}
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for package in {path.parent for path in folder.rglob("*.py")} | {folder / "connectors"}:
        (package / "__init__.py").touch()
    (folder / ".importlinter").write_text(contract(), "utf-8")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    "line",
    [
        "from engine.settings import Settings",
        "from engine import settings",
        "import engine.cells",
        "from engine.added_tomorrow import anything",
        "from engine.plugins.contracts import Sink",
        "def late():\n    from engine.testing.contracts import context",
    ],
)
def test_a_connector_that_imports_anything_else_is_told(tmp_path: Path, line: str) -> None:
    found = lint(tmp_path, line + "\n")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "connectors.erp.planted" in found.stdout


def test_a_connector_that_imports_the_sdk_is_fine(tmp_path: Path) -> None:
    found = lint(tmp_path, "from engine import sdk\n")
    assert found.returncode == 0, found.stdout + found.stderr
