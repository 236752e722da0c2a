"""The process that reads the project's files for an engine."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

import engine.reader as reading
from engine.cli.project_reader import Reader
from engine.reader import ReaderProcess, running
from engine.settings import Settings


def told(answers: io.BytesIO) -> dict[str, Any]:
    """The one message it sent."""
    return dict(msgspec.msgpack.decode(answers.getvalue()[8:]))


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "tables.yaml").write_text("tillflow: 1\ntables: {}\n")
    return Reader(Settings.read({}, tmp_path, tmp_path / "state"), io.BytesIO(), io.BytesIO())


def test_a_defect_in_compiling_is_told_and_the_reader_goes_on(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(files: object) -> None:
        raise ArithmeticError("no such number")

    with monkeypatch.context() as patched:
        patched.setattr(reader._compiling, "compile", broken)
        while not reader._look("changed"):
            time.sleep(0.01)
    (error,) = told(reader._answers)["reading"]["errors"]  # type: ignore[arg-type]
    assert "ArithmeticError: no such number" in error
    assert "defect" in error


@pytest.mark.anyio
async def test_one_that_hears_nothing_does_not_hold_up_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "COMMAND", (sys.executable, "-c", "import time; time.sleep(3600)"))
    monkeypatch.setattr(reading, "ENDS_WITHIN", 0.1)
    process = ReaderProcess(Settings.read({}, tmp_path, tmp_path / "state"), lambda text, facts: None)
    process.hurry()
    async with running(process):
        await process.changed()
        await process._begun.wait()
        child = process._process
    assert child is not None and child.returncode is not None
