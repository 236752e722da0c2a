"""Running commands in this process, as a shell would see them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.core.jsonx import decode


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return decode(self.out)


Tillflow = Callable[..., Said]


@pytest.fixture
def tillflow(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tillflow:
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["tillflow", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
            sys.exit(0)
        told = capsys.readouterr()
        return Said(int(end.value.code or 0), told.out, told.err)

    return run


@pytest.fixture
def project(tillflow: Tillflow, tmp_path: Path) -> Path:
    """What `init` lays down."""
    folder = tmp_path / "shop"
    assert tillflow("init", folder).code == 0
    return folder
