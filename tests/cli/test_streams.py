"""Standard streams that are closed or take nothing: a sentence and an exit code, whatever the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.output import Exit
from tests.cli.test_running import ROOT

LOST = "error: standard output takes nothing: No space left on device; make room there, or send it elsewhere"


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    whole = f'"{sys.executable}" -m engine.cli {line}'
    return subprocess.run(
        whole, shell=True, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("wrong", [False, True])
def test_closed_streams_change_no_answer(project: Path, closed: str, wrong: bool) -> None:
    if wrong:
        (project / "routes/new.yaml").write_text("route: [\n", "utf-8")
    said = shell(project, f"validate {closed}")
    assert said.returncode == (Exit.FAILED if wrong else Exit.OK), said
    assert "Traceback" not in said.stderr and "defect" not in said.stderr


@pytest.mark.parametrize("line", ["--version", "explain route", "explain route --format json", "validate"])
def test_output_that_takes_nothing_is_told_once(project: Path, line: str) -> None:
    (project / "routes/new.yaml").write_text("route: [\n", "utf-8")
    said = shell(project, f"{line} >/dev/full")
    assert said.returncode == Exit.UNREACHABLE
    assert said.stderr.count(LOST) == said.stderr.count("No space left") == 1


def test_errors_that_cannot_be_told_leave_the_exit_code(project: Path) -> None:
    assert shell(project, "explain nope 2>/dev/full").returncode == Exit.UNREACHABLE
    assert shell(project, "explain route >/dev/full 2>/dev/full").returncode == Exit.UNREACHABLE


def test_a_reader_that_went_away_is_no_error(project: Path) -> None:
    said = shell(project, "explain route | true")
    assert (said.returncode, said.stderr) == (0, "")
