"""`tillflow validate` on 500 generated routes, as a process of its own and inside."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

GOAL = 1.5
ROUTES = 500


def generate(root: Path, folder: Path, count: int = ROUTES) -> None:
    """A project of `count` routes: what is shipped and copies of sales-posting under names of their own; few are
    sales-posting alone and its copies.
    """
    shutil.copytree(root / "mappings", folder / "mappings")
    shutil.copytree(
        root / "routes", folder / "routes", ignore=shutil.ignore_patterns("*.test.yaml", "cases", "regions")
    )
    for path in _routes(folder) if count < len(_routes(folder)) else ():
        if path.name != "sales-posting.yaml":
            path.unlink()
    shipped = len(_routes(folder))
    text = (root / "routes" / "sales-posting.yaml").read_text("utf-8")
    for number in range(count - shipped):
        name = f"posting-{number:03d}"
        own = text.replace("route: sales-posting", f"route: {name}").replace("posted once", f"posted once ({number})")
        (folder / "routes" / f"{name}.yaml").write_text(own, "utf-8")


def _routes(folder: Path) -> list[Path]:
    return [
        path
        for path in (folder / "routes").glob("*.yaml")
        if path.name not in ("connections.yaml", "tables.yaml", "scopes.yaml")
    ]


def run(root: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        generate(root, folder)
        taken = [_validate(folder, root) for _ in range(5)]
    print(
        f"validate {ROUTES} routes, whole process: median {median(taken):.2f} s (goal below {GOAL:g} s), of {_listed(taken)}"
    )


def _validate(folder: Path, root: Path) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "engine.cli", "validate", "--project", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=root)
    return time.perf_counter() - began


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
