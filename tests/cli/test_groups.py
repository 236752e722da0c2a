"""Only the module of the command that is asked for is imported; the table that says which one must be right."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import typer
from typer.main import get_group

from engine.cli.main import GROUPS, application
from tests.cli.conftest import Tillflow

HEAVY = ("asyncpg", "httpx", "starlette", "uvicorn", "engine.runtime", "engine.testing")


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_brings_the_commands_it_is_listed_with(group: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    import_module(f"engine.cli.{group}").add_to(app)
    assert set(get_group(app).commands) == set(GROUPS[group])


def test_an_unknown_command_is_compared_with_all_of_them(tillflow: Tillflow) -> None:
    assert set(get_group(application("tarce")).commands) == {name for names in GROUPS.values() for name in names}
    said = tillflow("tarce")
    assert said.code == 2 and "trace" in said.err


def test_a_group_of_one_command_still_needs_its_name(tillflow: Tillflow) -> None:
    assert tillflow("trace", "--help").code == 0
    assert get_group(application("trace")).commands.keys() == {"trace"}


def test_validate_imports_no_server_no_client_and_no_runtime() -> None:
    code = "import sys, engine.cli.check, engine.discover as d; d.discover(); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {*HEAVY} & {*found.stdout.split()}
