"""What is imported for what: the parent and a question to a running engine need neither backends nor compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "engine.runtime.engine",
    "engine.compile",
    "engine.steps",
    "engine.backends",
    "asyncpg",
    "aio_pika",
    "starlette",
)


def imported(statement: str) -> set[str]:
    command = [sys.executable, "-c", f"import sys\n{statement}\nprint(*sys.modules)"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(told.split())


@pytest.mark.parametrize("group", ["run", "status", "trace", "work"])
def test_a_command_that_only_asks_or_watches_is_light(group: str) -> None:
    assert imported(f"import engine.cli.main, engine.cli.{group}").isdisjoint(HEAVY)


def test_a_cell_on_sqlite_needs_no_driver_of_a_service() -> None:
    assert imported("import engine.app").isdisjoint({"asyncpg", "aio_pika", "aiormq"})
